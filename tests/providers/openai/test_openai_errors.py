from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from providers.openai import PROVIDER
from providers.openai.errors import error_within, redacted


def error(status: int, body: Any, **headers: str) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return PROVIDER.error(status, {name.replace("_", "-"): value for name, value in headers.items()}, raw)


@pytest.mark.parametrize(
    ("status", "kind", "kept"),
    [
        (400, UpstreamRejected, 400),
        (401, UpstreamAuth, 401),
        (402, UpstreamRejected, 402),
        (403, UpstreamAuth, 403),
        (404, UpstreamRejected, 404),
        (408, UpstreamDown, 408),
        (413, UpstreamRejected, 413),
        (422, UpstreamRejected, 422),
        (429, UpstreamThrottled, 429),
        (500, UpstreamDown, 500),
        (503, UpstreamDown, 503),
        (529, UpstreamDown, 529),
        (302, UpstreamProtocolError, 502),
        (204, UpstreamProtocolError, 502),
        (999, UpstreamProtocolError, 502),
    ],
)
def test_the_class_follows_the_status(status: int, kind: type[UpstreamError], kept: int) -> None:
    found = error(status, {"error": {"message": "no"}})
    assert (type(found), found.status, found.provider, found.message) == (kind, kept, "openai", "no")


def test_openais_own_members_are_kept() -> None:
    body = {"error": {"message": "no", "type": "invalid_request_error", "param": "messages[0]", "code": "bad"}}
    found = error(400, body)
    assert (found.type, found.param, found.code) == ("invalid_request_error", "messages[0]", "bad")


def test_where_the_provider_gives_no_words_ours_stand() -> None:
    found = error(429, {"error": {"message": "no", "type": None, "code": 429, "param": 3}})
    assert (found.type, found.code, found.param) == ("rate_limit_error", "rate_limit_exceeded", None)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ({"error": "text"}, "text", None),
        ({"error": "text", "error_type": "overloaded"}, "text", None),
        ({"message": "text", "type": "t"}, "text", None),
        ({"detail": "text"}, "text", None),
        ({"detail": [{"loc": ["body", "messages", 0, "role"], "msg": "bad", "input": "MY PROMPT"}]}, "messages.0.role: bad", "messages.0.role"),
        ({"detail": [{"msg": "one"}, {"msg": "two"}, 7]}, "one; two", None),
        ({"object": "error", "message": {"detail": [{"loc": ["body", "x"], "msg": "extra"}]}}, "x: extra", None),
        ([{"error": {"message": "text"}}], "text", None),
        ({"errors": [{"message": "text"}]}, "text", None),
        ([[{"errors": [{"message": "text"}]}]], "text", None),
        ({"error": {"error": {"message": "text"}}}, "text", None),
        ({"error": {"message": "", "msg": "text"}}, "text", None),
        ({"error_description": "text"}, "text", None),
        ("text", "text", None),
    ],
)  # fmt: skip
def test_other_shapes_are_read(body: Any, message: str, param: str | None) -> None:
    found = error(400, body)
    assert (found.message, found.param) == (message, param)


@pytest.mark.parametrize(
    "body",
    [b"", b"[[[[[[[]]]]]]]", b"<html><h1>502 Bad Gateway</h1></html>", b"\xff\xfe", b"null", b"[]", b"7", b"{}", b"[" * 99_999, {"error": {}},
     {"error": []}, {"detail": []}, {"detail": {"a": 1}}, {"error": {"message": 7}}],
)  # fmt: skip
def test_what_cannot_be_read_is_not_quoted(body: Any) -> None:
    assert error(502, body).message == "the provider answered with status 502 and no message"


def test_the_message_of_the_provider_behind_a_router_is_told() -> None:
    body = {"error": {"message": "Provider returned error", "metadata": {"raw": "it is busy", "headers": {"x": "y"}}}}
    assert error(429, body).message == "Provider returned error: it is busy"


