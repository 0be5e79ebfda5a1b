"""Cohere's failures to errors, by status; the message is for people and decides nothing.

https://docs.cohere.com/reference/errors: the body is `{"message": …}`, mostly with the request's `id`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from providers.jsonwalk import JsonObject, MalformedJson, load_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER: Final = "cohere"

# Cohere's own: a token of the prompt or the answer is on its deny list, and the request was cancelled on the way (the
# advice of its page is to try again).
_DENIED = 498
_CANCELLED = 499

# OpenAI's words for `type` and `code`, by status.
_TYPES = {402: "insufficient_quota", 403: "permission_error"}
_CODES = {
    401: "invalid_api_key",
    402: "insufficient_quota",
    413: "request_too_large",
    429: "rate_limit_exceeded",
    _DENIED: "content_filter",
}

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_RETRY_AFTER = re.compile(r"[\w ,:+.-]{1,64}", re.ASCII)

# An explanation is a sentence; what is longer is a page or an echo of the request.
_LONGEST_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An answer that is not 2xx, with any body."""
    if status < 400:
        return UpstreamProtocolError(f"Cohere answered with status {status}.", provider=PROVIDER)
    try:
        told = load_object(body)
    except MalformedJson:
        told = {}
    retry_after = headers.get("retry-after", "").strip()
    return _kind(status)(
        _message(text(told, "message"), f"Cohere answered with status {status} and no explanation."),
        provider=PROVIDER,
        status=status,
        type=_TYPES.get(status),
        code=_CODES.get(status),
        retry_after=retry_after if _RETRY_AFTER.fullmatch(retry_after) else None,
    )


def from_body(told: JsonObject) -> UpstreamError:
    """An error in an answer of status 200, in the form that it has when it comes alone."""
    return UpstreamDown(_message(text(told, "message"), "Cohere answered with an error."), provider=PROVIDER)


def broken_off(reason: str, told: JsonObject) -> UpstreamError:
    """An answer that ended with `finish_reason` ERROR or TIMEOUT; `told` may have `error` and `error_type`."""
    named = text(told, "error_type") or ""
    return UpstreamDown(
        _message(text(told, "error"), "Cohere broke off its answer with an error and no explanation."),
        provider=PROVIDER,
        status=504 if reason == "TIMEOUT" else 502,
        code=named.lower() if _CODE.fullmatch(named) else None,
    )


def protocol_error(reason: str) -> UpstreamProtocolError:
    """`reason` completes "Cohere sent …" and quotes nothing of what was sent."""
    return UpstreamProtocolError(f"Cohere sent {reason}.", provider=PROVIDER)


def _kind(status: int) -> type[UpstreamError]:
    if status in {401, 403}:
        return UpstreamAuth
    if status == 429:
        return UpstreamThrottled
    return UpstreamDown if status >= _CANCELLED else UpstreamRejected


def _message(told: str | None, otherwise: str) -> str:
    message = (told or "").strip() or otherwise
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"
