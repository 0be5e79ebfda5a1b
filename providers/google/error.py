"""Google's failures to errors, by status and structured details; the message is for people and decides nothing.

The form is google.rpc.Status (https://google.aip.dev/193), sometimes as the one item of an array.
"""

from __future__ import annotations

import math
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
from providers.jsonwalk import JsonObject, MalformedJson, child, children, integer, load_object, text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROVIDER = "google"

# google.rpc.Code by HTTP status, for an error inside an answer of status 200 that does not say its own.
_STATUSES = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

# A wrong key is a bad request to Google; to a client it is what it is to everybody else.
_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED", "API_KEY_NOT_FOUND"})

# OpenAI's words for `type` and `code`, by status. Where it has none, Google's own status is the code.
_TYPES = {403: "permission_error"}
_CODES = {401: "invalid_api_key", 413: "request_too_large", 429: "rate_limit_exceeded"}

_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,63}")
_RETRY_AFTER = re.compile(r"[\w ,:+.-]{1,64}", re.ASCII)
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")

# An explanation is a sentence; what is longer is a page or an echo of the request.
_LONGEST_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An answer that is not 2xx, with any body."""
    if status < 400:
        return UpstreamProtocolError(f"Google answered with status {status}.", provider=_PROVIDER)
    retry_after = headers.get("retry-after", "").strip()
    return _error(status, told_error(body), retry_after if _RETRY_AFTER.fullmatch(retry_after) else None)


def from_event(told: JsonObject) -> UpstreamError:
    """The `error` member of a body or a stream event whose own status says nothing of it."""
    code = integer(told, "code")
    status = code if code is not None and 400 <= code <= 599 else _STATUSES.get(text(told, "status") or "", 502)
    return _error(status, told, None)


def told_error(body: bytes) -> JsonObject:
    """The `error` member of the body, or of the first object in an array; empty where there is none."""
    try:
        value = load_object(b'{"items":' + (body if body.lstrip()[:1] == b"[" else b"[" + body + b"]") + b"}")
    except MalformedJson:
        return {}
    return next((child(item, "error") for item in children(value, "items")), {})


def protocol_error(reason: str) -> UpstreamProtocolError:
    """`reason` completes "Google sent …" and quotes nothing of what was sent."""
    return UpstreamProtocolError(f"Google sent {reason}.", provider=_PROVIDER)


def _error(status: int, told: JsonObject, retry_after: str | None) -> UpstreamError:
    if status == 400 and any(text(detail, "reason") in _KEY_REASONS for detail in children(told, "details")):
        status = 401
    return _kind(status)(
        _message(status, told),
        provider=_PROVIDER,
        status=status,
        type=_TYPES.get(status),
        code=_code(status, told),
        retry_after=retry_after or next(_retry_delays(told), None),
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
        return f"Google answered with status {status} and no explanation."
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def _code(status: int, told: JsonObject) -> str | None:
    if status in _CODES:
        return _CODES[status]
    code = text(told, "status") or ""
    return code.lower() if _CODE.fullmatch(code) and code != "INVALID_ARGUMENT" else None


def _retry_delays(told: JsonObject) -> Iterator[str]:
    """google.rpc.RetryInfo: `34.07s` is 35 in the whole seconds of a `retry-after` header."""
    for detail in children(told, "details"):
        match = _DURATION.fullmatch(text(detail, "retryDelay") or "")
        if match:
            yield str(math.ceil(float(match[1])))
