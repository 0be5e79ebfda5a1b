"""`ChatRequest` to `POST /v1/messages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.anthropic.conversation import translate as conversation
from providers.anthropic.extra import betas, check_common, extra_members, metadata
from providers.anthropic.profile import Model, model_profile
from providers.anthropic.reasoning import Thinking, thinking
from providers.anthropic.relayed import relayed_body
from providers.anthropic.sampling import sampling, stop_sequences
from providers.anthropic.tools import output_format, tool_choice, tool_list
from providers.base import Credential, Translated, UpstreamRequest
from providers.dropped import Dropped
from providers.errors import InvalidRequest
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.jsonwalk import JsonObject
    from providers.secret import Secret

WIRE: Final = "anthropic-messages"

_VERSION = "2023-06-01"

# Tokens of a Claude subscription. They are sent as OAuth bearers, and refused without the beta that knows them.
_OAUTH_PREFIX = "sk-ant-oat"
_OAUTH_BETA = "oauth-2025-04-20"


def translate(chat: ChatRequest, target: Target) -> Translated:
    dropped = Dropped()
    if chat.source.wire == WIRE:
        body = relayed_body(chat, target.model, dropped)
    else:
        body = dump(_body(chat, target.model, dropped))
    request = UpstreamRequest(
        method="POST",
        url=f"{target.profile.base_url}/v1/messages",
        headers=_headers(chat, target),
        body=body,
        auth=_auth(target.credential.secret),
        streaming=chat.stream,
    )
    return Translated(request, dropped.names)


def _body(chat: ChatRequest, name: str, dropped: Dropped) -> JsonObject:
    """`messages` come last: a longer conversation then has a body that begins with the same bytes."""
    model = model_profile(name)
    for unread in chat.unread:
        dropped.add(unread)
    check_common(chat, dropped)
    max_tokens = model.max_tokens if chat.max_tokens is None else chat.max_tokens
    thought = thinking(chat, model, max_tokens, dropped)
    said = conversation(chat.messages, system_turns=model.system_turns, dropped=dropped)
    members: JsonObject = {
        "model": name,
        "max_tokens": max_tokens,
        **sampling(chat, model, thinking=thought.on, dropped=dropped),
        "stop_sequences": stop_sequences(chat),
        "thinking": thought.config,
        "output_config": _output_config(chat, model, thought),
        "metadata": metadata(chat, dropped),
        **extra_members(chat.extra, dropped),
        "stream": True if chat.stream else None,
        "tools": tool_list(chat, model, dropped) or None,
        "tool_choice": tool_choice(chat, model, fixed_thinking=thought.type == "enabled", dropped=dropped),
        "system": said.system or None,
        "messages": said.messages,
    }
    return {name: value for name, value in members.items() if value is not None}


def _output_config(chat: ChatRequest, model: Model, thought: Thinking) -> JsonObject | None:
    """What the client says in Anthropic's own words holds before what follows from OpenAI's."""
    config: JsonObject = {"effort": thought.effort, "format": output_format(chat, model)}
    config = {name: value for name, value in config.items() if value is not None}
    native = chat.extra.get("output_config")
    if native is not None and not isinstance(native, dict):
        raise InvalidRequest("output_config must be an object.", param="output_config")
    return {**config, **(native or {})} or None


def _headers(chat: ChatRequest, target: Target) -> dict[str, str]:
    headers = {"anthropic-version": _VERSION}
    headers |= {name.lower(): value for name, value in target.profile.headers.items()}
    headers["content-type"] = "application/json"
    if chat.stream:
        headers["accept"] = "text/event-stream"
        headers["accept-encoding"] = "identity"  # a compressed stream arrives in blocks, not word by word
    wanted = [name.strip() for name in headers.pop("anthropic-beta", "").split(",")] + betas(chat.extra)
    if _is_oauth(target.credential.secret):
        wanted.append(_OAUTH_BETA)
    named = list(dict.fromkeys(filter(None, wanted)))
    return {**headers, "anthropic-beta": ",".join(named)} if named else headers


def _auth(secret: Secret) -> Credential:
    return Credential(secret) if _is_oauth(secret) else Credential(secret, header="x-api-key", prefix="")


def _is_oauth(secret: Secret) -> bool:
    return secret.reveal().startswith(_OAUTH_PREFIX)
