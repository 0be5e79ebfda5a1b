"""`ChatRequest` to `POST /v2/chat`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.base import Translated, UpstreamRequest
from providers.cohere.conversation import translate as conversation
from providers.cohere.extra import check_common, extra_members
from providers.cohere.reasoning import thinking
from providers.cohere.sampling import sampling, stop_sequences
from providers.cohere.tools import response_format, tooling
from providers.dropped import Dropped
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.jsonwalk import JsonObject


def translate(chat: ChatRequest, target: Target) -> Translated:
    dropped = Dropped()
    body = _body(chat, target.model, dropped)
    request = UpstreamRequest(
        method="POST",
        url=f"{target.profile.base_url}/v2/chat",
        headers=_headers(chat, target),
        body=dump(body),
        auth=target.credential,
        streaming=chat.stream,
    )
    return Translated(request, dropped.names)


def _body(chat: ChatRequest, model: str, dropped: Dropped) -> JsonObject:
    """`messages` come last: a longer conversation then has a body that begins with the same bytes."""
    check_common(chat, dropped)
    tools = tooling(chat, dropped)
    members: JsonObject = {
        "model": model,
        "stream": chat.stream,
        "max_tokens": chat.max_tokens,
        **sampling(chat),
        "stop_sequences": stop_sequences(chat),
        "logprobs": chat.logprobs,
        "thinking": thinking(chat, model, dropped),
        "response_format": response_format(chat, dropped),
        "tools": tools.tools,
        "tool_choice": tools.choice,
        "strict_tools": tools.strict,
        **extra_members(chat, dropped),
        "messages": conversation(chat.messages, model, dropped),
    }
    return {name: value for name, value in members.items() if value is not None}


def _headers(chat: ChatRequest, target: Target) -> dict[str, str]:
    headers = {name.lower(): value for name, value in target.profile.headers.items()}
    headers["content-type"] = "application/json"
    if chat.stream:
        headers["accept"] = "text/event-stream"
        headers["accept-encoding"] = "identity"  # a compressed stream arrives in blocks, not word by word
    return headers
