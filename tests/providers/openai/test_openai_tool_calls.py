from __future__ import annotations

from typing import Any

import pytest

from providers.completion import Completion, TextPart, ToolCallPart
from providers.events import Finished, TextDelta, ToolCallDelta, ToolCallStarted
from providers.openai.stream import ChatStream
from tests.providers.openai.chunks import DONE, HOST, call, chunk, events_of, sse, streamed, whole

END = chunk(finish="tool_calls")


def calls_of(done: Completion) -> list[tuple[str, str, str]]:
    return [(part.id, part.name, part.arguments) for part in done.choices[0].parts if isinstance(part, ToolCallPart)]


TWO = [("a", "add", '{"x":1}'), ("b", "mul", '{"y":2}')]


@pytest.mark.parametrize(
    "deltas",
    [
        [call(index=0, id="a", name="add"), call('{"x"', index=0), call(":1}", index=0), call('{"y":2}', index=1, id="b", name="mul")],
        # Interleaved, as the index allows.
        [call(index=0, id="a", name="add"), call(index=1, id="b", name="mul"), call('{"x":1}', index=0), call('{"y":2}', index=1)],
        # Every call is number 0; a new id begins a new call.
        [call('{"x":1}', index=0, id="a", name="add"), call('{"y":2}', index=0, id="b", name="mul")],
        [call('{"x"', index=0, id="a", name="add"), call(":1}", index=0), call(index=0, id="b", name="mul"), call('{"y":2}', index=0)],
        # Id and name in every delta.
        [call('{"x"', index=0, id="a", name="add"), call(":1}", index=0, id="a", name="add"), call('{"y":2}', index=1, id="b", name="mul")],
        # No index.
        [call('{"x"', id="a", name="add"), call(":1}", id="a"), call('{"y":2}', id="b", name="mul")],
        [call('{"x"', id="a", name="add"), call(":1}"), call('{"y":2}', id="b", name="mul")],
        # The id comes late.
        [call('{"x"', index=0, name="add"), call(":1}", index=0, id="a"), call('{"y":2}', index=1, name="mul", id="b")],
        # The name comes late.
        [call('{"x"', index=0, id="a"), call(":1}", index=0, name="add"), call('{"y":2}', index=1, name="mul", id="b")],
        # Arguments as an object.
        [call({"x": 1}, index=0, id="a", name="add"), call({"y": 2}, index=1, id="b", name="mul")],
        # Indices that do not begin at 0 (Anthropic behind a bridge counts content blocks).
        [call('{"x":1}', index=1, id="a", name="add"), call('{"y":2}', index=5, id="b", name="mul")],
        # Both whole calls in one delta.
        [{"tool_calls": [*call('{"x":1}', index=0, id="a", name="add")["tool_calls"], *call('{"y":2}', index=1, id="b", name="mul")["tool_calls"]]}],
    ],
)  # fmt: skip
def test_two_calls_are_two_calls_however_a_host_counts_them_pitfall_02(deltas: list[dict[str, Any]]) -> None:
    assert calls_of(streamed(*map(chunk, deltas), END)) == TWO


@pytest.mark.parametrize(
    "deltas",
    [
        [call('{"x":1}', name="add"), call('{"y":2}', name="mul")],
        [call('{"x":1}', index=0, name="add"), call('{"y":2}', index=0, name="mul")],
        [call('{"x":1}', index=0, id="", name="add"), call('{"y":2}', index=0, id="", name="mul")],
        [call('{"x":1}', index=0, name="add"), call('{"y":2}', index=1, name="mul")],
    ],
)
def test_whole_calls_without_ids_are_kept_apart(deltas: list[dict[str, Any]]) -> None:
    assert calls_of(streamed(*map(chunk, deltas), END)) == [("", "add", '{"x":1}'), ("", "mul", '{"y":2}')]


def test_a_repeated_name_without_an_id_goes_on_with_the_call_while_its_arguments_are_not_complete() -> None:
    deltas = [call('{"x"', index=0, name="add"), call(":1}", index=0, name="add")]
    assert calls_of(streamed(*map(chunk, deltas), END)) == [("", "add", '{"x":1}')]


def test_arguments_before_any_call_begin_one() -> None:
    assert calls_of(streamed(chunk(call('{"x":1}')), END)) == [("", "", '{"x":1}')]


def test_a_call_starts_once_its_id_and_name_are_known_and_its_arguments_follow() -> None:
    body = sse(chunk(call('{"x"', index=0, name="add")), chunk(call(":1}", index=0, id="a"))) + DONE
    events = events_of(body)
    assert events[2:] == [ToolCallStarted(0, "a", "add"), ToolCallDelta(0, '{"x"'), ToolCallDelta(0, ":1}")]


def test_a_call_whose_id_never_comes_starts_before_the_choice_ends() -> None:
    events = events_of(sse(chunk(call("{}", index=0, name="f")), END) + DONE)
    assert events[2:] == [ToolCallStarted(0, "", "f"), ToolCallDelta(0, "{}"), Finished("tool_calls")]


def test_a_call_whose_id_never_comes_starts_at_the_end_of_a_stream_without_a_finish() -> None:
    assert calls_of(streamed(chunk(call("{}", index=0, name="f")))) == [("", "f", "{}")]


