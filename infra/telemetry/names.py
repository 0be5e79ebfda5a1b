"""What the conventions call the things of a record; spans and metrics say it alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from infra.telemetry.provider_names import WELL_KNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.requests.record import AttemptRecord, RequestRecord
    from infra.telemetry.otlp import Value

# By operation; a record has no path, as a path can hold anything.
_ROUTES: Final[Mapping[str, tuple[str, str]]] = {
    "chat": ("POST", "/v1/chat/completions"),
    "embeddings": ("POST", "/v1/embeddings"),
    "count_tokens": ("POST", "/v1/chat/completions/input_tokens"),
    "models": ("GET", "/v1/models"),
    "credentials": ("POST", "/v1/credentials"),
    "requests": ("GET", "/v1/requests"),
    "content": ("GET", "/v1/requests/{id}/content"),
    "usage": ("GET", "/v1/usage"),
}
# Of a dialect that has addresses of its own.
_ROUTES_OF: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "anthropic-messages": {
        "chat": ("POST", "/v1/messages"),
        "count_tokens": ("POST", "/v1/messages/count_tokens"),
    }
}
_OTHER: Final = ("_OTHER", None)

_CLIENT_ERROR: Final = 400
_SERVER_ERROR: Final = 500
_OURS: Final = frozenset({"provider", "sabir"})
CLIENT_GONE: Final = "client_gone"


def http_attributes(record: RequestRecord) -> dict[str, Value]:
    """Of the request, as HTTP's conventions have them: opentelemetry.io/docs/specs/semconv/http/http-spans."""
    method, route = _route(record)
    return {
        "http.request.method": method,
        "http.route": route,
        "http.response.status_code": record.status,
        "error.type": error_type(record.error, record.status),
    }


def request_name(record: RequestRecord) -> str:
    method, route = _route(record)
    return f"{method} {route}" if route else "HTTP"


def _route(record: RequestRecord) -> tuple[str, str | None]:
    return _ROUTES_OF.get(record.dialect, _ROUTES).get(record.operation, _OTHER)


def gen_ai_attributes(record: RequestRecord, attempt: AttemptRecord) -> dict[str, Value]:
    """Of an attempt, as GenAI's conventions have them. The record's answer belongs to the last of its attempts."""
    return {
        "gen_ai.operation.name": record.operation or None,
        "gen_ai.provider.name": WELL_KNOWN.get(attempt.provider, attempt.provider),
        "gen_ai.request.model": attempt.model,
        "gen_ai.response.model": record.response_model if is_last(record, attempt) else None,
        "error.type": error_type(attempt.error, attempt.status),
    }


def is_last(record: RequestRecord, attempt: AttemptRecord) -> bool:
    return attempt is record.attempts[-1]


def error_type(error: str | None, status: int | None) -> str | None:
    """The word of it, or the status where there is no word."""
    return error or (str(status) if status is not None and status >= _CLIENT_ERROR else None)


def is_failure(record: RequestRecord) -> bool:
    """Whether the service failed. A request that was refused, or whose client left, is none of its failures."""
    if record.status is not None and record.status >= _CLIENT_ERROR:
        return record.status >= _SERVER_ERROR
    return record.error is not None and record.cause in _OURS
