"""Usage, and bodies that are no message."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.anthropic import PROVIDER
from providers.completion import Completion, ToolCallPart, fold
from providers.errors import UpstreamDown, UpstreamProtocolError
from providers.events import (
    Event,
    UsageReported,
)
from providers.usage import Usage

Streamed = Callable[..., list[Event]]


def whole(*content: Any, **members: Any) -> Completion:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    return PROVIDER.response(json.dumps({**message, "stop_reason": "end_turn", **members}).encode())


# -- usage ----------------------------------------------------------------------------------------------------------


def test_pitfall_17_usage_of_start_and_end_is_merged_and_never_added(streamed: Streamed) -> None:
    events = streamed(
        start={
            "usage": {
                "input_tokens": 10,
                "output_tokens": 1,
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
                "service_tier": "standard",
            }
        },
        delta={
            "delta": {"stop_reason": "end_turn"},
            "usage": {
                "input_tokens": 12,
                "output_tokens": 30,
                "cache_read_input_tokens": None,
                "output_tokens_details": {"thinking_tokens": 20},
                "server_tool_use": {"web_search_requests": 2},
            },
        },
    )
    merged = Usage(
        input=12,
        output=10,
        cache_read=5,
        cache_write=7,
        reasoning=20,
        extra={
            "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
            "service_tier": "standard",
            "server_tool_use": {"web_search_requests": 2},
        },
    )
    assert fold(events).usage == merged
    assert events[-1] == UsageReported(merged)
    first = next(event.usage for event in events if isinstance(event, UsageReported))
    assert (first.input, first.output, first.reasoning) == (10, 1, None)


def test_pitfall_17_cached_tokens_are_beside_the_input_and_not_within() -> None:
    usage = whole(usage={"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 2}).usage
    assert usage is not None
    assert (usage.prompt, usage.completion, usage.cache_write) == (103, 2, None)


def test_more_thinking_than_output_does_not_change_the_total() -> None:
    usage = whole(usage={"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 9}}).usage
    assert usage is not None
    assert (usage.completion, usage.output) == (5, 0)


def test_an_answer_without_usage_reports_none() -> None:
    assert whole().usage is None


# -- bodies that are no message -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b"\xff",
        b"{}",
        b'{"type":"message"}',
        b'{"type":"completion","completion":"hi"}',
        b'{"type":"message","content":"hi"}',
        b'{"object":"chat.completion","choices":[]}',
    ],
)
def test_a_body_that_is_no_message_is_another_protocol(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        PROVIDER.response(body)
    assert (raised.value.provider, raised.value.status) == ("anthropic", 502)


def test_an_error_in_spite_of_its_status_is_raised() -> None:
    with pytest.raises(UpstreamDown) as raised:
        PROVIDER.response(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
    assert (raised.value.status, raised.value.message) == (529, "Overloaded")


def test_content_of_the_wrong_shape_is_passed_over() -> None:
    done = whole("x", None, {"type": "text", "text": 7}, {"type": "tool_use", "input": [1]}, {"type": 3})
    assert done.choices[0].parts == (ToolCallPart("", "", "{}"),)
    assert done.choices[0].message_fields == {"anthropic_content": [{"type": 3}], "anthropic_content_places": [1]}
