"""What else a client of chat completions may say: passed on, refused, or dropped and named.

Members that Responses have under the same name, and those of their own that a client adds on purpose (`extra_body`),
are passed on as they are. Those whose loss would change what is answered are refused. The rest are knobs without an
equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

_PASSED: Final = frozenset({
    "access_programs", "context_management", "image", "max_tool_calls", "moderation", "prompt", "prompt_cache_key",
    "prompt_cache_options", "prompt_cache_retention", "safety_identifier", "service_tier", "truncation",
})  # fmt: skip

_REFUSED: Final = {
    "audio": "The Responses API answers without audio.",
    "web_search_options": "The Responses API searches with a tool of type 'web_search'.",
    "input": "Send the input as messages.",
    "instructions": "Send the instructions as a message of role 'system'.",
    # What these name is kept at the provider and may change there: it belongs to clients of the Responses API itself.
    "previous_response_id": "Send the earlier messages: no conversation is kept between requests.",
    "conversation": "Send the earlier messages: no conversation is kept between requests.",
}

# Read elsewhere: `request`, `reasoning`, `tools`.
_READ: Final = frozenset({"include", "modalities", "reasoning", "reasoning_effort", "store", "verbosity"})

_DROPPED: Final = ("frequency_penalty", "presence_penalty", "seed", "top_k")


def extra_members(chat: ChatRequest, dropped: Dropped) -> JsonObject:
    """Members to send. null is what OpenAI's SDKs send for "not given"."""
    given = {name: value for name, value in chat.extra.items() if value is not None}
    _check(given)
    members: JsonObject = {}
    for name, value in given.items():
        if name in _PASSED:
            members[name] = value
        elif name not in _READ:
            dropped.add(name)
    return members


def _check(given: Mapping[str, Json]) -> None:
    if given.get("modalities", ["text"]) != ["text"]:
        raise Unsupported("The Responses API answers in text only.", param="modalities")
    if given.get("background"):
        raise Unsupported("An answer is waited for: nobody could fetch it later.", param="background")
    for name in given:
        if name in _REFUSED:
            raise Unsupported(_REFUSED[name], param=name)


def check_common(chat: ChatRequest, dropped: Dropped) -> None:
    """The typed parameters that Responses have no equal of."""
    if chat.n not in (None, 1):
        raise Unsupported("The Responses API gives one answer a request.", param="n")
    if chat.stop:
        raise Unsupported("The Responses API has no stop sequences.", param="stop")
    if chat.stop is not None:
        dropped.add("stop")
    for name in _DROPPED:
        if getattr(chat, name) is not None:
            dropped.add(name)
    for name in chat.unread:
        dropped.add(name)
