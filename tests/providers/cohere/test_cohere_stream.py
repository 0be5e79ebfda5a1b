"""Streamed answers of Cohere, event by event."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.cohere import PROVIDER
from providers.cohere.answer import MAX_OPEN, Answer
from providers.cohere.block import MAX_PARTS
from providers.completion import fold
from providers.errors import UpstreamDown, UpstreamProtocolError, UpstreamTruncated
from providers.events import (
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

Streamed = Callable[..., Any]
ReadAll = Callable[..., Any]
Sse = Callable[..., bytes]
Json = dict[str, Any]

BEGIN = {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}
END = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}
HEAD, TAIL = Started("m"), Finished("stop")


def content(kind: str, index: int = 0, **block: Any) -> Json:
    return {"type": f"content-{kind}", "index": index, "delta": {"message": {"content": block}}}


def call(kind: str, index: int, arguments: str = "", **named: str) -> Json:
    told: Json = {"function": {"arguments": arguments}}
    if named:
        told = {"id": named["id"], "type": "function", "function": {"name": named["name"], "arguments": arguments}}
    return {"type": f"tool-call-{kind}", "index": index, "delta": {"message": {"tool_calls": told}}}


def plan(said: str) -> Json:
    return {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": said}}}


def test_pitfall_1_tool_calls_are_parts_after_the_text_whatever_their_index(streamed: Streamed) -> None:
    events = streamed(
        plan("I will"),
        plan(""),
        plan(" look."),
        content("start", type="text", text=""),
        content("delta", text="One moment."),
        content("end"),
        call("start", 0, id="a", name="f"),
        call("delta", 0, '{"x"'),
        call("delta", 0, ":1}"),
        call("end", 0),
        call("start", 1, id="b", name="g"),
        call("end", 1),
        end={"finish_reason": "TOOL_CALL"},
    )
    assert events == [
        HEAD,
        ReasoningDelta(0, "I will", format="cohere-tool-plan-v2"),
        ReasoningDelta(0, " look.", format="cohere-tool-plan-v2"),
        TextDelta(1, "One moment."),
        ToolCallStarted(2, "a", "f"),
        ToolCallDelta(2, '{"x"'),
        ToolCallDelta(2, ":1}"),
        ToolCallStarted(3, "b", "g"),
        ToolCallDelta(3, "{}"),
        Finished("tool_calls"),
    ]


def test_pitfall_12_calls_whose_pieces_come_interleaved_keep_their_own(streamed: Streamed) -> None:
    events = streamed(
        call("start", 0, id="a", name="f"),
        call("start", 1, '{"y":', id="b", name="g"),
        call("delta", 0, '{"x":1}'),
        call("delta", 1, "2}"),
    )
    (choice,) = fold(events).choices
    assert [(part.id, part.arguments) for part in choice.parts] == [("a", '{"x":1}'), ("b", '{"y":2}')]  # type: ignore[union-attr]


def test_pitfall_5_a_call_that_never_ends_still_has_arguments(streamed: Streamed) -> None:
    assert streamed(call("start", 0, id="a", name="f"), call("start", 0, id="b", name="g"))[1:-1] == [
        ToolCallStarted(0, "a", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, "b", "g"),
        ToolCallDelta(1, "{}"),
    ]


def test_thinking_comes_as_reasoning(streamed: Streamed) -> None:
    events = streamed(
        content("start", 0, type="thinking", thinking=""),
        content("delta", 0, thinking="h"),
        content("delta", 0, thinking="m"),
        content("end", 0),
        content("start", 1, type="text", text="so"),
    )
    reasoning = [ReasoningDelta(0, said, format="cohere-thinking-v2") for said in "hm"]
    assert events == [HEAD, *reasoning, TextDelta(1, "so"), TAIL]


def test_a_piece_of_a_block_that_has_not_begun_says_its_own_kind(streamed: Streamed) -> None:
    events = streamed(content("delta", 0, thinking="hm"), content("end", 0), content("delta", 1, text="so"))
    assert events[1:-1] == [ReasoningDelta(0, "hm", format="cohere-thinking-v2"), TextDelta(1, "so")]


def test_pitfall_9_unknown_events_are_passed_over_and_unknown_blocks_kept(streamed: Streamed) -> None:
    events = streamed(
        {"type": "debug", "prompt": "never to be seen"},
        "ping",
        {"type": 3, "message": 4} | {"type": "novelty", "index": "x"},
        content("start", 0, type="image", data="a", tags=["x"], width=1),
        content("delta", 0, data="b", tags=["y"], width=2, type="image"),
        content("end", 0),
        content("end", 7),
        call("end", 7),
        {"type": "citation-end", "index": 0},
        content("start", 1, type="text", text="so"),
        end={"finish_reason": "COMPLETE", "trace": "t"},
    )
    kept: Json = {"type": "image", "data": "ab", "tags": ["x", "y"], "width": 2}
    assert events == [
        HEAD,
        ProviderFields({"cohere_content": [kept]}, "message"),
        TextDelta(0, "so"),
        ProviderFields({"trace": "t"}, "completion"),
        TAIL,
    ]


def test_members_of_the_beginning_that_have_no_word_here_are_kept(sse: Sse, read_all: ReadAll) -> None:
    begin = {"type": "message-start", "delta": {"message": {"role": "assistant", "content": [], "mood": "good"}}}
    assert read_all([sse(begin, begin, END)]).events == [Started(), ProviderFields({"mood": "good"}, "message"), TAIL]


def test_log_probabilities_of_pieces_are_joined(streamed: Streamed) -> None:
    events = streamed(
        *(
            content("delta", text=said) | {"logprobs": {"text": said, "token_ids": [1], "logprobs": [-0.5]}}
            for said in "ab"
        )
    )
    (choice,) = fold(events).choices
    entries: Any = choice.fields["logprobs"]
    assert [(entry["token"], entry["logprob"]) for entry in entries["content"]] == [("a", -0.5), ("b", -0.5)]


def test_pitfall_16_usage_is_the_last_event(streamed: Streamed) -> None:
    events = streamed(end={"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 1}}})
    assert [type(event) for event in events] == [Started, Finished, UsageReported]


def test_pitfall_18_every_way_of_framing_gives_the_same(read_all: ReadAll, sse: Sse) -> None:
    plain = sse(BEGIN, content("delta", text="é\u2028\U0001f600"), END)
    whole = read_all([plain])
    assert whole.raised is None
    assert TextDelta(0, "é\u2028\U0001f600") in whole.events
    for other in (
        plain.replace(b"\n", b"\r\n"),
        plain.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + plain,
        b": a comment\n\n" + plain,
        plain.replace(b"data: ", b"data:"),
        plain.removesuffix(b"\n\n"),
        plain + b"data: [DONE]\n\n",
        plain + b"whatever follows\n\n",
    ):
        assert read_all([other]) == whole
        assert read_all([other[place : place + 1] for place in range(len(other))]) == whole


def test_pitfall_27_an_answer_without_its_end_is_truncated(read_all: ReadAll, sse: Sse) -> None:
    whole = sse(BEGIN, content("delta", text="half"), END)
    for end in range(len(sse(BEGIN)), len(whole) - 3):
        assert isinstance(read_all([whole[:end]]).raised, UpstreamTruncated), end
    assert isinstance(read_all([]).raised, UpstreamTruncated)


def test_done_is_no_end(read_all: ReadAll, sse: Sse) -> None:
    assert isinstance(read_all([sse(BEGIN) + b"data: [DONE]\n\n"]).raised, UpstreamTruncated)


@pytest.mark.parametrize(
    ("end", "status", "message", "code"),
    [
        ({"finish_reason": "ERROR", "error": "no luck", "error_type": "INVALID_TOOL"}, 502, "no luck", "invalid_tool"),
        ({"finish_reason": "ERROR", "error_type": "not a code!"}, 502, "Cohere broke off its answer", None),
        ({"finish_reason": "TIMEOUT"}, 504, "Cohere broke off its answer", None),
    ],
)
def test_pitfall_19_an_answer_that_broke_off_ends_in_an_error_and_nothing_else(
    streamed: Streamed, end: Json, status: int, message: str, code: str | None
) -> None:
    *_, text, failed = streamed(content("delta", text="half"), end=end)
    assert text == TextDelta(0, "half")
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UpstreamDown)
    assert (failed.error.status, failed.error.code) == (status, code)
    assert failed.error.message.startswith(message)


@pytest.mark.parametrize("told", [{"message": "no luck", "id": "x"}, {"type": "error", "message": "no luck"}])
def test_an_error_in_the_midst_of_a_stream_ends_it(read_all: ReadAll, sse: Sse, told: Json) -> None:
    frame = sse(told)
    cut = read_all([sse(BEGIN) + frame + sse(content("delta", text="never"))])
    *_, failed = cut.events
    assert cut.raised is None
    assert isinstance(failed, Failed)
    assert failed.error.message == "no luck"
    assert len(cut.events) == 2


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>\n\n", "an answer that is no event stream"),
        (b"data: {oops\n\n", "an event that is not valid JSON"),
        (b"data: {}\n\n", "an event without a type"),
        (b'data: {"type": "content-end"}\n\n', "an event before the beginning of its message"),
    ],
)
def test_bytes_of_another_protocol_are_a_fault_of_it(read_all: ReadAll, body: bytes, told: str) -> None:
    for pieces in ([body], [body.removesuffix(b"\n\n")], [body[:3], body[3:]]):
        raised = read_all(pieces).raised
        assert isinstance(raised, UpstreamProtocolError)
        assert raised.message.startswith(f"Cohere sent {told}")


def test_a_fault_after_events_is_raised_by_the_next_call_and_every_other(sse: Sse) -> None:
    stream = PROVIDER.stream()
    assert stream.feed(sse(BEGIN, call("delta", 0, "{}"))) == [HEAD]
    for _ in range(2):
        with pytest.raises(UpstreamProtocolError) as raised:
            stream.feed(b"")
        assert raised.value.message == "Cohere sent a piece of a tool call that has not begun."
    with pytest.raises(UpstreamProtocolError):
        stream.close()


def test_an_event_without_data_is_passed_over(read_all: ReadAll, sse: Sse) -> None:
    assert read_all([sse(BEGIN) + b"event: ping\n\nanything\n\n" + sse(END)]).events == [HEAD, TAIL]


def test_what_stays_in_memory_is_bounded() -> None:
    answer = Answer()
    answer.begin(0, {"type": "image"}, MAX_OPEN - 1)
    answer.end(0)
    answer.begin(0, {"type": "image"}, MAX_OPEN - 1)
    with pytest.raises(UpstreamProtocolError):
        answer.piece(0, {"data": "x"}, 2)
    answer = Answer()
    answer.begin(0, {"type": "image"}, MAX_OPEN - 1)
    with pytest.raises(UpstreamProtocolError):
        answer.begin_call(0, {}, 2)


def test_the_number_of_parts_is_bounded() -> None:
    answer = Answer()
    for _ in range(MAX_PARTS):
        answer.begin_call(0, {})
    with pytest.raises(UpstreamProtocolError):
        answer.begin_call(0, {})
    answer = Answer()
    for number in range(MAX_PARTS):
        answer.begin(number, {})
    with pytest.raises(UpstreamProtocolError):
        answer.begin(MAX_PARTS, {})
