"""Bedrock's failures to errors, by status and the exception's name; the message is for people and decides nothing.

https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html, and the errors of Converse itself.
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
from providers.jsonwalk import JsonObject, MalformedJson, load_object, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.bedrock.frame import Frame

_PROVIDER = "bedrock"

# The status that an exception has when it comes alone, for those that come inside an answer of status 200.
_STATUSES = {
    "ValidationException": 400,
    "UnrecognizedClientException": 403,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ModelNotReadyException": 429,
    "ThrottlingException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}

# OpenAI's words for `type` and `code`. An exception without one gives its own name, as `model_error` for instance.
_TYPES = {403: "permission_error"}
_CODES = {
    "ValidationException": None,
    "UnrecognizedClientException": "invalid_api_key",
    "ExpiredTokenException": "invalid_api_key",
    "InvalidSignatureException": "invalid_api_key",
    "ResourceNotFoundException": "model_not_found",
    "ThrottlingException": "rate_limit_exceeded",
}
_CODES_BY_STATUS = {401: "invalid_api_key", 413: "request_too_large", 429: "rate_limit_exceeded"}

# The model's failure and its lateness: neither is about this request, so another target may be asked.
_FAILED = frozenset({408, 424})

_NAME = re.compile(r"[A-Z][A-Za-z]{0,63}")
_RETRY_AFTER = re.compile(r"[\w ,:+.-]{1,64}", re.ASCII)

# A wrong signature is explained by quoting what was signed, session token included.
_SIGNATURE = "Signature"

# An explanation is a sentence; what is longer is a page or an echo of the request.
_LONGEST_MESSAGE = 2_000


def from_answer(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An answer that is not 2xx, with any body. The exception's name is in a header, or in the body's `__type`.

    A status that is no error is no protocol of Bedrock's either.
    """
    if not 400 <= status < 600:
        return UpstreamProtocolError(f"Bedrock answered with status {status}.", provider=_PROVIDER)
    told = _object(body)
    retry_after = headers.get("retry-after", "").strip()
    return _error(
        status,
        _name(headers.get("x-amzn-errortype") or text(told, "__type") or text(told, "code") or ""),
        text(told, "message") or text(told, "Message") or "",
        retry_after=retry_after if _RETRY_AFTER.fullmatch(retry_after) else None,
    )


def from_frame(frame: Frame) -> UpstreamError:
    """A frame of `:message-type` exception, which Bedrock's model knows, or error, which it does not."""
    told = _object(frame.payload)
    name = _name(frame.text(":exception-type") or frame.text(":error-code"))
    message = text(told, "message") or text(told, "Message") or frame.text(":error-message")
    return _error(_STATUSES.get(name, 502), name, message)


def from_body(told: JsonObject) -> UpstreamError | None:
    """The exception that a body is in spite of its status, if it says so."""
    name = _name(text(told, "__type") or "")
    return _error(_STATUSES.get(name, 502), name, text(told, "message") or "") if name else None


def protocol_error(reason: str) -> UpstreamProtocolError:
    """`reason` completes "Bedrock sent …" and quotes nothing of what was sent."""
    return UpstreamProtocolError(f"Bedrock sent {reason}.", provider=_PROVIDER)


def _object(body: bytes) -> JsonObject:
    try:
        return load_object(body)
    except MalformedJson:
        return {}


def _name(code: str) -> str:
    """`com.amazon.coral#ThrottlingException`, `ThrottlingException:http://…` and `throttlingException` are one."""
    name = code.partition(":")[0].rpartition("#")[2].strip()
    name = name[:1].upper() + name[1:]
    return name if _NAME.fullmatch(name) else ""


def _error(status: int, name: str, message: str, *, retry_after: str | None = None) -> UpstreamError:
    if _SIGNATURE in name:
        message = "Bedrock refused the signature: the AWS keys and their region must fit together."
    return _kind(status)(
        _message(status, message.strip()),
        provider=_PROVIDER,
        status=status,
        type=_TYPES.get(status),
        code=_code(status, name),
        retry_after=retry_after,
    )


def _kind(status: int) -> type[UpstreamError]:
    if status in {401, 403}:
        return UpstreamAuth
    if status == 429:
        return UpstreamThrottled
    return UpstreamDown if status >= 500 or status in _FAILED else UpstreamRejected


def _message(status: int, message: str) -> str:
    if not message:
        return f"Bedrock answered with status {status} and no explanation."
    return message if len(message) <= _LONGEST_MESSAGE else f"{message[:_LONGEST_MESSAGE]}…"


def _code(status: int, name: str) -> str | None:
    if name in _CODES:
        return _CODES[name]
    words = re.findall(r"[A-Z][a-z]*", name.removesuffix("Exception"))
    return "_".join(words).lower() or _CODES_BY_STATUS.get(status)
