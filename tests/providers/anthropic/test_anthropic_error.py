"""Answers of Anthropic's that are not 2xx."""

import json
from pathlib import Path
from typing import Any

import pytest

from providers.anthropic import PROVIDER
from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)

SHAPES = Path(__file__).parents[4] / "shared" / "wire" / "error-shapes.json"


def error(status: int, body: Any = b"", **headers: str) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps({"type": "error", "error": body}).encode()
    return PROVIDER.error(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


@pytest.mark.parametrize(
    ("status", "kind", "raised", "type_", "code"),
    [
        (400, "invalid_request_error", UpstreamRejected, "invalid_request_error", None),
        (401, "authentication_error", UpstreamAuth, "authentication_error", "invalid_api_key"),
        (402, "billing_error", UpstreamRejected, "insufficient_quota", "insufficient_quota"),
        (403, "permission_error", UpstreamAuth, "permission_error", "permission_error"),
        (404, "not_found_error", UpstreamRejected, "invalid_request_error", "not_found_error"),
        (413, "request_too_large", UpstreamRejected, "invalid_request_error", "request_too_large"),
        (429, "rate_limit_error", UpstreamThrottled, "rate_limit_error", "rate_limit_exceeded"),
        (500, "api_error", UpstreamDown, "server_error", "api_error"),
        (504, "timeout_error", UpstreamDown, "server_error", "timeout_error"),
        (529, "overloaded_error", UpstreamDown, "server_error", "overloaded_error"),
    ],
)
def test_the_status_and_the_type_decide(
    status: int, kind: str, raised: type[UpstreamError], type_: str, code: str | None
) -> None:
    told = error(status, {"type": kind, "message": "for people"})
    assert (type(told), told.status, told.type, told.code) == (raised, status, type_, code)
    assert (told.message, told.provider, told.retry_after) == ("for people", "anthropic", None)


def test_the_message_decides_nothing() -> None:
    told = error(400, {"type": "invalid_request_error", "message": "prompt is too long: 429 overloaded_error 401"})
    assert (type(told), told.code) == (UpstreamRejected, None)


def test_a_structured_code_is_the_code() -> None:
    details = {"error_code": "image_dimensions_too_large"}
    assert error(400, {"type": "invalid_request_error", "details": details}).code == "image_dimensions_too_large"


@pytest.mark.parametrize("code", ["Not A Code", "x" * 65, "a\nb", 7, None])
def test_what_is_no_code_is_none(code: Any) -> None:
    assert error(400, {"type": code, "message": "m"}).code is None


def test_retry_after_is_read_and_no_other_header() -> None:
    told = error(429, {"message": "slow"}, retry_after=" 16 ", request_id="req_SECRET", set_cookie="c=SECRET")
    assert told.retry_after == "16"
    assert "SECRET" not in f"{told!r} {told} {vars(told)}"
    assert error(529, {}, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after == "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize("value", ["", "1\r\nx: y", "x" * 65, "١٦"])
def test_a_retry_after_that_is_none_is_not_passed_on(value: str) -> None:
    assert error(429, {}, retry_after=value).retry_after is None


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b"[]", b"\xff\x00", b'{"error":"x"}', b'{"error":{"message":9}}']
)
def test_any_body_will_do(body: bytes) -> None:
    told = error(502, body)
    assert (type(told), told.status) == (UpstreamDown, 502)
    assert told.message == "Anthropic answered with status 502 and no explanation."


def test_a_long_message_is_cut() -> None:
    message = error(400, {"message": "x" * 10_000}).message
    assert (len(message), message[-1]) == (2_001, "…")


@pytest.mark.parametrize("status", [100, 204, 302, 399])
def test_a_status_that_is_neither_success_nor_failure_is_another_protocol(status: int) -> None:
    assert type(error(status)) is UpstreamProtocolError


@pytest.mark.skipif(not SHAPES.exists(), reason="no recorded traffic beside the project")
def test_documented_shapes_keep_their_status_and_message() -> None:
    shapes = [
        shape["response"]
        for shape in json.loads(SHAPES.read_text())
        if shape["provider"] == "anthropic" and shape["response"]["status"] != 200
    ]
    assert len(shapes) >= 5
    for shape in shapes:
        told = PROVIDER.error(shape["status"], shape["headers"], shape["body"].encode())
        assert (told.status, told.message) == (shape["status"], json.loads(shape["body"])["error"]["message"])
        assert told.retry_after == shape["headers"].get("retry-after")
