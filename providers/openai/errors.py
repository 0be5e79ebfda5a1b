"""A host's error, whatever its shape, as one of ours.

Shapes seen: OpenAI's `{"error": {message, type, code, param}}`; the same without the outer object (Cerebras, Mistral);
`{"error": "text"}` (Hugging Face); FastAPI's `{"detail": text | [{loc, msg}]}` (Perplexity, Mistral); a list of
errors (Google); an HTML page; nothing. The class follows the status. Where there is none, in a stream or in a 200, it
follows the code: `status_code` (Groq), `raw_status_code` (Mistral), `status` (Azure), a numeric `code` (OpenRouter),
else the words of `type` and `code`. Text is for people only.
"""

from __future__ import annotations

import json
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
from providers.jsonwalk import integer, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.jsonwalk import Json, JsonObject

# A message longer than this is a stack trace or an echo of the prompt.
_MAX_MESSAGE: Final = 1000
_MAX_WORD: Final = 200

_STATUS_OF: Final = {
    "invalid_request_error": 400, "invalid_parameter_error": 400, "bad_request": 400, "badrequesterror": 400,
    "bad_request_error": 400, "content_filter": 400, "context_length_exceeded": 400, "tool_use_failed": 400,
    "authentication_error": 401, "invalid_api_key": 401, "unauthorized": 401,
    "permission_error": 403, "permission_denied": 403, "forbidden": 403,
    "not_found_error": 404, "model_not_found": 404, "notfounderror": 404,
    "request_too_large": 413,
    "rate_limit_error": 429, "rate_limit_exceeded": 429, "rate_limit_reached": 429, "insufficient_quota": 429,
    "too_many_requests": 429, "tokens": 429, "requests": 429,
    "server_error": 500, "internal_server_error": 500, "internal_error": 500, "api_error": 500,
    "internalservererror": 500,
    "bad_gateway": 502,
    "service_unavailable": 503, "overloaded_error": 503, "engine_overloaded": 503, "unavailable": 503,
    "timeout": 504, "timeout_error": 504, "gateway_timeout": 504,
}  # fmt: skip


def error_of(status: int, headers: Mapping[str, str], body: bytes, provider: str) -> UpstreamError:
    """An answer that is not 2xx. Never raises; `headers` have lower-case names and are never quoted."""
    try:
        said: Json = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        said = None
    return _error(status, _unwrapped(said), provider, _retry_after(headers))


def error_in(body: JsonObject) -> Json:
    """The error that a body holds in spite of its status, or None. vLLM once wrote it without the outer object."""
    error = body.get("error")
    if error:
        return body if isinstance(error, str) else error
    return body if body.get("object") == "error" else None


def error_within(error: Json, provider: str) -> UpstreamError:
    """The error of a body or stream that began with 200."""
    said = _unwrapped(error)
    return _error(_status(said), said, provider, None)


# -- what it says ---------------------------------------------------------------------------------------------------


def _unwrapped(said: Json) -> JsonObject:
    """The object with the members, out of the lists and objects around it."""
    for _ in range(6):
        if isinstance(said, list):
            said = said[0] if said else None
            continue
        if not isinstance(said, dict):
            break
        inner = next((said[name] for name in ("error", "errors") if said.get(name)), None)
        if isinstance(inner, str):
            return {**said, "message": inner, "type": said.get("type") or said.get("error_type")}
        if inner is None:
            break
        said = inner
    return said if isinstance(said, dict) else {"message": said}


def _status(said: JsonObject) -> int:
    for name in ("status_code", "raw_status_code", "status", "code"):
        number = integer(said, name)
        word = text(said, name) or ""
        if number is None and re.fullmatch(r"[45]\d\d", word):
            number = int(word)
        if number is not None and 400 <= number <= 599:
            return number
    words = (text(said, "code"), text(said, "type"), text(said, "status"))
    return next((_STATUS_OF[word.lower()] for word in words if word and word.lower() in _STATUS_OF), 502)


