"""Members of the client's request that OpenAI's API does not have in common with others, and those Cohere has not.

Cohere's own, which a client adds on purpose (`extra_body`), are passed on as they are. Those whose loss would change
what is answered are refused. The rest are knobs without an equal: dropped, and named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Of the body of `POST /v2/chat`, without what has a typed place in `ChatRequest` under the same name.
_COHERE = frozenset(
    {"citation_options", "documents", "k", "p", "priority", "safety_mode", "stop_sequences", "strict_tools"}
)
# Cohere's names for what a client may say in OpenAI's, too.
_SAME = {"k": "top_k", "p": "top_p", "stop_sequences": "stop"}

_REFUSED = {
    "audio": "Cohere answers without audio.",
    "web_search_options": "Cohere's Chat API does not search the web.",
    "connectors": "Version 2 of Cohere's Chat API has no connectors.",
    "preamble": "Send the preamble as a message of role 'system'.",
    "chat_history": "Send the chat history as messages.",
}

# Read elsewhere: `providers.cohere.reasoning`, and below.
_READ = frozenset({"thinking", "modalities"})


def extra_members(chat: ChatRequest, dropped: Dropped) -> JsonObject:
    """Members to send, in place of those that say the same. null is what OpenAI's SDKs send for "not given"."""
    given = {name: value for name, value in chat.extra.items() if value is not None}
    _check(given)
    members: JsonObject = {}
    for name, value in given.items():
        if name in _COHERE:
            members[name] = value
            if name in _SAME and getattr(chat, _SAME[name]) is not None:
                dropped.add(_SAME[name])
        elif name not in _READ:
            dropped.add(name)
    return members


def _check(given: Mapping[str, Json]) -> None:
    if given.get("modalities", ["text"]) != ["text"]:
        raise Unsupported("Cohere answers in text only.", param="modalities")
    for name in given:
        if name in _REFUSED:
            raise Unsupported(_REFUSED[name], param=name)


def check_common(chat: ChatRequest, dropped: Dropped) -> None:
    """The typed parameters that Cohere has no equal of, and what is not read of messages."""
    for unread in chat.unread:
        dropped.add(unread)
    if chat.n not in {None, 1}:
        raise Unsupported("Cohere gives one answer a request.", param="n")
    if chat.top_logprobs:
        raise Unsupported("Cohere gives the log probability of its own tokens only.", param="top_logprobs")
    for name in ("user", "metadata"):
        if getattr(chat, name) is not None:
            dropped.add(name)
