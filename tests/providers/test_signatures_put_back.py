"""Signed thinking that clients drop: back into a later request."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import Assistant, ChatRequest, Reasoning, Text
from providers.signatures import NOTHING, Replay, Signed, missing, put_back, signed_calls
from tests.providers.signed_turns import (
    ASKED,
    BOUND,
    FREE,
    MODEL,
    NEXT_TURN,
    REDACTED,
    THOUGHT,
    answer,
    calling,
    chats,
    finds,
    found_for,
    make_call,
    make_chat,
    reasoning_of,
    replays,
    thinking,
    turn,
)


@pytest.mark.parametrize("replay", [FREE, BOUND], ids=["free", "bound"])
def test_what_a_call_left_goes_back_into_the_message_that_lost_it(replay: Replay) -> None:
    left = signed_calls(answer(thinking(0), thinking(1, REDACTED), *calling(2)), make_chat(ASKED), MODEL)
    (call,) = missing(NEXT_TURN)
    assert call.name == left[0][0]
    done = put_back(NEXT_TURN, [(call, left[0][1])], replay, MODEL)
    assert done == make_chat(ASKED, *turn(1, THOUGHT, REDACTED))
    assert missing(done) == []


def test_what_the_calls_of_one_message_left_goes_back_in_their_order() -> None:
    chat = make_chat(ASKED, Assistant(tool_calls=(make_call(1), make_call(2))))
    second, first = missing(chat)
    found = [(second, Signed(MODEL, "", (REDACTED,))), (first, Signed(MODEL, "", (THOUGHT,)))]
    assert reasoning_of(put_back(chat, found, FREE, MODEL)) == [(THOUGHT, REDACTED)]


def test_plain_thinking_of_the_clients_own_stays_but_for_what_the_signed_says() -> None:
    same, other = Reasoning(THOUGHT.text), Reasoning("A thought of the client's.")
    chat = make_chat(ASKED, *turn(1, same, other))
    assert reasoning_of(put_back(chat, found_for(chat), FREE, MODEL)) == [(THOUGHT, other)]


def test_another_models_thinking_goes_back_only_where_the_provider_sorts_it_out() -> None:
    found = found_for(NEXT_TURN, model="another")
    assert put_back(NEXT_TURN, found, FREE, MODEL) is NEXT_TURN
    assert reasoning_of(put_back(NEXT_TURN, found, replace(FREE, any_model=True), MODEL)) == [(THOUGHT,)]


def test_bound_thinking_stays_away_before_an_answer_that_may_have_lost_its_own() -> None:
    chat = make_chat(ASKED, *turn(1), Assistant((Text("Yes."),)), ASKED, *turn(2))
    assert reasoning_of(put_back(chat, found_for(chat), BOUND, MODEL)) == [(), (), (THOUGHT,)]
    assert reasoning_of(put_back(chat, found_for(chat), FREE, MODEL)) == [(THOUGHT,), (), (THOUGHT,)]
    newest_lost = found_for(chat)[1:]
    assert put_back(chat, newest_lost, BOUND, MODEL) is chat


def test_bound_thinking_goes_back_before_an_answer_whose_own_the_client_brings() -> None:
    chat = make_chat(ASKED, *turn(1), *turn(2, REDACTED))
    assert reasoning_of(put_back(chat, found_for(chat), BOUND, MODEL)) == [(THOUGHT,), (REDACTED,)]


def test_thinking_of_several_formats_is_sorted_by_whose_it_is() -> None:
    foreign = replace(THOUGHT, format="google-gemini-v1")
    assert reasoning_of(put_back(NEXT_TURN, found_for(NEXT_TURN, foreign, REDACTED), FREE, MODEL)) == [(REDACTED,)]


@given(chats, replays, st.data())
def test_what_the_client_sent_is_never_changed(chat: ChatRequest, replay: Replay, data: st.DataObject) -> None:
    found = data.draw(finds(chat))
    done = put_back(chat, found, replay, MODEL)
    assert [field.name for field in fields(chat) if getattr(done, field.name) is not getattr(chat, field.name)] in (
        [],
        ["messages"],
    )
    assert (done is chat) == (done == chat)
    for before, after in zip(chat.messages, done.messages, strict=True):
        if before == after:
            continue
        assert isinstance(before, Assistant)
        assert isinstance(after, Assistant)
        assert replace(after, reasoning=before.reasoning) == before
        assert before.tool_calls
        assert not any(thought.signature or thought.data for thought in before.reasoning)
        said = "".join(thought.text for thought in after.reasoning if thought.signature or thought.data)
        assert all(thought in after.reasoning or thought.text in said for thought in before.reasoning)


@given(chats, replays, st.data())
def test_only_what_fits_is_put_in(chat: ChatRequest, replay: Replay, data: st.DataObject) -> None:
    found = data.draw(finds(chat))
    done = put_back(chat, found, replay, MODEL)
    for number, (before, after) in enumerate(zip(chat.messages, done.messages, strict=True)):
        if not (isinstance(before, Assistant) and isinstance(after, Assistant)) or before == after:
            continue
        allowed = [
            part
            for call, signed in found
            if call.message == number
            and (replay.any_model or signed.model == MODEL)
            and (not replay.bound or signed.before == call.before)
            for part in signed.parts
        ]
        added = [thought for thought in after.reasoning if thought not in before.reasoning]
        assert added
        assert all(thought in allowed and thought.format in replay.formats for thought in added)


@given(chats, st.data())
def test_bound_thinking_is_put_back_without_a_gap(chat: ChatRequest, data: st.DataObject) -> None:
    done = put_back(chat, data.draw(finds(chat)), BOUND, MODEL)
    answers = [
        (before != after, any(thought.signature or thought.data for thought in after.reasoning))
        for before, after in zip(chat.messages, done.messages, strict=True)
        if isinstance(before, Assistant) and isinstance(after, Assistant)
    ]
    first = next((number for number, (changed, _) in enumerate(answers) if changed), len(answers))
    assert all(sealed for _, sealed in answers[first:])


@given(chats, st.data())
def test_nothing_taken_back_is_the_same_request(chat: ChatRequest, data: st.DataObject) -> None:
    assert put_back(chat, data.draw(finds(chat)), NOTHING, MODEL) is chat
    assert put_back(chat, [], data.draw(replays), MODEL) is chat


@given(st.integers(1, 12), st.integers(1, 12))
def test_one_more_turn_puts_the_same_back_into_the_old_ones(turns: int, more: int) -> None:
    older, newer = (
        make_chat(ASKED, *(message for number in range(count) for message in turn(number)))
        for count in (turns, turns + more)
    )
    done = put_back(newer, found_for(newer), BOUND, MODEL)
    assert done.messages[: len(older.messages)] == put_back(older, found_for(older), BOUND, MODEL).messages
