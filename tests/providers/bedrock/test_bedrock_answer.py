"""Whole answers, and errors."""

import json
from typing import Any

import pytest

from providers.bedrock import PROVIDER
from providers.bedrock.answer import Answer
from providers.completion import ReasoningPart, TextPart, ToolCallPart
from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
)
from providers.events import Citation, Finished


def answered(*content: dict[str, Any], **around: Any) -> Any:
    body = {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": "end_turn", **around}
    return PROVIDER.response(json.dumps(body).encode())


def test_every_block_of_a_whole_answer_is_read() -> None:
    done = answered(
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        {"text": "Hi"},
        {"citationsContent": {"content": [{"text": "cited"}], "citations": [{"title": "T", "location": {}}]}},
        {"toolUse": {"toolUseId": "t", "name": "f", "input": {"a": 7652.0}, "type": "tool_use"}},
        {"toolUse": {"toolUseId": "u", "name": "g", "input": None}},
        {"new": 1},
        stopReason="tool_use",
        metrics={"latencyMs": 1},
        additionalModelResponseFields={"x": 1},
        output_of_tomorrow=True,
    )
    (choice,) = done.choices
    assert choice.parts == (
        ReasoningPart("hm", "s", "", "anthropic-claude-v1"),
        TextPart("Hi"),
        TextPart("cited"),
        ToolCallPart("t", "f", '{"a":7652.0}'),
        ToolCallPart("u", "g", "{}"),
    )
    assert choice.finish == Finished("tool_calls")
    assert choice.citations == (Citation(None, "T", None, 2, 7, {"location": {}}),)
    assert choice.message_fields == {"bedrock_content": [{"new": 1}]}
    fields = {"metrics": {"latencyMs": 1}, "additionalModelResponseFields": {"x": 1}, "output_of_tomorrow": True}
    assert (done.fields, done.usage) == (fields, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"output":{"message":{}}}', b'{"message":"?"}', b"\xff"])
def test_a_body_that_is_no_answer_is_refused(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError):
        PROVIDER.response(body)


def test_an_exception_in_spite_of_its_status_is_one() -> None:
    with pytest.raises(UpstreamThrottled, match="slow"):
        PROVIDER.response(b'{"__type":"com.amazon.coral#ThrottlingException","message":"slow"}')


TYPED = "x-amzn-errortype"


@pytest.mark.parametrize(
    ("status", "name", "kind", "code"),
    [
        (400, "ValidationException:http://internal.amazon.com/coral/", UpstreamRejected, None),
        (400, "ServiceQuotaExceededException", UpstreamRejected, "service_quota_exceeded"),
        (401, "", UpstreamAuth, "invalid_api_key"),
        (403, "AccessDeniedException", UpstreamAuth, "access_denied"),
        (403, "UnrecognizedClientException", UpstreamAuth, "invalid_api_key"),
        (403, "ExpiredTokenException", UpstreamAuth, "invalid_api_key"),
        (404, "ResourceNotFoundException", UpstreamRejected, "model_not_found"),
        (408, "ModelTimeoutException", UpstreamDown, "model_timeout"),
        (413, "", UpstreamRejected, "request_too_large"),
        (424, "ModelErrorException", UpstreamDown, "model_error"),
        (429, "ThrottlingException", UpstreamThrottled, "rate_limit_exceeded"),
        (429, "ModelNotReadyException", UpstreamThrottled, "model_not_ready"),
        (429, "", UpstreamThrottled, "rate_limit_exceeded"),
        (500, "InternalServerException", UpstreamDown, "internal_server"),
        (503, "ServiceUnavailableException", UpstreamDown, "service_unavailable"),
        (503, "<script>", UpstreamDown, None),
    ],
)
def test_an_error_is_of_its_status_and_exception(
    status: int, name: str, kind: type[UpstreamError], code: str | None
) -> None:
    by_header = PROVIDER.error(status, {TYPED: name}, b'{"message":"why"}')
    by_body = PROVIDER.error(status, {}, json.dumps({"__type": name, "Message": "why"}).encode())
    for told in (by_header, by_body):
        assert (type(told), told.status, told.code, told.message) == (kind, status, code, "why")
        assert told.provider == "bedrock"


def test_a_refused_permission_has_openais_type() -> None:
    assert PROVIDER.error(403, {}, b"{}").type == "permission_error"


@pytest.mark.parametrize(("header", "kept"), [("7", "7"), ("a\r\nb", None), ("", None)])
def test_retry_after_is_kept(header: str, kept: str | None) -> None:
    assert PROVIDER.error(429, {"retry-after": header}, b"").retry_after == kept


@pytest.mark.parametrize("status", [302, 600])
def test_a_status_that_is_no_error_is_another_protocol(status: int) -> None:
    assert isinstance(PROVIDER.error(status, {}, b""), UpstreamProtocolError)


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"message":7}'])
def test_an_error_without_words_says_its_status(body: bytes) -> None:
    assert PROVIDER.error(500, {}, body).message == "Bedrock answered with status 500 and no explanation."


def test_a_page_of_an_explanation_is_cut() -> None:
    told = PROVIDER.error(400, {}, json.dumps({"message": "x" * 9_000}).encode())
    assert len(told.message) == 2_001


def test_the_end_of_a_block_that_never_began_says_nothing() -> None:
    """Empty blocks are streamed as a stop alone."""
    assert Answer().end(7) == []
