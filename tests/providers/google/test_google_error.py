"""Failures by status and structured details."""

import json
from typing import Any

import pytest

from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from providers.google import PROVIDER


def told(status: int, error: Any, headers: dict[str, str] | None = None, *, array: bool = False) -> Any:
    body = {"error": error}
    return PROVIDER.error(status, headers or {}, json.dumps([body] if array else body).encode())


@pytest.mark.parametrize(
    ("status", "word", "kind", "code", "type_"),
    [
        (400, "INVALID_ARGUMENT", UpstreamRejected, None, "invalid_request_error"),
        (400, "FAILED_PRECONDITION", UpstreamRejected, "failed_precondition", "invalid_request_error"),
        (401, "UNAUTHENTICATED", UpstreamAuth, "invalid_api_key", "authentication_error"),
        (403, "PERMISSION_DENIED", UpstreamAuth, "permission_denied", "permission_error"),
        (404, "NOT_FOUND", UpstreamRejected, "not_found", "invalid_request_error"),
        (413, "x", UpstreamRejected, "request_too_large", "invalid_request_error"),
        (429, "RESOURCE_EXHAUSTED", UpstreamThrottled, "rate_limit_exceeded", "rate_limit_error"),
        (503, "UNAVAILABLE", UpstreamDown, "unavailable", "server_error"),
    ],
)
def test_a_status_is_an_error_of_its_kind(status: int, word: str, kind: Any, code: str | None, type_: str) -> None:
    for array in (False, True):
        error = told(status, {"code": status, "status": word, "message": "why"}, array=array)
        assert type(error) is kind
        assert (error.status, error.code, error.type, error.message) == (status, code, type_, "why")


def test_a_wrong_key_is_a_401_by_its_reason_and_not_by_its_words() -> None:
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
    error = told(400, {"status": "INVALID_ARGUMENT", "message": "no", "details": [detail]})
    assert (type(error), error.status, error.code) == (UpstreamAuth, 401, "invalid_api_key")
    assert told(400, {"message": "API key not valid. API_KEY_INVALID"}).status == 400


@pytest.mark.parametrize(
    ("delay", "header", "after"),
    [
        ("34.074824224s", "", "35"),
        ("7s", "", "7"),
        ("7s", "120", "120"),
        ("soon", "", None),
        (None, "bad\r\nx: y", None),
    ],
)
def test_a_retry_delay_becomes_retry_after(delay: str | None, header: str, after: str | None) -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    assert told(429, {"details": details}, {"retry-after": header}).retry_after == after


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[1]", b'{"error":1}', b"\xff", b'{"error":{"message":" "}}'])
def test_a_body_that_says_nothing_still_has_its_status(body: bytes) -> None:
    error = PROVIDER.error(500, {}, body)
    assert (type(error), error.status) == (UpstreamDown, 500)
    assert error.message == "Google answered with status 500 and no explanation."


def test_a_page_is_cut_and_a_redirect_is_no_protocol_of_googles() -> None:
    assert len(told(400, {"message": "x" * 9_999}).message) == 2_001
    assert isinstance(PROVIDER.error(302, {}, b""), UpstreamProtocolError)
