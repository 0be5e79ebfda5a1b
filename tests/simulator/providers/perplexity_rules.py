"""What `api.perplexity.ai` refuses in a chat completion, and in which words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.simulator.providers.base import Json, Refused, parse_json

if TYPE_CHECKING:
    from tests.simulator.http1 import Request

# Today's models, and those that were offered in 2023 and 2024.
_MODELS = re.compile(
    r"sonar(-pro|-deep-research|-reasoning(-pro)?)?|r1-1776|mistral-7b-instruct|mixtral-8x7b-instruct|codellama-\d+b-instruct"
    r"|llama-2-(7|13|70)b-chat|(llama-3\.1-)?sonar-(small|medium|large|huge)-(128k-)?(chat|online)|pplx-(7|70)b-(chat|online)"
)
_ROLES = ("system", "user", "assistant", "tool")
_LIMITS: dict[str, tuple[float, float]] = {"temperature": (0, 2), "top_p": (0, 1), "presence_penalty": (-2, 2)}


def reasons(body: Json) -> bool:
    return "reasoning" in body["model"] or body["model"] == "r1-1776"


def check(request: Request) -> Json:
    scheme, _, key = (request.header("authorization") or "").partition(" ")
    if scheme.lower() != "bearer" or not key or "invalid" in key:
        raise Refused(401, "invalid_api_key", "Invalid API key provided. Ensure your API key is correct and active.")
    body = parse_json(request.body)
    if not isinstance(body, dict):
        raise _bad("body: Invalid JSON")
    if not isinstance(body.get("model"), str):
        raise _bad("At body -> model: Field required")
    if not _MODELS.fullmatch(body["model"]):
        reason = "Permitted models can be found in the documentation at https://docs.perplexity.ai/docs/getting-started/models."
        raise _bad(f"Invalid model '{body['model']}'. {reason}", "invalid_model")
    for rule in (_shape, _order, _parameters, _format):
        rule(body)
    return body


def _bad(message: str, kind: str = "bad_request") -> Refused:
    return Refused(400, kind, message)


def _shape(body: Json) -> None:
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise _bad('["At body -> messages: Field required"]')
    for index, message in enumerate(messages):
        place = f"At body -> messages -> {index}"
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise _bad(f"[\"{place} -> role: Input should be 'system', 'user', 'assistant' or 'tool'\"]")
        if not _content(message.get("content")):
            raise _bad(f'["{place} -> content: Input should be a valid string"]')


def _content(content: Any) -> bool:
    if isinstance(content, list):
        known = {"text", "image_url", "file_url", "pdf_url", "video_url"}
        return bool(content) and all(isinstance(part, dict) and part.get("type") in known for part in content)
    return isinstance(content, str)


def _order(body: Json) -> None:
    roles = [message["role"] for message in body["messages"]]
    while roles and roles[0] == "system":
        roles.pop(0)
    for index, role in enumerate(roles):
        if (role == "assistant") != (index % 2 == 1) or role == "system":
            reason = "user or tool message(s) should alternate with assistant message(s)."
            raise _bad(f"After the (optional) system message(s), {reason}", "invalid_message")
    if not roles or roles[-1] == "assistant":
        raise _bad("Last message must have role `user` or `tool`.", "invalid_message")


def _parameters(body: Json) -> None:
    for name, (low, high) in _LIMITS.items():
        value = body.get(name)
        if value is not None and (not isinstance(value, int | float) or not low <= value <= high):
            raise _bad(f"{name} must be between {low} and {high}.", "invalid_parameter")
    limit = body.get("max_tokens")
    if limit is not None and limit < 16 and body["model"] == "sonar":
        raise _bad("max_tokens must be at least 16 for sonar.", "invalid_parameter")
    if body.get("tools"):
        raise _bad("Tool calling is not supported for this model.", "invalid_parameter")


def _format(body: Json) -> None:
    form = body.get("response_format") or {"type": "text"}
    if form.get("type") not in {"text", "json_schema", "regex"}:
        place = "At body -> response_format -> ResponseFormatText -> type"
        raise _bad(f"[\"{place}: Input should be 'text'\"]")
    if form["type"] == "json_schema" and not isinstance((form.get("json_schema") or {}).get("schema"), dict):
        raise _bad(
            '["At body -> response_format -> ResponseFormatJSONSchema -> json_schema -> schema: Field required"]'
        )
