"""Frames, faults and ends of a stream from Anthropic."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.anthropic import PROVIDER, answer
from providers.errors import (
    UpstreamAuth,
    UpstreamDown,
    UpstreamError,
    UpstreamProtocolError,
    UpstreamRejected,
    UpstreamThrottled,
    UpstreamTruncated,
)
from providers.events import Failed, Finished, Started, TextDelta, UsageReported
from providers.usage import Usage

Sse = Callable[..., bytes]
ReadAll = Callable[..., Any]

START = {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x"}}
BLOCK = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
WORD = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "né\u2028"}}
END = {"type": "content_block_stop", "index": 0}
WHY = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}
STARTED = Started("msg_1", "claude-x")
WORDS = TextDelta(0, "né\u2028")


def pieces(data: bytes) -> list[bytes]:
    return [data[place : place + 1] for place in range(len(data))]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_pitfall_18_any_line_end_and_any_split_gives_the_same_events(
    sse: Sse, read_all: ReadAll, newline: bytes
) -> None:
    data = b"\xef\xbb\xbf: hello\n\n" + sse("ping", START, "ping", BLOCK, WORD, END, WHY, "message_stop")
    data = data.replace(b"\n", newline)
    whole = read_all([data])
    assert whole.raised is None
    assert [event for event in whole.events if isinstance(event, Started | TextDelta | Finished)] == [
        STARTED,
        WORDS,
        Finished("stop"),
    ]
    assert read_all(pieces(data)) == whole


def test_pitfall_18_the_last_event_may_lack_its_blank_line(sse: Sse, read_all: ReadAll) -> None:
    assert read_all([sse(START, "message_stop").rstrip()]).events[-1] == Finished("stop", known=False)


def test_pitfall_18_data_on_several_lines_is_one_event(sse: Sse, read_all: ReadAll) -> None:
    data = sse(START) + b'data: {"type":\ndata: "message_stop"}\n\n'
    assert read_all([data]).events == [STARTED, Finished("stop", known=False)]


def test_pitfall_09_unknown_events_are_passed_over(sse: Sse, read_all: ReadAll) -> None:
    new = {"type": "invented_yesterday", "x": 1}
    data = sse(new, START, new, START, "ping", WHY, "message_stop")
    assert [type(event).__name__ for event in read_all([data]).events] == ["Started", "Finished", "UsageReported"]


def test_pitfall_16_usage_follows_the_finish_as_an_event_of_its_own(sse: Sse, read_all: ReadAll) -> None:
    *_, finished, reported = read_all([sse(START, BLOCK, WORD, END, WHY, "message_stop")]).events
    assert (finished, reported) == (Finished("stop"), UsageReported(Usage(output=2)))


def test_what_follows_the_end_is_no_matter(sse: Sse, read_all: ReadAll) -> None:
    data = sse(START, "message_stop") + b"data: [DONE]\n\n"
    assert read_all([data, b"data: {\n\n", b"<html>"]).raised is None


def test_blocks_that_do_not_end_end_with_the_message(sse: Sse, read_all: ReadAll) -> None:
    call = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}
    assert [type(event).__name__ for event in read_all([sse(START, call, "message_stop")]).events] == [
        "Started",
        "ToolCallStarted",
        "ToolCallDelta",
        "Finished",
    ]


def test_a_block_that_begins_anew_under_its_number_ends_the_one_before(sse: Sse, read_all: ReadAll) -> None:
    call = {"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "t", "name": "f"}}
    events = read_all([sse(START, call, BLOCK, WORD, END, END, "message_stop")]).events
    assert [type(event).__name__ for event in events] == [
        "Started",
        "ToolCallStarted",
        "ToolCallDelta",
        "TextDelta",
        "Finished",
    ]


# -- truncation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("events", [(), (START,), (START, BLOCK, WORD), (START, BLOCK, WORD, END, WHY), ("ping",)])
def test_an_answer_without_message_stop_is_truncated(sse: Sse, read_all: ReadAll, events: Any) -> None:
    cut = read_all([sse(*events)])
    assert isinstance(cut.raised, UpstreamTruncated)
    assert (cut.raised.status, cut.raised.provider) == (502, "anthropic")
    assert not any(isinstance(event, Finished) for event in cut.events)


def test_an_answer_cut_off_within_an_event_is_truncated(sse: Sse, read_all: ReadAll) -> None:
    whole = sse(START, BLOCK, WORD)
    assert {type(read_all([whole[:-size]]).raised) for size in range(3, 60)} == {UpstreamTruncated}


# -- other protocols ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"<html>\n\n<body>",
        b"<html>",
        b'{"type":"message","content":[]}',
        b"data: [DONE]\n\n",
        b"data: {\n\n",
        b"data: \xff\n\n",
        b'data: {"id":"c","object":"chat.completion.chunk","choices":[]}\n\n',
        b'data: {"type":"content_block_stop","index":0}\n\n',
        b'data: {"type":"message_stop"}\n\n',
        b'data: {"type":"message_delta","delta":{}}\n\n',
    ],
)
def test_a_stream_that_is_not_anthropics_is_another_protocol(read_all: ReadAll, data: bytes) -> None:
    cut = read_all([data])
    assert (type(cut.raised), cut.events) == (UpstreamProtocolError, [])
    assert cut.raised.provider == "anthropic"
    split = read_all(pieces(data))
    assert (type(split.raised), split.events) == (UpstreamProtocolError, [])


@pytest.mark.parametrize(
    "broken",
    [
        b"data: {\n\n",
        b'data: {"delta":{}}\n\n',
        b'data: {"type":"content_block_start","content_block":{}}\n\n',
        b'data: {"type":"content_block_delta","index":4,"delta":{}}\n\n',
    ],
)
def test_a_fault_after_good_events_is_raised_after_them_however_the_bytes_are_split(
    sse: Sse, read_all: ReadAll, broken: bytes
) -> None:
    data = sse(START, BLOCK, WORD) + broken + sse(WORD)
    whole, split = read_all([data]), read_all(pieces(data))
    assert (whole.events, type(whole.raised)) == (split.events, type(split.raised))
    assert (whole.events, type(whole.raised)) == ([STARTED, WORDS], UpstreamProtocolError)


def test_a_fault_stays_a_fault(sse: Sse) -> None:
    stream = PROVIDER.stream()
    stream.feed(sse(START) + b"data: {\n\n")
    for data in (b"", sse("message_stop")):
        with pytest.raises(UpstreamProtocolError):
            stream.feed(data)
    with pytest.raises(UpstreamProtocolError):
        stream.close()


def test_a_fault_does_not_quote_what_was_sent(read_all: ReadAll) -> None:
    assert "secret" not in str(read_all([b'data: {"secret": "sk-\n\n']).raised)


def test_blocks_over_the_size_limit_are_refused(sse: Sse) -> None:
    stream = PROVIDER.stream()
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "server_tool_use", "id": "s"}}
    big = {"type": "input_json_delta", "partial_json": "x" * (answer.MAX_OPEN // 8)}
    piece = sse({"type": "content_block_delta", "index": 0, "delta": big})
    stream.feed(sse(START, block))
    for _ in range(7):
        stream.feed(piece)
    with pytest.raises(UpstreamProtocolError, match="size limit"):
        stream.feed(piece)


def test_a_block_that_has_ended_no_longer_counts(sse: Sse) -> None:
    stream = PROVIDER.stream()
    big = {"type": "text_delta", "text": "x" * (answer.MAX_OPEN // 3)}
    frames = sse(BLOCK, {"type": "content_block_delta", "index": 0, "delta": big}, END)
    stream.feed(sse(START))
    for _ in range(4):
        stream.feed(frames)
    assert stream.feed(sse("message_stop")) == [Finished("stop", known=False)]


# -- errors within the stream ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("overloaded_error", UpstreamDown, 529),
        ("api_error", UpstreamDown, 500),
        ("timeout_error", UpstreamDown, 504),
        ("rate_limit_error", UpstreamThrottled, 429),
        ("invalid_request_error", UpstreamRejected, 400),
        ("request_too_large", UpstreamRejected, 413),
        ("not_found_error", UpstreamRejected, 404),
        ("authentication_error", UpstreamAuth, 401),
        ("permission_error", UpstreamAuth, 403),
        ("invented_yesterday", UpstreamDown, 502),
    ],
)
def test_pitfall_19_an_error_event_fails_the_answer_and_is_its_last(
    sse: Sse, read_all: ReadAll, kind: str, error: type[UpstreamError], status: int
) -> None:
    broken = {"type": "error", "error": {"type": kind, "message": "why"}}
    cut = read_all([sse(START, BLOCK, WORD, broken, WORD, "message_stop")])
    assert cut.raised is None
    *before, failed = cut.events
    assert before == [STARTED, WORDS]
    assert isinstance(failed, Failed)
    assert (type(failed.error), failed.error.status, failed.error.message) == (error, status, "why")
    assert failed.error.provider == "anthropic"


def test_pitfall_19_an_error_of_a_gateway_without_a_type_fails_the_answer_too(read_all: ReadAll) -> None:
    (failed,) = read_all([b'data: {"error": {"message": "engine died", "code": 500}}\n\n']).events
    assert isinstance(failed, Failed)
    assert failed.error.message == "engine died"


def test_pitfall_25_an_error_before_the_first_word_is_told_at_once(sse: Sse) -> None:
    stream = PROVIDER.stream()
    (failed,) = stream.feed(sse({"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}))
    assert isinstance(failed, Failed)
    assert failed.error.retryable
    assert stream.close() == []
