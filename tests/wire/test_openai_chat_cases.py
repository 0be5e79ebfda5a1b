"""What single recordings of OpenAI's chat wire show, by name."""

from __future__ import annotations

import json

import pytest

from providers.completion import ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamRejected
from providers.events import Failed
from tests.wire.chat_replay import events_of, provider_of
from tests.wire.recordings import case


def test_parallel_calls_of_a_whole_answer_are_all_kept_pitfall_02() -> None:
    recording = case(
        "deepseek/chat/rubyllm--ction-calling-deepseek-deepseek-chat-can-handle-multiple-tool-calls-in-a-single-response.01"
    )
    calls = [
        part
        for part in provider_of(recording).response(recording.body).choices[0].parts
        if isinstance(part, ToolCallPart)
    ]
    assert [call.name for call in calls] == ["dice_roll"] * 3
    assert len({call.id for call in calls}) == 3


def test_calls_after_text_are_counted_as_calls_and_keep_their_arguments_apart_pitfall_01() -> None:
    recording = case("openrouter/chat/fantasy--testopenroutercommon-glm-multi-tool-streaming.01")
    done = fold(events_of(provider_of(recording).stream(), [recording.body]))
    assert [type(part) for part in done.choices[0].parts] == [ReasoningPart, TextPart, ToolCallPart, ToolCallPart]
    calls = [part for part in done.choices[0].parts if isinstance(part, ToolCallPart)]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("add", {"a": 2, "b": 3}),
        ("multiply", {"a": 2, "b": 3}),
    ]


def test_a_usage_chunk_without_choices_is_read_pitfall_16() -> None:
    recording = case("openai/chat/genai--openaichat-gpt-5-6-sol-thinking-genstream-seed")
    done = fold(events_of(provider_of(recording).stream(), [recording.body]))
    assert done.usage is not None
    assert (done.usage.prompt, done.usage.completion) == (14, 4)


def test_usage_in_every_chunk_is_cumulative_and_not_added_up_pitfall_17() -> None:
    recording = case("perplexity/chat/genai--sonar-genstream-maxtokens")
    done = fold(events_of(provider_of(recording).stream(), [recording.body]))
    assert done.usage is not None
    assert (done.usage.prompt, done.usage.completion) == (11, 16)
    assert done.usage.extra["cost"] == {
        "input_tokens_cost": 1.1e-05,
        "output_tokens_cost": 1.6e-05,
        "request_cost": 0.005,
        "total_cost": 0.005027,
    }


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("groq/chat/pydantic--groq-test-tool-use-failed-error-streaming-with-text.01", 400, "tool_use_failed"),
        ("openrouter/chat/pydantic--openrouter-test-openrouter-stream-error", 400, None),
        ("alibaba/chat/genai--us-qwen3-vl-flash-genstreammultimodal-image-gif-url", 400, "invalid_parameter_error"),
    ],
)
def test_an_error_inside_a_stream_is_a_failure_and_no_stop_pitfall_19(path: str, status: int, code: str | None) -> None:
    recording = case(path)
    provider = provider_of(recording)
    events = events_of(provider.stream(), [recording.body])
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert (failed.error.status, failed.error.code, failed.error.provider) == (status, code, recording.provider)
    with pytest.raises(UpstreamRejected):
        fold(events)


def test_signed_thinking_keeps_its_signature_and_its_maker() -> None:
    recording = case("vercel_gateway/chat/fantasy--testvercelthinking-claude-sonnet-4-thinking-streaming.01")
    thought = fold(events_of(provider_of(recording).stream(), [recording.body])).choices[0].parts[0]
    assert isinstance(thought, ReasoningPart)
    assert thought.format == "anthropic-claude-v1"
    assert len(thought.signature) > 100


def test_interleaved_choices_are_kept_apart() -> None:
    recording = case("openai/chat/ddpy--v1-chat-completion.json")
    done = provider_of(recording).response(recording.body)
    assert [choice.index for choice in done.choices] == [0, 1]
    assert all(choice.parts for choice in done.choices)