def test_text_between_the_pieces_of_a_call_is_a_part_of_its_own_pitfall_01() -> None:
    done = streamed(
        chunk({"content": "I "}),
        chunk(call('{"x"', index=0, id="a", name="add")),
        chunk({"content": "wait"}),
        chunk(call(":1}", index=0)),
        END,
    )
    assert done.choices[0].parts == (TextPart("I "), ToolCallPart("a", "add", '{"x":1}'), TextPart("wait"))


def test_a_tool_without_arguments_has_no_delta_pitfall_05() -> None:
    events = events_of(sse(chunk(call("", index=0, id="a", name="now")), END) + DONE)
    assert [event for event in events if isinstance(event, ToolCallDelta)] == []
    assert calls_of(streamed(chunk(call(index=0, id="a", name="now")), END)) == [("a", "now", "")]


def test_a_custom_tool_takes_text() -> None:
    deltas: list[dict[str, Any]] = [
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": " 1"}}]},
    ]
    (part,) = streamed(*map(chunk, deltas), END).choices[0].parts
    assert part == ToolCallPart("a", "sql", "SELECT 1", "custom")


def test_a_legacy_function_call_is_a_call_without_an_id() -> None:
    deltas: list[dict[str, Any]] = [
        {"function_call": {"name": "add", "arguments": ""}},
        {"function_call": {"arguments": '{"x":1}'}},
    ]
    done = streamed(*map(chunk, deltas), chunk(finish="function_call"))
    assert done.choices[0].parts == (ToolCallPart("", "add", '{"x":1}', "function_call"),)
    assert done.choices[0].finish == Finished("function_call")
    whole_one = whole({"function_call": {"name": "add", "arguments": "{}"}}, "function_call")
    assert whole_one.choices[0].parts == (ToolCallPart("", "add", "{}", "function_call"),)


def test_a_legacy_function_call_is_heard_at_once() -> None:
    """It will never have an id: a client that waits for the first meaningful event must not wait for one."""
    events = ChatStream(HOST).feed(sse(chunk({"function_call": {"name": "add", "arguments": ""}})))
    assert ToolCallStarted(0, "", "add", "function_call") in events


def test_an_empty_function_call_beside_the_calls_is_none() -> None:
    empty = {"name": "", "arguments": ""}
    done = whole({"content": "x", "function_call": empty})
    assert done.choices[0].parts == (TextPart("x"),)


def test_the_kind_is_that_which_is_not_empty() -> None:
    item = {"id": "a", "custom": {"name": "", "input": ""}, "function": {"name": "f", "arguments": "{}"}}
    assert whole({"tool_calls": [item]}).choices[0].parts == (ToolCallPart("a", "f", "{}"),)


def test_every_call_of_a_whole_answer_is_kept_whatever_its_index_or_id_pitfall_02() -> None:
    item = {"index": 0, "id": "same", "function": {"name": "f", "arguments": {"x": 1}}}
    done = whole({"content": None, "tool_calls": [item, item, "no object"]}, "tool_calls")
    assert calls_of(done) == [("same", "f", '{"x":1}')] * 2


def test_members_of_a_call_without_a_word_here_are_kept_beside_it() -> None:
    item = {
        "id": "a",
        "function": {"name": "f", "arguments": "{}", "x": 1},
        "extra_content": {"google": {"thought_signature": "S"}},
    }
    fields = {"extra_content": {"google": {"thought_signature": "S"}}, "function": {"x": 1}}
    assert whole({"tool_calls": [item]}).choices[0].message_fields == {"tool_call_fields": {"0": fields}}
    pieces = [call("", index=3, id="a", name="f"), {"tool_calls": [{**item, "index": 5, "id": "b"}]}]
    # By the number of the call, whatever index its host gave it; said again, it says nothing new.
    again = {"tool_calls": [{**item, "index": 5, "id": "b"}]}
    done = streamed(*map(chunk, [*pieces, again]), END)
    assert done.choices[0].message_fields == {"tool_call_fields": {"1": fields}}


def test_a_new_call_lets_the_one_before_it_start() -> None:
    body = sse(chunk(call("{}", index=0, name="f")), chunk(call("{}", index=1, id="b", name="g"))) + DONE
    started = [event for event in events_of(body) if isinstance(event, ToolCallStarted)]
    assert [(event.part, event.id, event.name) for event in started] == [(0, "", "f"), (1, "b", "g")]


def test_choices_count_their_calls_apart() -> None:
    done = streamed(
        chunk(call("{}", index=0, id="a", name="f"), index=0),
        chunk(call("{}", index=0, id="b", name="g"), index=1),
        chunk({"content": "x"}, index=1),
    )
    assert [len(choice.parts) for choice in done.choices] == [1, 2]


def test_a_delta_of_arguments_that_are_not_text_is_never_fatal() -> None:
    assert calls_of(streamed(chunk(call(7, index=0, id="a", name="f")), END)) == [("a", "f", "7")]
    assert isinstance(events_of(sse(chunk({"content": "x", "tool_calls": "nonsense"})) + DONE)[1], TextDelta)
