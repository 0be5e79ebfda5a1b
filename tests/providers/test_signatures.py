"""Signed thinking that clients drop: out of an answer, kept as bytes, and what a request misses of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import Assistant, ChatRequest, FunctionTool, Image, NativeTool, Reasoning, System, Text, Url, User
from providers.completion import unfold
from providers.errors import UpstreamDown
from providers.events import Event, Failed, ReasoningDelta, TextDelta, ToolCallStarted
from providers.signatures import (
    MOST_CALLS,
    NOTHING,
    VERSION,
    Missing,
    Replay,
    Signed,
    call_name,
    decode_signed,
    encode_signed,
    missing,
    put_back,
    replay_of,
    signed_calls,
)
from tests.providers.completions import completions, objects, words
from tests.providers.signed_turns import (
    ASKED,
    BOUND,
    FREE,
    MODEL,
    NEXT_TURN,
    OURS,
    REDACTED,
    THOUGHT,
    answer,
    calling,
    found_for,
    make_call,
    make_chat,
    reasoning_of,
    reasonings,
    thinking,
    turn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.jsonwalk import JsonObject


def _left(events: Sequence[Event], chat: ChatRequest | None = None) -> dict[str, tuple[Reasoning, ...]]:
    """What each call left, by its id."""
    calls = signed_calls(events, chat or make_chat(ASKED), MODEL)
    return {str(name["tool_call_id"]): signed.parts for name, signed in calls}


# -- out of an answer -----------------------------------------------------------------------------------------------


def test_a_call_leaves_its_name_and_the_thinking_before_it() -> None:
    events = answer(thinking(0), TextDelta(1, "Let me see."), *calling(2))
    ((name, signed),) = signed_calls(events, make_chat(ASKED), MODEL)
    assert name == {"tool_call_id": "call_1", "name": "weather", "arguments": {"city": "Bari"}}
    assert (signed.model, signed.parts) == (MODEL, (THOUGHT,))


def test_pieces_of_thinking_are_left_whole() -> None:
    pieces = [
        ReasoningDelta(0, "Rain needs ", format=OURS, id="r1"),
        ReasoningDelta(0, "a forecast."),
        ReasoningDelta(0, signature="c2lnbmVk"),
    ]
    assert _left(answer(*pieces, *calling(1))) == {"call_1": (THOUGHT,)}


def test_of_parallel_calls_the_first_leaves_the_thinking_that_came_before_all() -> None:
    assert _left(answer(thinking(0), *calling(1, 1), *calling(2, 2))) == {"call_1": (THOUGHT,)}


def test_thinking_between_calls_is_the_later_ones_and_behind_the_last_one_still_its_own() -> None:
    later = replace(THOUGHT, text="And Lecce?")
    events = answer(thinking(0), *calling(1, 1), thinking(2, later), *calling(3, 2), thinking(4, REDACTED))
    assert _left(events) == {"call_1": (THOUGHT,), "call_2": (later, REDACTED)}


def test_plain_thinking_is_not_kept_beside_the_signed() -> None:
    plain = Reasoning("Hm.", format=OURS)
    assert _left(answer(thinking(0, plain), thinking(1, REDACTED), *calling(2))) == {"call_1": (REDACTED,)}


def test_each_choice_has_its_own_calls() -> None:
    events = answer(thinking(0), *calling(1, 1), thinking(0, REDACTED, 1), *calling(1, 2, 1))
    assert _left(events) == {"call_1": (THOUGHT,), "call_2": (REDACTED,)}


def test_a_call_that_was_cut_off_leaves_what_came_and_an_error_after_it_raises_nothing() -> None:
    events: list[Event] = [thinking(0), *calling(1)[:2], Failed(UpstreamDown("the provider went away"))]
    ((name, signed),) = signed_calls(events, make_chat(ASKED), MODEL)
    assert name == {"tool_call_id": "call_1", "name": "weather", "text": '{"city":'}
    assert signed.parts == (THOUGHT,)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [TextDelta(0, "It will rain.")],
        [thinking(0), TextDelta(1, "It will rain.")],
        [thinking(0, Reasoning("Hm.", format=OURS)), *calling(1)],
        [thinking(0), ToolCallStarted(1, "", "weather", "function_call")],
        [thinking(0), TextDelta(1, "It will rain.", 1), *calling(1, 1, 1)],
    ],
    ids=["nothing", "text", "no-call", "unsigned", "call-without-id", "another-choices-thinking"],
)
def test_what_has_no_signed_thinking_or_no_call_leaves_nothing(events: list[Event]) -> None:
    assert signed_calls(events, make_chat(ASKED), MODEL) == []


@given(completions())
def test_whatever_a_model_answers_leaves_only_what_can_be_kept(done: Any) -> None:
    for name, signed in signed_calls(unfold(done), make_chat(ASKED), MODEL):
        assert name["tool_call_id"]
        assert signed.parts
        assert all(part.signature or part.data for part in signed.parts)
        assert decode_signed(encode_signed(signed)) == signed


# -- the name of a call ---------------------------------------------------------------------------------------------


@given(objects, st.booleans(), st.sampled_from([None, 0, 3]))
def test_arguments_that_are_equal_as_json_are_one_name(
    arguments: dict[str, Any], ascii_only: bool, indent: Any
) -> None:
    turned = dict(reversed(arguments.items()))
    rewritten = f" {json.dumps(turned, ensure_ascii=ascii_only, indent=indent)}\n"
    assert call_name("c", "f", json.dumps(arguments)) == call_name("c", "f", rewritten)


@given(objects, objects)
def test_arguments_that_differ_as_json_are_two_names(one: dict[str, Any], other: dict[str, Any]) -> None:
    names = [call_name("c", "f", json.dumps(arguments)) for arguments in (one, other)]
    assert (names[0] == names[1]) == (one == other)


@given(words)
def test_free_text_names_a_call_as_it_stands(text: str) -> None:
    assert call_name("c", "f", f"[{text}") == {"tool_call_id": "c", "name": "f", "text": f"[{text}"}


@pytest.mark.parametrize("arguments", ["", " ", "{}"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    assert call_name("c", "f", arguments) == {"tool_call_id": "c", "name": "f", "arguments": {}}


def test_a_call_is_not_known_by_its_id_alone() -> None:
    names = [
        call_name("0", "f", "{}"),
        call_name("0", "g", "{}"),
        call_name("0", "f", '{"a":1}'),
        call_name("1", "f", ""),
    ]
    assert all(one != other for number, one in enumerate(names) for other in names[:number])


# -- what is missing ------------------------------------------------------------------------------------------------


def test_calls_without_signed_thinking_are_missing_the_latest_first() -> None:
    plain = Reasoning("Hm.", format=OURS)
    chat = make_chat(
        ASKED, *turn(1), *turn(2, THOUGHT), *turn(3, REDACTED), *turn(4, plain), Assistant((Text("Yes."),))
    )
    assert [(call.message, call.name["tool_call_id"]) for call in missing(chat)] == [(7, "call_4"), (1, "call_1")]


def test_all_calls_of_a_message_are_missing() -> None:
    chat = make_chat(ASKED, Assistant(tool_calls=(make_call(1), make_call(2))))
    assert [call.name for call in missing(chat)] == [
        call_name(f"call_{n}", "weather", '{"city":"Bari"}') for n in (2, 1)
    ]


def test_a_conversation_without_calls_misses_nothing() -> None:
    assert missing(make_chat(System((Text("Be brief."),)), ASKED, Assistant((Text("Yes."),)), ASKED)) == []


@given(st.integers(0, 3 * MOST_CALLS))
def test_the_last_calls_are_looked_after_and_the_oldest_leave_a_step_at_a_time(count: int) -> None:
    chat = make_chat(ASKED, *(message for number in range(count) for message in turn(number)))
    numbers = [call.message // 2 for call in missing(chat)]
    first = count - len(numbers)
    assert numbers == list(range(count - 1, first - 1, -1))
    assert len(numbers) <= MOST_CALLS
    assert first % 32 == 0
    assert first == 0 if count <= MOST_CALLS else len(numbers) > MOST_CALLS - 32


# -- what is bound to its conversation ------------------------------------------------------------------------------


def test_what_a_call_was_thought_about_is_what_stands_before_it_in_the_next_turn() -> None:
    ((name, signed),) = signed_calls(answer(thinking(0), *calling(1)), make_chat(ASKED), MODEL)
    assert missing(NEXT_TURN) == [Missing(1, name, signed.before)]
    later = make_chat(ASKED, *turn(1), *turn(2), ASKED)
    assert [call.before for call in missing(later)][-1] == signed.before


MARK: JsonObject = {"type": "ephemeral"}
TOOL = FunctionTool("weather", "Of a city", {"type": "object"})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (make_chat(User((Text("Rain?", MARK),))), NEXT_TURN),
        (make_chat(ASKED, tools=(replace(TOOL, cache=MARK),)), replace(NEXT_TURN, tools=(TOOL,))),
        (make_chat(ASKED, *turn(0, THOUGHT)), make_chat(ASKED, *turn(0), *turn(1))),
        (
            make_chat(ASKED, Assistant(tool_calls=(replace(make_call(0), cache=MARK),))),
            make_chat(ASKED, Assistant(tool_calls=(make_call(0),)), *turn(1)),
        ),
        (make_chat(ASKED, temperature=0.0), replace(NEXT_TURN, temperature=1.0, max_tokens=9)),
    ],
    ids=["mark-on-text", "mark-on-tool", "thinking-dropped", "mark-on-call", "sampling"],
)
def test_marks_for_the_prompt_cache_thinking_and_knobs_do_not_change_the_conversation(
    before: ChatRequest, after: ChatRequest
) -> None:
    ((_, signed),) = signed_calls(answer(thinking(0), *calling(1)), before, MODEL)
    assert missing(after)[0].before == signed.before


@pytest.mark.parametrize(
    "changed",
    [
        make_chat(User((Text("Snow?"),)), *turn()),
        make_chat(User((Text("Rain?"),), "ann"), *turn()),
        make_chat(User((Text("Rain"), Text("?"))), *turn()),
        make_chat(User((Text("Rain?"), Image(Url("https://example.com/sky.png")))), *turn()),
        make_chat(System((Text("Rain?"),)), *turn()),
        make_chat(System((Text("Be brief."),)), ASKED, *turn()),
        replace(NEXT_TURN, tools=(TOOL,)),
        replace(NEXT_TURN, tools=(NativeTool("web_search", {"type": "web_search"}),)),
        make_chat(User((Text("\ud83d"),)), *turn()),
    ],
    ids=["text", "name", "cut", "image", "role", "system", "tool", "native-tool", "surrogate"],
)
def test_anything_else_that_the_model_is_told_does(changed: ChatRequest) -> None:
    ((_, signed),) = signed_calls(answer(thinking(0), *calling(1)), make_chat(ASKED), MODEL)
    (call,) = missing(changed)
    assert call.before != signed.before
    assert put_back(changed, [(call, signed)], BOUND, MODEL) is changed
    assert reasoning_of(put_back(changed, [(call, signed)], FREE, MODEL)) == [(THOUGHT,)]


# -- whose ----------------------------------------------------------------------------------------------------------


class Takes:
    def replays(self, model: str) -> Replay:
        return replace(BOUND, any_model=model == "any")


def test_a_provider_says_what_it_takes_back_or_takes_nothing() -> None:
    assert replay_of(Takes(), "any") == Replay(frozenset({OURS}), any_model=True, bound=True)
    assert replay_of(Takes(), MODEL) == BOUND
    assert replay_of(object(), MODEL) == NOTHING == Replay(frozenset(), any_model=False, bound=False)


def test_neither_thinking_nor_arguments_show_in_a_repr() -> None:
    ((call, signed),) = found_for(NEXT_TURN)
    shown = f"{call!r} {signed!r}"
    assert all(secret not in shown for secret in (THOUGHT.text, THOUGHT.signature, "Bari"))


# -- kept as bytes --------------------------------------------------------------------------------------------------


@given(st.builds(Signed, words, words, st.lists(reasonings, max_size=3).map(tuple)))
def test_what_is_encoded_is_decoded_to_the_same(signed: Signed) -> None:
    assert decode_signed(encode_signed(signed)) == signed


def test_what_a_release_kept_is_read_by_the_next() -> None:
    kept = b'[1,"claude","hash",[["Rain needs a forecast.","c2lnbmVk","","anthropic-claude-v1","r1"]]]'
    assert encode_signed(Signed(MODEL, "hash", (THOUGHT,))) == kept
    assert decode_signed(kept) == Signed(MODEL, "hash", (THOUGHT,))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xff",
        b"7",
        b"{}",
        b"[1]",
        json.dumps([VERSION + 1, MODEL, "", []]).encode(),
        b'[1,7,"",[]]',
        b'[1,"m",null,[]]',
        b'[1,"m","",7]',
        b'[1,"m","",[7]]',
        b'[1,"m","",[["t",7]]]',
        b'[1,"m","",[["t","s","d","f","i","more"]]]',
    ],
)
def test_what_another_version_wrote_is_nothing(payload: bytes) -> None:
    assert decode_signed(payload) is None