def _message(said: Json, depth: int = 4) -> str:
    """The text for people. Of FastAPI's list only place and complaint: its `input` is the caller's own text."""
    if isinstance(said, str):
        return said
    if isinstance(said, list) and depth:
        return "; ".join(filter(None, (_message(item, depth - 1) for item in said)))
    if not isinstance(said, dict) or not depth:
        return ""
    place = _place(said)
    inner = (said.get(name) for name in ("message", "detail", "msg", "error_description", "title"))
    found = next((message for value in inner if (message := _message(value, depth - 1))), "")
    return f"{place}: {found}" if place and found else found


def _place(said: Mapping[str, Json]) -> str:
    loc = said.get("loc")
    return ".".join(str(step) for step in loc if step != "body") if isinstance(loc, list) else ""


def _param(said: JsonObject) -> str | None:
    """`param`, or the place that the first complaint of FastAPI's list names."""
    named = text(said, "param")
    detail = said.get("detail")
    first = detail[0] if isinstance(detail, list) and detail else None
    return named or (_place(first) or None if isinstance(first, dict) else None)


# -- what we make of it ---------------------------------------------------------------------------------------------


def _error(status: int, said: JsonObject, provider: str, retry_after: str | None) -> UpstreamError:
    kind, kept = _kind(status)
    behind = said.get("metadata")
    message = _message(said)
    if isinstance(behind, dict) and text(behind, "raw"):  # OpenRouter: the message of the provider behind it
        message = f"{message}: {text(behind, 'raw')}"
    return kind(
        redacted(message)[:_MAX_MESSAGE] or f"the provider answered with status {status} and no message",
        provider=provider,
        status=kept,
        type=_word(text(said, "type")),
        code=_word(text(said, "code")),
        param=_word(_param(said)),
        retry_after=retry_after,
    )


def _kind(status: int) -> tuple[type[UpstreamError], int]:
    """The class, and the status to give on: one that is no error is itself a fault of the provider."""
    match status:
        case 401 | 403:
            return UpstreamAuth, status
        case 429:
            return UpstreamThrottled, status
        case 408:
            return UpstreamDown, status
        case _ if 400 <= status <= 499:
            return UpstreamRejected, status
        case _ if 500 <= status <= 599:
            return UpstreamDown, status
        case _:
            return UpstreamProtocolError, 502


def _word(value: str | None) -> str | None:
    return redacted(value)[:_MAX_WORD] if value else None


# Masked keys (`sk-…abcd`, `****iKey`), keys by their providers' prefixes, and whatever follows "key" or "Bearer" and
# looks like one: OpenAI and DeepSeek quote the caller's key, masked, in their 401.
_SECRET: Final = re.compile(
    r"""
    [^\s"']*\*{2,}[^\s"']*
    | \b(?:sk|pk|rk|gsk|xai|pplx|hf|nvapi|fw|csk|sbr|key|r8|tgp|AIza)[-_][A-Za-z0-9_\-.…]{6,}
    | \bAIza[A-Za-z0-9_\-]{10,}
    | (?<=[Bb]earer\s)[A-Za-z0-9_\-.=+/]{8,}
    | (?<=key:\s)(?=[^\s"']*\d)[A-Za-z0-9_\-.=+/]{8,}
    | (?<=provided:\s)[A-Za-z0-9_\-.=+/…]{8,}
    """,
    re.VERBOSE,
)


def redacted(message: str) -> str:
    """`message` without anything that looks like a key."""
    return _SECRET.sub("[redacted]", message)


def _retry_after(headers: Mapping[str, str]) -> str | None:
    """Whole seconds, rounded up, of `retry-after-ms` (OpenAI, Azure) or `retry-after`; an HTTP date as it is."""
    for name, unit in (("retry-after-ms", 1000), ("retry-after", 1)):
        value = headers.get(name, "").strip()
        if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
            return str(-int(-float(value) // unit))
    date = headers.get("retry-after", "").strip()
    return date if re.fullmatch(r"[A-Za-z0-9 ,:+-]{1,64}GMT", date) else None
