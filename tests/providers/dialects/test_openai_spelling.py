"""What a client hears of an answer in OpenAI's wire is spelled as its host spelled it, live or from the cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from providers.base import Stamp
from providers.completion import fold
from providers.dialects.openai import DIALECT
from providers.events import (
    Citation,
    Event,
    Finished,
    ProviderFields,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.jsonwalk import JsonObject

STAMP = Stamp("chatcmpl-1", 1700000000, "model")


def chunks(events: Iterable[Event]) -> list[Any]:
    encoder = DIALECT.encoder(STAMP, include_usage=False)
    raw = b"".join(map(encoder.feed, events)) + encoder.close()
    return [json.loads(frame[6:]) for frame in raw.split(b"\n\n")[:-2]]


def deltas(events: Iterable[Event]) -> list[Any]:
    said = [choice["delta"] for chunk in chunks(events) for choice in chunk["choices"]]
    return [{name: value for name, value in delta.items() if name != "role"} for delta in said]


def message(events: Iterable[Event]) -> Any:
    return json.loads(DIALECT.completion(fold(events), STAMP))["choices"][0]["message"]


def put_together(events: Iterable[Event]) -> Any:
    """By the official SDK's own rule."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks(events):
        state.handle_chunk(ChatCompletionChunk.model_validate(chunk))
    return state.current_completion_snapshot.to_dict()["choices"][0]["message"]  # type: ignore[index]


def test_a_function_call_of_2023_stays_one() -> None:
    events: list[Event] = [
        ToolCallStarted(0, "", "add", "function_call"),
        ToolCallDelta(0, '{"x":'),
        ToolCallDelta(0, "1}"),
        Finished("function_call"),
    ]
    assert deltas(events)[:3] == [
        {"function_call": {"name": "add", "arguments": ""}},
        {"function_call": {"arguments": '{"x":'}},
        {"function_call": {"arguments": "1}"}},
    ]
    said = message(events)
    assert said["function_call"] == {"name": "add", "arguments": '{"x":1}'}
    assert "tool_calls" not in said


def test_thought_keeps_the_name_that_its_host_gave_it_beside_the_one_place() -> None:
    events: list[Event] = [ReasoningDelta(0, "I ", member="reasoning"), ReasoningDelta(0, "think"), TextDelta(1, "so")]
    assert deltas(events) == [
        {"reasoning_content": "I ", "reasoning": "I "},
        {"reasoning_content": "think", "reasoning": "think"},
        {"content": "so"},
    ]
    said = message(events)
    assert said["reasoning"] == said["reasoning_content"] == "I think"
    assert "reasoning_details" not in said


def test_a_host_that_says_each_piece_as_a_block_too_is_repeated_piece_by_piece() -> None:
    """A client that reads blocks where there are any must not hear the text twice."""
    events: list[Event] = [
        ReasoningDelta(0, "I ", format="f", id="r", member="reasoning"),
        ReasoningDelta(0, "think", format="f", member="reasoning"),
        ReasoningDelta(0, signature="sig", format="f", member="reasoning"),
        TextDelta(1, "so"),
    ]
    assert deltas(events)[:3] == [
        {
            "reasoning_content": "I ",
            "reasoning": "I ",
            "reasoning_details": [{"type": "reasoning.text", "text": "I ", "id": "r", "format": "f", "index": 0}],
        },
        {
            "reasoning_content": "think",
            "reasoning": "think",
            "reasoning_details": [{"type": "reasoning.text", "text": "think", "index": 0}],
        },
        {"reasoning_details": [{"type": "reasoning.text", "signature": "sig", "index": 0}]},
    ]
    block = {"type": "reasoning.text", "text": "I think", "signature": "sig", "id": "r", "format": "f", "index": 0}
    assert put_together(events)["reasoning_details"] == [block]
    assert message(events)["reasoning_details"] == [block]


