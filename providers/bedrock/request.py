"""`ChatRequest` to `POST /model/{modelId}/converse` and `/converse-stream`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from providers.base import Translated, UpstreamRequest
from providers.bedrock.conversation import translate as conversation
from providers.bedrock.credential import credential_of
from providers.bedrock.draft import Draft
from providers.bedrock.parameters import check_common, converse_members, inference_config, model_fields, output_config
from providers.bedrock.profile import model_profile
from providers.bedrock.reasoning import reasoning
from providers.bedrock.tools import tool_config
from providers.errors import InvalidRequest
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Target
    from providers.chat import ChatRequest
    from providers.jsonwalk import JsonObject

# What every form of a `modelId` keeps to: ids, cross-region ids, ARNs. Beginning with a letter or digit, it is never
# a path segment with a meaning of its own (`..`).
_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,2047}")


def translate(chat: ChatRequest, target: Target) -> Translated:
    draft = Draft(model_profile(target.model))
    url = f"{target.profile.base_url}/model/{model_id(target.model)}/{'converse-stream' if chat.stream else 'converse'}"
    request = UpstreamRequest(
        method="POST",
        url=url,
        headers=_headers(chat, target),
        body=dump(_body(chat, draft)),
        auth=credential_of(target),
        streaming=chat.stream,
    )
    return Translated(request, draft.dropped)


def model_id(name: str) -> str:
    """The model's name as one segment of the path, whatever is in it."""
    if _MODEL_ID.fullmatch(name) is None:
        raise InvalidRequest("This cannot be a model id of Bedrock's.", param="model")
    return quote(name, safe="")


def _body(chat: ChatRequest, draft: Draft) -> JsonObject:
    """`messages` come last: a longer conversation then has a body that begins with the same bytes."""
    check_common(chat, draft)
    thought = reasoning(chat, draft)
    said = conversation(chat.messages, draft)
    members: JsonObject = {
        "inferenceConfig": inference_config(chat, thought),
        "additionalModelRequestFields": model_fields(chat, thought, draft),
        "outputConfig": output_config(chat, thought, draft),
        **converse_members(chat, draft),
        "toolConfig": tool_config(chat, draft, has_tools=said.has_tools),
        "system": said.system or None,
        "messages": said.messages,
    }
    return {name: value for name, value in members.items() if value is not None}


def _headers(chat: ChatRequest, target: Target) -> dict[str, str]:
    headers = {name.lower(): value for name, value in target.profile.headers.items()}
    headers["content-type"] = "application/json"
    if chat.stream:
        headers["accept"] = "application/vnd.amazon.eventstream"
        headers["accept-encoding"] = "identity"  # a compressed stream arrives in blocks, not word by word
    return headers
