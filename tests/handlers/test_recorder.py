from __future__ import annotations

from dataclasses import replace

import pytest

from handlers.recorder import Recorder
from providers.base import Stamp
from providers.codec import decode_events
from providers.events import (
    Citation,
    Event,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

STAMP = Stamp("chatcmpl-1", 1_800_000_000, "claude")
EVENTS: list[Event] = [Started("id", "model", 5), TextDelta(0, "Hello"), Finished("stop")]


def recorded(*events: Event, limit: int = 10_000, complete: bool = True) -> Recorder:
    recorder = Recorder(STAMP, limit=limit)
    for event in events:
        recorder.record([event])
    if complete:
        recorder.complete()
    return recorder


def test_a_whole_answer_is_kept_as_it_was() -> None:
    payload, outcome = recorded(*EVENTS).finished()
    assert decode_events(payload) == EVENTS
    assert (outcome.status, outcome.complete, outcome.storable_finish, outcome.size) == (200, True, True, len(payload))


def test_what_the_provider_did_not_say_of_itself_is_kept_as_the_client_was_told_it() -> None:
    payload, _ = recorded(Started(), *EVENTS[1:]).finished()
    assert decode_events(payload)[0] == Started("chatcmpl-1", "claude", 1_800_000_000)
    payload, _ = recorded(Started(created=0), *EVENTS[1:]).finished()
    assert decode_events(payload)[0] == Started("chatcmpl-1", "claude", 0)


def test_pitfall_27_without_the_end_marker_there_is_nothing_to_keep() -> None:
    payload, outcome = recorded(*EVENTS, complete=False).finished()
    assert payload == b""
    assert not outcome.complete


@pytest.mark.parametrize(
    ("reasons", "storable"),
    [
        (["stop"], True),
        (["tool_calls"], True),
        (["function_call"], True),
        (["length"], False),
        (["content_filter"], False),
        (["stop", "length"], False),
        (["stop", "tool_calls"], True),
        ([], False),
    ],
)
def test_only_an_answer_that_came_to_its_own_end_is_worth_repeating(reasons: list[str], storable: bool) -> None:
    ends = [replace(Finished("stop"), reason=reason, choice=choice) for choice, reason in enumerate(reasons)]  # type: ignore[arg-type]
    _, outcome = recorded(TextDelta(0, "Hello"), *ends).finished()
    assert outcome.storable_finish is storable


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(0, "x" * 100),
        RefusalDelta(0, "x" * 100),
        ReasoningDelta(0, "x" * 100),
        ToolCallDelta(0, "x" * 100),
        ToolCallStarted(0, "id", "name"),
        Citation(url="https://example.org"),
        ProviderFields({"a": 1}),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_endless_answer_is_given_up_and_takes_no_more_memory(event: Event) -> None:
    recorder = recorded(limit=1000, complete=False)
    for _ in range(1000):
        recorder.record([event])
    recorder.complete()
    payload, outcome = recorder.finished()
    assert payload == b""
    assert outcome.size > 2**30
    # Whatever its finish was: too large is the reason to be told.
    assert outcome.storable_finish


def test_a_choice_that_began_and_did_not_end_makes_the_answer_half_of_one() -> None:
    _, outcome = recorded(TextDelta(0, "one"), TextDelta(0, "two", choice=1), Finished("stop")).finished()
    assert not outcome.storable_finish
    both: list[Event] = [ProviderFields({"a": 1}), TextDelta(0, "one"), Finished("stop"), Finished("stop", choice=1)]
    assert recorded(*both, TextDelta(0, "two", choice=1)).finished()[1].storable_finish
