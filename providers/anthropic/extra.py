"""Members of the client's request that OpenAI's API does not have in common with others.

Anthropic's own, which a client adds on purpose (`extra_body`), are passed on as they are. Those whose loss would change
what is answered are refused. The rest are knobs without an equal: dropped, and named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Of the body of `POST /v1/messages`, GA and beta, without what has a typed place in `ChatRequest`.
_ANTHROPIC = frozenset(
    {
        "billing_policy",
        "cache_control",
        "compaction",
        "container",
        "context_management",
        "diagnostics",
        "fallback_credit_token",
        "fallbacks",
        "inference_geo",
        "mcp_servers",
        "prefill",
        "speed",
        "stop_sequences",
        "thread",
    }
)
_SERVICE_TIERS = frozenset({"auto", "standard_only"})

_REFUSED = {
    "audio": "Anthropic answers without audio.",
    "output_format": "Send output_format as response_format.",
    "web_search_options": "Anthropic searches with a tool of type 'web_search_20250305'.",
    "system": "Send system as a message of role 'system'.",
}

# Read elsewhere: `providers.anthropic.reasoning`, `request`, and below.
_READ = frozenset({"thinking", "output_config", "betas", "modalities"})

_BETA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


def extra_members(extra: Mapping[str, Json], dropped: Dropped) -> JsonObject:
    """Members to send. null is what OpenAI's SDKs send for "not given"."""
    given = {name: value for name, value in extra.items() if value is not None}
    if given.get("modalities", ["text"]) != ["text"]:
        raise Unsupported("Anthropic answers in text only.", param="modalities")
    members: JsonObject = {}
    for name, value in given.items():
        if name in _REFUSED:
            raise Unsupported(_REFUSED[name], param=name)
        if name in _ANTHROPIC or (name == "service_tier" and str(value) in _SERVICE_TIERS):
            members[name] = value
        elif name not in _READ:
            dropped.add(name)
    return members


def betas(extra: Mapping[str, Json]) -> list[str]:
    """The names under `betas`, as Anthropic's SDKs take them: they travel in a header."""
    names = extra.get("betas")
    if names is None:
        return []
    if not isinstance(names, list):
        raise InvalidRequest("betas must be a list of names.", param="betas")
    wanted = [name for name in names if isinstance(name, str) and _BETA.fullmatch(name)]
    if len(wanted) != len(names):
        raise InvalidRequest("betas must be a list of names.", param="betas")
    return wanted


def check_common(chat: ChatRequest, dropped: Dropped) -> None:
    """The typed parameters that Anthropic has no equal of."""
    if chat.n not in {None, 1}:
        raise Unsupported("Anthropic gives one answer a request.", param="n")
    if chat.logprobs:
        raise Unsupported("Anthropic gives no log probabilities.", param="logprobs")
    if chat.top_logprobs:
        raise Unsupported("Anthropic gives no log probabilities.", param="top_logprobs")
    knobs = ("seed", "frequency_penalty", "presence_penalty")
    for name in knobs:
        if getattr(chat, name) is not None:
            dropped.add(name)


def metadata(chat: ChatRequest, dropped: Dropped) -> JsonObject | None:
    """Anthropic's `metadata` is an opaque id of the end user: from the client's own metadata, or else from `user`."""
    given = chat.metadata or {}
    user_id = given.get("user_id")
    if given.keys() - {"user_id"}:
        dropped.add("metadata")
    if user_id is not None:
        if chat.user is not None and chat.user != user_id:
            dropped.add("user")
        return {"user_id": user_id}
    return None if chat.user is None else {"user_id": chat.user}
