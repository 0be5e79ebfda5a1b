"""Anthropic's failures to errors, by status and `error.type`; the message is for people and decides nothing.

https://platform.claude.com/docs/en/api/errors
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from providers.jsonwalk import JsonObject, MalformedJson, child, load_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROVIDER = "anthropic"

# The status that an error has when it comes alone, for those that come inside an answer of status 200.
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}

# OpenAI's words for `type` and `code`, by status. Where it has none, Anthropic's own code is the code.
_TYPES = {402: "insufficient_quota", 403: "permission_error"}
_CODES = {401: "invalid_api_key", 402: "insufficient_quota", 429: "rate_limit_exceeded", 413: "request_too_large"}

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_RETRY_AFTER = re.compile(r"[\w ,:+.-]{1,64}", re.ASCII)

# An explanation is a sentence; what is longer is a page or an echo of the request.
_LONGEST_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An answer that is not 2xx, with any body. A status that is no error is no protocol of Anthropic's either."""
    if not 400 <= status < 600:
        return UpstreamProtocolError(f"Anthropic answered with status {status}.", provider=_PROVIDER)
    try:
        told = child(load_object(body), "error")
    except MalformedJson:
        told = {}
    retry_after = headers.get("retry-after", "").strip()
    return _error(status, told, retry_after if _RETRY_AFTER.fullmatch(retry_after) else None)


def from_event(told: JsonObject) -> UpstreamError:
    """The `error` member of an error event, or of a body that is an error in spite of its status."""
    return _error(_STATUSES.get(text(told, "type") or "", 502), told, None)


def protocol_error(reason: str) -> UpstreamProtocolError:
    """`reason` completes "Anthropic sent …" and quotes nothing of what was sent."""
    return UpstreamProtocolError(f"Anthropic sent {reason}.", provider=_PROVIDER)


def _error(status: int, told: JsonObject, retry_after: str | None) -> UpstreamError:
    return _kind(status)(
        _message(status, told),
        provider=_PROVIDER,
        status=status,
        type=_TYPES.get(status),
        code=_code(status, told),
        retry_after=retry_after,
    )


def _kind(status: int) -> type[UpstreamError]:
    if status in {401, 403}:
        return UpstreamAuth
    if status == 429:
        return UpstreamThrottled
    return UpstreamDown if status >= 500 else UpstreamRejected


def _message(status: int, told: JsonObject) -> str:
    message = (text(told, "message") or "").strip()
    if not message:
        return f"Anthropic answered with status {status} and no explanation."
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def _code(status: int, told: JsonObject) -> str | None:
    if status in _CODES:
        return _CODES[status]
    code = text(child(told, "details"), "error_code") or text(told, "type") or ""
    return code if _CODE.fullmatch(code) and code != "invalid_request_error" else None