def test_a_message_is_bounded() -> None:
    found = error(400, {"error": {"message": "x" * 9000, "code": "y" * 900}})
    assert len(found.message) == 1000
    assert found.code is not None
    assert len(found.code) == 200


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, "7"),
        ({"retry_after": "1.2"}, "2"),
        ({"retry_after_ms": "650"}, "1"),
        ({"retry_after_ms": "1500.5", "retry_after": "9"}, "2"),
        ({"retry_after_ms": "0"}, "0"),
        ({"retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "Wed, 21 Oct 2026 07:28:00 GMT"),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-1"}, None),
        ({"retry_after": "9" * 40}, None),
        ({"retry_after_ms": "x", "retry_after": "3"}, "3"),
        ({}, None),
    ],
)
def test_retry_after_is_whole_seconds_or_a_date_pitfall_36(headers: dict[str, str], seconds: str | None) -> None:
    assert error(429, {}, **headers).retry_after == seconds


@pytest.mark.parametrize(
    "message",
    [
        "Incorrect API key provided: sk-proj-abc***************wxyz. You can find your API key at https://x.",
        "Incorrect API key provided: abcdef123456.",
        "Authentication Fails, Your api key: ****iKey is invalid",
        "invalid token Bearer abcdefgh12345678",
        "key gsk_abcdefghijklmnop is wrong",
        "pplx-abcdef0123456789 is wrong",
        "AIzaSyA1234567890abcdef is wrong",
        "api_key: 0123456789abcdef",
    ],
)
def test_whatever_looks_like_a_key_is_not_repeated_pitfall_35(message: str) -> None:
    shown = error(401, {"error": {"message": message}}).message
    assert "[redacted]" in shown
    for secret in ("wxyz", "abcdef", "iKey", "abcdefgh", "0123456789", "sk-proj", "1234567890"):
        assert secret not in shown


@pytest.mark.parametrize(
    "message",
    [
        "The model `claude-3-5-sonnet-20241022` does not exist or you do not have access to it.",
        "Invalid API key provided. Ensure your API key is correct and active.",
        "Rate limit reached for gpt-4o in organization org-abc on tokens per min. Limit: 30000 / min.",
        "Missing Authentication header",
        "No cookie auth credentials found; pass a Bearer token",
        "2 ** 3 is 8",
    ],
)
def test_ordinary_words_are_left_alone(message: str) -> None:
    assert redacted(message).replace("[redacted]", "**") == message


def test_headers_are_never_quoted_pitfall_35() -> None:
    found = error(403, b"", set_cookie="session=1", x_request_id="abc")
    assert "session" not in str(found)
    assert "abc" not in str(found)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"code": 503}, 503),
        ({"code": "529"}, 529),
        ({"status_code": 400, "code": "tool_use_failed"}, 400),
        ({"status": 404, "code": 7}, 404),
        ({"raw_status_code": 429, "code": "1300"}, 429),
        ({"type": "rate_limit_error"}, 429),
        ({"code": "insufficient_quota", "type": "invalid_request_error"}, 429),
        ({"status": "UNAVAILABLE"}, 503),
        ({"type": "authentication_error"}, 401),
        ({"code": 200}, 502),
        ({"type": "invented"}, 502),
        ({}, 502),
    ],
)
def test_an_error_without_a_status_is_classified_by_its_code(said: dict[str, Any], status: int) -> None:
    assert error_within({"error": {"message": "no", **said}}, "x").status == status


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "errors", "message", "detail", "msg", "loc", "code", "type", "status", "metadata", "raw"]
            ),
            inner,
            max_size=4,
        )
    ),
)


@given(st.integers(-1, 1200), st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_no_answer_makes_it_raise(status: int, body: bytes) -> None:
    found = PROVIDER.error(status, {"retry-after": "x"}, body)
    assert isinstance(found, UpstreamError)
    assert 400 <= found.status <= 599
    assert 0 < len(found.message) <= 1000


@given(anything)
def test_no_error_within_makes_it_raise(said: Any) -> None:
    assert 400 <= error_within(said, "x").status <= 599
