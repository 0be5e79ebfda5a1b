"""Streams."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.completion import fold
from providers.errors import UpstreamProtocolError, UpstreamThrottled, UpstreamTruncated
from providers.events import Failed, Finished, Started, TextDelta, ToolCallDelta, ToolCallStarted, UsageReported
from providers.google import PROVIDER, answer
from providers.google.candidate import Candidate
from providers.usage import Usage

ReadAll = Callable[..., Any]
Sse = Callable[..., bytes]
Json = dict[str, Any]


def chunk(*parts: Json, **candidate: Any) -> Json:
    return {"candidates": [{"content": {"parts": [*parts], "role": "model"}, **candidate}], "responseId": "r"}


END = chunk({"text": ""}, finishReason="STOP")


def test_pitfall_12_calls_of_one_chunk_and_of_several_keep_their_places(read_all: ReadAll, sse: Sse) -> None:
    call = {"functionCall": {"name": "f", "args": {}}}
    cut = read_all([sse(chunk({"text": "a"}), chunk(call, call), chunk(call), END)])
    assert cut.raised is None
    assert [event.part for event in cut.events if isinstance(event, ToolCallStarted)] == [1, 2, 3]
    assert len({event.id for event in cut.events if isinstance(event, ToolCallStarted)}) == 3
    assert [event.arguments for event in cut.events if isinstance(event, ToolCallDelta)] == ["{}"] * 3
    assert cut.events[-1] == Finished("tool_calls")


def test_text_goes_out_as_it_comes_and_the_end_at_the_end(sse: Sse) -> None:
    stream = PROVIDER.stream()
    assert stream.feed(sse(chunk({"text": "a"}))) == [Started("r"), TextDelta(0, "a")]
    assert stream.feed(sse(chunk({"text": "b"}, finishReason="STOP"))) == [TextDelta(0, "b")]
    assert stream.feed(sse({"usageMetadata": {"promptTokenCount": 2}})) == [UsageReported(Usage(input=2))]
    assert stream.close() == [Finished("stop")]


def test_pitfall_17_counts_are_cumulative_and_reported_when_they_change(read_all: ReadAll, sse: Sse) -> None:
    first, last = {"promptTokenCount": 5, "candidatesTokenCount": 1}, {"promptTokenCount": 5, "candidatesTokenCount": 9}
    pieces = [chunk({"text": "a"}) | {"usageMetadata": counts} for counts in (first, first, last)]
    cut = read_all([sse(*pieces, END)])
    assert [event.usage.output for event in cut.events if isinstance(event, UsageReported)] == [1, 9]
    assert fold(cut.events).usage == Usage(input=5, output=9)


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk({"text": "a"})],
        [chunk({"text": "a"}, finishReason="STOP"), chunk({"text": "b"}, index=1)],
        [{"usageMetadata": {}}],
    ],
)
def test_pitfall_27_a_stream_without_each_candidates_end_is_truncated(
    read_all: ReadAll, sse: Sse, chunks: list[Json]
) -> None:
    assert isinstance(read_all([sse(*chunks)]).raised, UpstreamTruncated)


def test_pitfall_27_a_stream_cut_within_an_event_is_truncated_even_after_its_end(read_all: ReadAll, sse: Sse) -> None:
    assert isinstance(read_all([sse(END) + b'data: {"cand']).raised, UpstreamTruncated)
    assert isinstance(read_all([b'data: {"cand']).raised, UpstreamProtocolError)


def test_pitfall_18_a_last_event_without_its_blank_line_counts(read_all: ReadAll, sse: Sse) -> None:
    cut = read_all([b"\xef\xbb\xbf: hello\n\n" + sse(chunk({"text": "a"}), END).rstrip()])
    assert cut.raised is None
    assert cut.events == [Started("r"), TextDelta(0, "a"), Finished("stop")]


def test_some_gateways_add_an_end_marker_of_their_own(read_all: ReadAll, sse: Sse) -> None:
    assert read_all([sse(END) + b"data: [DONE]\n\n"]).raised is None


ERROR = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "slow down"}}


@pytest.mark.parametrize(
    "frame",
    [
        b"data: " + json.dumps(ERROR).encode() + b"\n\n",
        b"data: [" + json.dumps(ERROR).encode() + b"]\n\n",
        json.dumps(ERROR, indent=2).encode() + b"\n\n",
        json.dumps([ERROR], indent=2).encode(),
    ],
)
def test_pitfall_19_an_error_in_the_midst_is_a_failure_and_never_an_end(
    read_all: ReadAll, sse: Sse, frame: bytes
) -> None:
    after = sse(END) if frame.endswith(b"\n\n") else b""
    cut = read_all([sse(chunk({"text": "a"})) + frame + after])
    assert cut.raised is None
    failed = cut.events[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UpstreamThrottled)
    assert (failed.error.status, failed.error.message) == (429, "slow down")
    assert not any(isinstance(event, Finished) for event in cut.events)


@pytest.mark.parametrize("body", [b"<html>\n\n", b"data: <html>\n\n", b"data: [1]\n\n", b'{"a":1}\n\n', b"data: {\n\n"])
def test_what_is_no_event_of_googles_is_a_protocol_error(read_all: ReadAll, sse: Sse, body: bytes) -> None:
    assert isinstance(read_all([body]).raised, UpstreamProtocolError)
    cut = read_all([sse(chunk({"text": "a"})) + body])
    assert isinstance(cut.raised, UpstreamProtocolError)
    assert cut.events == [Started("r"), TextDelta(0, "a")]


def test_what_comes_before_a_fault_is_the_same_however_it_is_cut(sse: Sse) -> None:
    stream = PROVIDER.stream()
    assert stream.feed(sse(chunk({"text": "a"})) + b"data: x\n\n") == [Started("r"), TextDelta(0, "a")]
    with pytest.raises(UpstreamProtocolError):
        stream.feed(b"")
    with pytest.raises(UpstreamProtocolError):
        stream.close()


def test_pitfall_09_unknown_events_and_fields_do_not_break_a_stream(read_all: ReadAll, sse: Sse) -> None:
    odd: list[Json] = [{"tomorrow": 1}, {"candidates": "x"}, {"candidates": [1, {"content": 2}]}, {"usageMetadata": []}]
    cut = read_all([b"event: new\nid: 1\n\n" + sse(*odd, END)])
    assert cut.raised is None
    assert fold(cut.events).fields == {"tomorrow": 1}


def test_an_answer_over_the_limit_is_refused() -> None:
    told = answer.Answer()
    told.chunk({}, answer.MAX_ANSWER)
    with pytest.raises(UpstreamProtocolError):
        told.chunk({}, 1)


def test_what_stands_around_the_content_holds_as_said_last() -> None:
    candidate = Candidate(0, "r")
    candidate.piece({"safetyRatings": [1], "groundingMetadata": {"webSearchQueries": ["a"]}})
    candidate.piece({"safetyRatings": [2], "finishReason": "STOP"})
    fields, _ = candidate.end()
    assert fields.fields == {"safetyRatings": [2], "groundingMetadata": {"webSearchQueries": ["a"]}}  # type: ignore[union-attr]


def test_usage_that_grows_with_each_chunk_is_an_error(read_all: ReadAll, sse: Sse) -> None:
    """It is told again whenever it grows: without a limit, a megabyte of it would be told as gigabytes."""
    cut = read_all([sse(*({"usageMetadata": {f"new{number}": number}} for number in range(100)))])
    assert isinstance(cut.raised, UpstreamProtocolError)
    assert sum(isinstance(event, UsageReported) for event in cut.events) == 64
