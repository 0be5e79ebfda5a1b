"""`ChatRequest` to `POST /v1beta/models/{model}:generateContent`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from providers.base import Credential, Translated, UpstreamRequest
from providers.dropped import Dropped
from providers.errors import InvalidRequest
from providers.google.conversation import translate as conversation
from providers.google.extra import native_members
from providers.google.generation import generation_config
from providers.google.profile import model_profile
from providers.google.tools import function_calling, tool_list
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.jsonwalk import JsonObject

# A name is one segment of the URL's path, or two of which the first is Google's. Nothing that needs quoting, and no
# colon, which would end it: what a client calls its model must reach no other host, path or method.
_MODEL = re.compile(r"(?P<kind>models/|tunedModels/)?(?P<name>[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)")


def translate(chat: ChatRequest, target: Target) -> Translated:
    dropped = Dropped()
    path = model_path(target.model)
    body = _body(chat, target.model, dropped)
    method = "streamGenerateContent?alt=sse" if chat.stream else "generateContent"
    request = UpstreamRequest(
        method="POST",
        url=f"{target.profile.base_url}/v1beta/{path}:{method}",
        headers=_headers(chat, target),
        body=dump(body),
        auth=Credential(target.credential.secret, header="x-goog-api-key", prefix=""),
        streaming=chat.stream,
    )
    return Translated(request, dropped.names)


def model_path(model: str) -> str:
    """`models/name` of a name. Raises `InvalidRequest`."""
    match = _MODEL.fullmatch(model)
    if match is None:
        raise InvalidRequest("This is no name of a Google model.", param="model", code="model_not_found")
    return f"{match['kind'] or 'models/'}{match['name']}"


def _body(chat: ChatRequest, name: str, dropped: Dropped) -> JsonObject:
    """`contents` come last: a longer conversation then has a body that begins with the same bytes."""
    model = model_profile(name)
    native = native_members(chat, dropped)
    said = conversation(chat.messages, model, dropped)
    calling = function_calling(chat, dropped)
    members: JsonObject = {
        **native.body,
        "generationConfig": generation_config(chat, native.config, model, dropped),
        "tools": tool_list(chat, dropped),
        "toolConfig": {**({} if calling is None else {"functionCallingConfig": calling}), **native.tools},
        "systemInstruction": {"parts": said.system} if said.system else None,
        "contents": said.contents,
    }
    return {member: value for member, value in members.items() if value or member in native.body}


def _headers(chat: ChatRequest, target: Target) -> dict[str, str]:
    headers = {name.lower(): value for name, value in target.profile.headers.items()}
    headers["content-type"] = "application/json"
    if chat.stream:
        headers["accept"] = "text/event-stream"
        headers["accept-encoding"] = "identity"  # a compressed stream arrives in blocks, not word by word
    return headers
