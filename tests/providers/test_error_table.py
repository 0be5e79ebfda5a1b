"""The same failure is the same error to a client, whichever provider it was that failed."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from providers.dialects.openai import DIALECT
from providers.errors import UpstreamAuth, UpstreamDown, UpstreamError, UpstreamRejected, UpstreamThrottled
from providers.registry import find, names
from tests.wire.recordings import FOLDER

CLASSES: Final = {
    400: UpstreamRejected,
    401: UpstreamAuth,
    403: UpstreamAuth,
    404: UpstreamRejected,
    413: UpstreamRejected,
    422: UpstreamRejected,
    429: UpstreamThrottled,
    500: UpstreamDown,
    502: UpstreamDown,
    503: UpstreamDown,
    504: UpstreamDown,
    529: UpstreamDown,
}
# What clients read off the code, where the status has a code of OpenAI's.
CODES: Final = {401: "invalid_api_key", 429: "rate_limit_exceeded"}

_OPENAI: Final = {
    401: {"type": "invalid_request_error", "code": "invalid_api_key"},
    429: {"type": "requests", "code": "rate_limit_exceeded"},
}
_ANTHROPIC: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_GOOGLE: Final = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_BEDROCK: Final = {
    400: "ValidationException",
    401: "ExpiredTokenException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


def openai_body(status: int) -> Any:
    return {
        "error": {"message": "because", "param": None, **_OPENAI.get(status, {"type": "server_error", "code": None})}
    }


def anthropic_body(status: int) -> Any:
    return {"type": "error", "error": {"type": _ANTHROPIC.get(status, "api_error"), "message": "because"}}


def google_body(status: int) -> Any:
    return {"error": {"code": status, "message": "because", "status": _GOOGLE.get(status, "UNKNOWN")}}


def bedrock_body(status: int) -> Any:
    return {"__type": _BEDROCK.get(status, "NewException"), "message": "because"}


# By wire, each in the form of the provider's own page on errors. Hosts of OpenAI's wire write several.
BODIES: Final[dict[str, tuple[Any, ...]]] = {
    "openai-chat": (
        openai_body,
        lambda status: openai_body(status)["error"],  # Cerebras, Mistral
        lambda status: {"error": "because", "error_type": "x"},  # Hugging Face
        lambda status: {"detail": [{"loc": ["body", "x"], "msg": "because"}]},  # FastAPI: Perplexity, Mistral
        lambda status: [google_body(status)],  # Google's compatible endpoint
        lambda status: {"object": "error", "message": "because", "raw_status_code": status},  # Mistral
        lambda status: {"error": {"code": status, "message": "because"}},  # OpenRouter
    ),
    "anthropic-messages": (anthropic_body,),
    "google-generatecontent": (google_body, lambda status: [google_body(status)]),
    "vertex": (google_body, anthropic_body, lambda status: [google_body(status)]),
    "bedrock-converse": (bedrock_body, lambda status: {"message": "because"}),
    "cohere-v2": (lambda status: {"id": "1", "message": "because"},),
}
rows = [
    pytest.param(name, status, body, id=f"{name}-{status}-{number}")
    for name in names()
    for status in CLASSES
    for number, body in enumerate(BODIES.get(find(name).wire, (openai_body,)))
]


def told(error: UpstreamError) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(DIALECT.error(error))
    assert body.keys() == {"error"}
    assert {"message", "type", "param", "code"} <= body["error"].keys()
    return dict(body["error"])


@pytest.mark.parametrize(("name", "status", "body"), rows)
def test_a_status_is_one_error_with_one_form_for_all_providers(name: str, status: int, body: Any) -> None:
    error = find(name).error(status, {"retry-after": "7"}, json.dumps(body(status)).encode())
    assert type(error) is CLASSES[status]
    assert (error.status, error.provider, error.retry_after) == (status, name, "7")
    assert "because" in told(error)["message"]
    assert isinstance(told(error)["type"], str)
    assert error.retryable is (status == 429 or status >= 500)


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("name", names())
def test_a_wrong_key_and_a_limit_have_openais_code_everywhere(name: str, status: int) -> None:
    (body, *_) = BODIES.get(find(name).wire, (openai_body,))
    assert told(find(name).error(status, {}, json.dumps(body(status)).encode()))["code"] == CODES[status]


@pytest.mark.parametrize("status", CLASSES)
@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize(
    "body", [b"", b"<html>502 Bad Gateway</html>", b"null", b"[]", b'{"error":null}', b"\xff\xfe", b"[" * 5_000]
)
def test_a_body_that_says_nothing_leaves_the_status_to_speak(name: str, status: int, body: bytes) -> None:
    error = find(name).error(status, {"retry-after": "7"}, body)
    assert (type(error), error.status, error.retry_after) == (CLASSES[status], status, "7")
    assert told(error)["message"]


@pytest.mark.parametrize("name", names())
def test_words_decide_nothing(name: str) -> None:
    """An echo of a prompt that mentions a limit is no limit."""
    said = {"error": {"message": "429 rate limit exceeded, overloaded, 401 unauthorized"}, "message": "429 overloaded"}
    assert type(find(name).error(400, {}, json.dumps(said).encode())) is UpstreamRejected


@pytest.mark.parametrize("date", ["Wed, 21 Oct 2026 07:28:00 GMT"])
@pytest.mark.parametrize("name", names())
def test_a_date_to_come_back_at_is_kept_and_an_injection_is_not(name: str, date: str) -> None:
    assert find(name).error(503, {"retry-after": date}, b"").retry_after == date
    assert find(name).error(503, {"retry-after": "7\r\nset-cookie: a=b"}, b"").retry_after is None


def _shapes() -> list[Any]:
    path = FOLDER / "error-shapes.json"
    if not path.exists():
        return [pytest.param(None, marks=pytest.mark.skip(reason="no recorded traffic"))]
    shapes = [shape for shape in json.loads(path.read_text()) if shape["provider"] in names()]
    whole = [shape for shape in shapes if shape["response"]["status"] >= 400]
    return [pytest.param(shape, id=f"{shape['provider']}-{shape['response']['status']}") for shape in whole]


@pytest.mark.parametrize("shape", _shapes())
def test_documented_error_bodies_are_what_their_status_says(shape: dict[str, Any]) -> None:
    response = shape["response"]
    error = find(shape["provider"]).error(response["status"], response["headers"], response["body"].encode())
    assert (type(error), error.status) == (CLASSES[response["status"]], response["status"])
    assert error.retry_after == response["headers"].get("retry-after")
    assert "shape of" in told(error)["message"]
