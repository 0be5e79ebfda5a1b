"""Refusals of Cohere to errors."""

import json

import pytest

from providers.cohere import PROVIDER
from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)


@pytest.mark.parametrize(
    ("status", "kind", "type_", "code"),
    [
        (400, UpstreamRejected, "invalid_request_error", None),
        (401, UpstreamAuth, "authentication_error", "invalid_api_key"),
        (402, UpstreamRejected, "insufficient_quota", "insufficient_quota"),
        (403, UpstreamAuth, "permission_error", None),
        (404, UpstreamRejected, "invalid_request_error", None),
        (413, UpstreamRejected, "invalid_request_error", "request_too_large"),
        (422, UpstreamRejected, "invalid_request_error", None),
        (429, UpstreamThrottled, "rate_limit_error", "rate_limit_exceeded"),
        (498, UpstreamRejected, "invalid_request_error", "content_filter"),
        (499, UpstreamDown, "server_error", None),
        (500, UpstreamDown, "server_error", None),
        (501, UpstreamDown, "server_error", None),
        (503, UpstreamDown, "server_error", None),
        (504, UpstreamDown, "server_error", None),
    ],
)
def test_a_refusal_is_classed_by_its_status_alone(
    status: int, kind: type[UpstreamError], type_: str, code: str | None
) -> None:
    body = json.dumps({"id": "x", "message": "too many tokens: 429"}).encode()
    told = PROVIDER.error(status, {"retry-after": " 7 "}, body)
    assert type(told) is kind
    assert (told.status, told.type, told.code) == (status, type_, code)
    assert (told.message, told.retry_after, told.provider) == ("too many tokens: 429", "7", "cohere")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 7}', b'{"message": " "}', b"\xff"])
def test_a_refusal_without_words_says_its_status(body: bytes) -> None:
    assert PROVIDER.error(503, {}, body).message == "Cohere answered with status 503 and no explanation."


def test_a_long_explanation_is_cut() -> None:
    told = PROVIDER.error(400, {}, json.dumps({"message": "x" * 5_000}).encode())
    assert told.message == "x" * 2_000 + "…"


@pytest.mark.parametrize("value", ["", "a\r\nb: c", "x" * 65, "é"])
def test_a_retry_after_that_is_none_is_left_out(value: str) -> None:
    assert PROVIDER.error(429, {"retry-after": value}, b"{}").retry_after is None


@pytest.mark.parametrize("status", [204, 302])
def test_a_status_that_is_neither_an_answer_nor_a_refusal_is_a_fault_of_the_protocol(status: int) -> None:
    told = PROVIDER.error(status, {}, b"")
    assert isinstance(told, UpstreamProtocolError)
    assert told.status == 502