def test_a_block_that_is_signed_after_plain_text_is_told_whole_then() -> None:
    events: list[Event] = [
        ReasoningDelta(0, "I think", member="reasoning"),
        ReasoningDelta(0, signature="sig", format="f"),
        Finished("stop"),
    ]
    told = {"type": "reasoning.text", "text": "I think", "signature": "sig", "format": "f", "index": 0}
    assert deltas(events)[:2] == [
        {"reasoning_content": "I think", "reasoning": "I think"},
        {"reasoning_details": [told]},
    ]


def test_a_summary_is_called_one() -> None:
    said = ReasoningDelta(0, "in short", format="openai-responses-v1", member="reasoning")
    hidden = ReasoningDelta(1, data="enc", format="openai-responses-v1", id="rs", member="reasoning")
    assert message([said, hidden])["reasoning_details"] == [
        {"type": "reasoning.summary", "summary": "in short", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs", "format": "openai-responses-v1", "index": 1},
    ]


@pytest.mark.parametrize("member", ["", "reasoning"])
def test_a_signature_that_comes_after_other_content_is_with_its_own_block(member: str) -> None:
    """Vercel's gateway sends it so."""
    events: list[Event] = [
        ReasoningDelta(0, "why", format="f", member=member),
        TextDelta(1, "so"),
        ReasoningDelta(0, signature="sig"),
        TextDelta(1, " it is"),
    ]
    told = [detail for delta in deltas(events) for detail in delta.get("reasoning_details", [])]
    assert [detail["index"] for detail in told] == [0] * len(told)
    assert "".join(detail.get("text", "") for detail in told) == "why"
    assert [detail["signature"] for detail in told if "signature" in detail] == ["sig"]
    assert message(events)["reasoning_details"][0]["signature"] == "sig"


def test_the_official_sdk_puts_lists_of_objects_together_again() -> None:
    """It raises for entries without an `index`; one that the provider gave stands."""
    events: list[Event] = [
        TextDelta(0, "so"),
        Citation("https://a"),
        Citation("https://b"),
        ProviderFields({"images": [{"type": "image_url", "index": 0}], "words": ["x"], "mood": "calm"}, "message"),
        ProviderFields({"kept": [{"n": 1}]}, "message"),
        ProviderFields({"kept": [{"n": 2}, {"n": 3}], "words": ["y"]}, "message"),
        Finished("stop"),
    ]
    said = put_together(events)
    assert [item["url_citation"]["url"] for item in said["annotations"]] == ["https://a", "https://b"]
    assert [item["n"] for item in said["kept"]] == [1, 2, 3]
    assert said["words"] == ["x", "y"]
    assert said["images"] == [{"type": "image_url", "index": 0}]
    assert all("index" not in item for item in message(events)["annotations"] + message(events)["kept"])


def test_what_a_call_has_beyond_its_words_goes_back_to_it() -> None:
    signed: JsonObject = {"extra_content": {"google": {"thought_signature": "S"}}}
    events: list[Event] = [
        ToolCallStarted(0, "a", "f"),
        ToolCallStarted(1, "b", "g"),
        ProviderFields({"tool_call_fields": {"1": signed, "odd": {"x": 1}}, "mood": "calm"}, "message"),
        ProviderFields({"tool_call_fields": {"0": {"function": {"x": 1}}}}, "message"),
        Finished("tool_calls"),
    ]
    said = message(events)
    assert [sorted(call) for call in said["tool_calls"]] == [
        ["function", "id", "type"],
        ["extra_content", "function", "id", "type"],
    ]
    assert said["tool_calls"][1]["extra_content"] == signed["extra_content"]
    assert said["tool_calls"][0]["function"] == {"name": "f", "arguments": "", "x": 1}
    assert (said["mood"], "tool_call_fields" in said) == ("calm", False)
    again = put_together(events)["tool_calls"]
    assert (again[1]["extra_content"], again[0]["function"]["x"]) == (signed["extra_content"], 1)
