"""Streams: their events, their end, and what breaks them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.bedrock import PROVIDER
from providers.completion import ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamProtocolError, UpstreamThrottled, UpstreamTruncated
from providers.events import (
    Citation,
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from providers.usage import Usage

Wire = Callable[..., bytes]
Streamed = Callable[..., list[Event]]
ReadAll = Callable[..., Any]
Json = dict[str, Any]
CLAUDE = "anthropic-claude-v1"

START = {"messageStart": {"role": "assistant"}}
STOP = {"messageStop": {"stopReason": "end_turn"}}
METADATA = {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}}}


def delta(index: Any, **piece: Any) -> dict[str, Any]:
    return {"contentBlockDelta": {"contentBlockIndex": index, "delta": piece}}


def parts(events: list[Event]) -> list[Any]:
    return list(fold(events).choices[0].parts)


def test_text_streams_as_it_comes(streamed: Streamed) -> None:
    events = streamed((None, {"text": ""}, {"text": "grü"}, {"text": "ße"}))
    assert events == [Started(), TextDelta(0, "grü"), TextDelta(0, "ße"), Finished("stop")]


def test_pitfall_01_tool_calls_count_as_parts_of_their_own(streamed: Streamed) -> None:
    events = streamed(
        (None, {"text": "Let me look."}),
        (
            {"toolUse": {"toolUseId": "t1", "name": "f"}},
            {"toolUse": {"input": '{"a"'}},
            {"toolUse": {"input": ""}},
            {"toolUse": {"input": ":1}"}},
        ),
        stop={"stopReason": "tool_use"},
    )
    assert events == [
        Started(),
        TextDelta(0, "Let me look."),
        ToolCallStarted(1, "t1", "f"),
        ToolCallDelta(1, '{"a"'),
        ToolCallDelta(1, ":1}"),
        Finished("tool_calls"),
    ]


def test_pitfall_02_parallel_tool_calls_are_all_there_though_their_pieces_mix(wire: Wire, read_all: ReadAll) -> None:
    starts = [
        {"contentBlockStart": {"contentBlockIndex": n, "start": {"toolUse": {"toolUseId": f"t{n}", "name": f"f{n}"}}}}
        for n in (0, 1)
    ]
    pieces = [delta(n, toolUse={"input": piece}) for piece in ('{"n":', "1}") for n in (0, 1)]
    events = read_all([wire(START, *starts, *pieces, STOP, METADATA)]).events
    assert parts(events) == [ToolCallPart("t0", "f0", '{"n":1}'), ToolCallPart("t1", "f1", '{"n":1}')]


def test_pitfall_05_a_call_without_arguments_has_an_empty_object(streamed: Streamed) -> None:
    assert parts(streamed(({"toolUse": {"toolUseId": "t", "name": "f"}},))) == [ToolCallPart("t", "f", "{}")]


def test_pitfall_07_thinking_signatures_and_redacted_blocks_survive(streamed: Streamed) -> None:
    blob = base64.b64encode(b"EtkEclaude").decode()
    events = streamed(
        (None, {"reasoningContent": {"text": "hm"}}, {"reasoningContent": {"signature": "sig"}}),
        (None, {"reasoningContent": {"redactedContent": blob}}),
        (None, {"reasoningContent": {"text": ""}}, {"reasoningContent": {"signature": "alone"}}),
        (None, {"reasoningContent": {"text": "plain"}}),
        (None, {"reasoningContent": {}}),
        (None, {"text": "so"}),
    )
    assert events[1:3] == [ReasoningDelta(0, "hm"), ReasoningDelta(0, "", "sig", format=CLAUDE)]
    assert parts(events) == [
        ReasoningPart("hm", "sig", "", CLAUDE),
        ReasoningPart("", "", "EtkEclaude", CLAUDE),
        ReasoningPart("", "alone", "", CLAUDE),
        ReasoningPart("plain"),
        TextPart("so"),
    ]


@pytest.mark.parametrize("blob", [base64.b64encode(b"\xff\x00").decode(), "not base64!"])
def test_a_redacted_block_that_is_no_text_is_kept_in_bedrocks_own_form(streamed: Streamed, blob: str) -> None:
    assert parts(streamed((None, {"reasoningContent": {"redactedContent": blob}}))) == [
        ReasoningPart("", "", blob, "bedrock-converse-v1")
    ]


def test_citations_come_at_the_end_of_the_text_that_they_are_about(streamed: Streamed) -> None:
    web: Json = {"location": {"web": {"url": "https://x.example", "domain": "x"}}, "title": "X", "sourceContent": []}
    page: Json = {
        "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 2}},
        "sourceContent": [{"text": "q"}],
    }
    events = streamed((None, {"text": "ab"}), (None, {"citation": web}, {"text": "cd"}, {"citation": page}))
    assert [event for event in events if isinstance(event, Citation)] == [
        Citation("https://x.example", "X", None, 2, 4, {"location": web["location"]}),
        Citation(None, None, "q", 2, 4, {"location": page["location"]}),
    ]


def test_a_citation_of_nothing_has_no_place(streamed: Streamed) -> None:
    assert Citation(None, "X") in streamed((None, {"citation": {"title": "X"}}))


def test_pitfall_09_server_tools_and_unknown_blocks_are_kept_in_order(streamed: Streamed) -> None:
    call = {"toolUseId": "t", "name": "nova_code_interpreter", "type": "server_tool_use"}
    events = streamed(
        ({"toolUse": call}, {"toolUse": {"input": '{"snip'}}, {"toolUse": {"input": 'pet":"1"}'}}),
        (
            {"toolResult": {"toolUseId": "t", "status": "success"}},
            {"toolResult": [{"text": "a"}]},
            {"toolResult": [{"json": {"b": 1}}]},
        ),
        ({"image": {"format": "png"}}, {"image": {"source": {"bytes": "AAAA"}}}),
        (None, {"tomorrow": "x", "n": 1}, {"tomorrow": "y", "n": 2}),
        ({"toolUse": {**call, "toolUseId": "u"}}, {"toolUse": {"input": "{cut"}}),
        ({}, {"text": "so"}),
    )
    choice = fold(events).choices[0]
    assert choice.parts == (TextPart("so"),)
    assert choice.message_fields == {
        "bedrock_content": [
            {"toolUse": {**call, "input": {"snippet": "1"}}},
            {"toolResult": {"toolUseId": "t", "status": "success", "content": [{"text": "a"}, {"json": {"b": 1}}]}},
            {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
            {"tomorrow": "xy", "n": 2},
            {"toolUse": {**call, "toolUseId": "u", "input": "{cut"}},
        ]
    }


@pytest.mark.parametrize(
    ("native", "reason", "kept"),
    [
        ("end_turn", "stop", None),
        ("stop_sequence", "stop", "stop_sequence"),
        ("tool_use", "tool_calls", None),
        ("max_tokens", "length", None),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("malformed_model_output", "length", "malformed_model_output"),
        ("malformed_tool_use", "length", "malformed_tool_use"),
        ("guardrail_intervened", "content_filter", "guardrail_intervened"),
        ("content_filtered", "content_filter", "content_filtered"),
        ("of_tomorrow", "stop", "of_tomorrow"),
        (None, "stop", None),
    ],
)
def test_pitfall_08_every_stop_reason_has_its_word(
    streamed: Streamed, native: str | None, reason: Any, kept: str | None
) -> None:
    known = native not in {"of_tomorrow", None}
    assert streamed(stop={"stopReason": native})[-1] == Finished(reason, kept, known=known)


def test_what_a_call_has_beyond_its_words_stands_beside_it(streamed: Streamed) -> None:
    calls = [({"toolUse": {"toolUseId": f"t{n}", "name": "f", "of_tomorrow": n}},) for n in (1, 2)]
    assert fold(streamed(*calls)).choices[0].message_fields == {
        "tool_call_fields": {"0": {"of_tomorrow": 1}, "1": {"of_tomorrow": 2}}
    }


def test_what_is_said_around_the_answer_is_kept(streamed: Streamed) -> None:
    events = streamed(
        stop={"additionalModelResponseFields": {"stop_sequence": "x"}, "p": "abc"},
        metadata={"metrics": {"latencyMs": 5}, "trace": {"guardrail": {}}, "serviceTier": {"type": "flex"}, "p": "ab"},
    )
    assert fold(events).fields == {
        "additionalModelResponseFields": {"stop_sequence": "x"},
        "metrics": {"latencyMs": 5},
        "trace": {"guardrail": {}},
        "serviceTier": {"type": "flex"},
    }


def test_pitfall_17_cached_tokens_are_beside_the_others(streamed: Streamed) -> None:
    counts: Json = {
        "inputTokens": 6,
        "outputTokens": 2,
        "totalTokens": 128,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 20,
        "cacheReadInputTokenCount": 100,
        "cacheWriteInputTokenCount": 20,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 20}],
        "serverToolUsage": {},
    }
    (reported,) = [event for event in streamed(metadata={"usage": counts}) if isinstance(event, UsageReported)]
    assert reported.usage == Usage(6, 2, 100, 20, extra={"cacheDetails": counts["cacheDetails"]})
    assert reported.usage.prompt + reported.usage.completion == counts["totalTokens"]


@pytest.mark.parametrize(
    "frames", [[START, delta(0, text="a"), STOP], [START, METADATA], [], [START, delta(0, text="a")]]
)
def test_pitfall_27_a_stream_needs_both_its_stop_and_its_metadata(
    wire: Wire, read_all: ReadAll, frames: list[dict[str, Any]]
) -> None:
    assert isinstance(read_all([wire(*frames)]).raised, UpstreamTruncated)


def test_what_follows_the_end_is_not_read(wire: Wire) -> None:
    stream = PROVIDER.stream()
    events = stream.feed(wire(START, delta(0, text="a"), STOP, METADATA) + b"anything")
    assert events[-2:] == [Finished("stop"), UsageReported(Usage(1, 2))]
    assert [*stream.feed(b"more"), *stream.close()] == []


def test_an_answer_without_a_beginning_begins_by_itself(wire: Wire, read_all: ReadAll) -> None:
    events = read_all([wire(delta(0, text="a"), START, STOP, METADATA)]).events
    assert events[:2] == [Started(), TextDelta(0, "a")]
    assert events.count(Started()) == 1
    assert read_all([wire(METADATA, STOP)]).events[0] == Started()


def test_blocks_that_never_end_end_with_the_message(wire: Wire, read_all: ReadAll) -> None:
    start = {"contentBlockStart": {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}}
    assert parts(read_all([wire(START, start, STOP, METADATA)]).events) == [ToolCallPart("t", "f", "{}")]


def test_pitfall_19_a_failure_inside_the_stream_is_one(wire: Wire, read_all: ReadAll) -> None:
    frames = wire(START, delta(0, text="a"), {"throttlingException": {"message": "slow down"}}, STOP, METADATA)
    cut = read_all([frames])
    assert cut.raised is None
    assert isinstance(cut.events[-1], Failed)
    assert isinstance(cut.events[-1].error, UpstreamThrottled)
    assert cut.events[-1].error.message == "slow down"


def test_an_error_without_a_model_is_told_in_its_headers(framed: Wire, read_all: ReadAll) -> None:
    headers = {":message-type": "error", ":error-code": "InternalFailure", ":error-message": "broken"}
    (failed,) = read_all([framed(headers, b"")]).events
    assert (failed.error.status, failed.error.message, failed.error.code) == (502, "broken", "internal_failure")


def test_pitfall_09_events_and_messages_of_tomorrow_are_passed_over(
    framed: Wire, wire: Wire, read_all: ReadAll
) -> None:
    unknown = framed({":message-type": "event", ":event-type": "new"}, b"\xff") + framed({"x": "y"}, b"{}")
    assert read_all([unknown + wire(START, {"other": {}}, STOP, {"metadata": {}})]).events == [
        Started(),
        Finished("stop"),
    ]


@pytest.mark.parametrize(
    "bad",
    [
        {"contentBlockDelta": {"delta": {"text": "a"}}},
        {"contentBlockStop": {"contentBlockIndex": "0"}},
        delta(3, toolUse={"input": "{}"}),
    ],
)
def test_what_cannot_be_is_refused_after_the_events_before_it(wire: Wire, bad: dict[str, Any]) -> None:
    stream = PROVIDER.stream()
    assert stream.feed(wire(START, bad)) == [Started()]
    for call in (stream.close, lambda: stream.feed(b"")):
        with pytest.raises(UpstreamProtocolError):
            call()


def test_a_payload_that_is_no_json_is_refused(framed: Wire, read_all: ReadAll) -> None:
    frame = framed({":message-type": "event", ":event-type": "messageStop"}, b"secret")
    raised = read_all([frame]).raised
    assert isinstance(raised, UpstreamProtocolError)
    assert "secret" not in str(raised)


def test_bytes_that_are_no_event_stream_are_refused(read_all: ReadAll) -> None:
    raised = read_all([b"data: {}\n\ndata: {}\n\n"]).raised
    assert (type(raised), raised.code) == (UpstreamProtocolError, "upstream_protocol_error")


def test_blocks_that_never_end_have_a_limit(wire: Wire, read_all: ReadAll) -> None:
    citation = wire(delta(0, citation={"title": "x" * 20 * 1024 * 1024}))
    ended = wire({"contentBlockStop": {"contentBlockIndex": 0}})
    assert isinstance(read_all([wire(START), *[citation] * 4]).raised, UpstreamProtocolError)
    assert read_all([wire(START), *[citation, ended] * 4, wire(STOP, METADATA)]).raised is None


def test_a_kept_block_is_no_event_until_it_ends(streamed: Streamed) -> None:
    fields = [event for event in streamed((None, {"new": {"a": [1]}}, {"new": {"a": [2]}})) if event != Started()]
    assert fields[0] == ProviderFields({"bedrock_content": [{"new": {"a": [1, 2]}}]}, "message")
    assert json.dumps(fields[0].fields)
