from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.completion import (
    Choice,
    Completion,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
    ToolCallPart,
    fold,
    merge_deltas,
    merge_fields,
    unfold,
)
from providers.errors import UpstreamDown
from providers.events import (
    Citation,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from providers.usage import Usage
from tests.providers.completions import completions, usages

if TYPE_CHECKING:
    from providers.events import Event
    from providers.jsonwalk import JsonObject


@settings(max_examples=300)
@given(completions())
def test_a_completion_survives_being_unfolded_and_folded(done: Completion) -> None:
    assert fold(unfold(done)) == done


@given(completions(), st.randoms())
def test_choices_may_come_interleaved(done: Completion, random: object) -> None:
    """Any interleaving that keeps each choice's own order folds to the same."""
    events = unfold(done)
    by_choice: dict[int, list[Event]] = {}
    rest: list[Event] = []
    for event in events:
        index = getattr(event, "choice", None) if not _of_completion(event) else None
        (rest if index is None else by_choice.setdefault(index, [])).append(event)
    queues = [queue for queue in [rest, *by_choice.values()] if queue]
    mixed: list[Event] = []
    while queues:
        queue = random.choice(queues)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
        mixed.append(queue.pop(0))
        queues = [queue for queue in queues if queue]
    assert fold(mixed) == done


def _of_completion(event: Event) -> bool:
    return isinstance(event, ProviderFields) and event.scope == "completion"


def test_an_empty_stream_is_an_empty_completion() -> None:
    assert fold([]) == Completion(Started(), ())


def test_parts_stand_in_the_order_in_which_they_began() -> None:
    events: list[Event] = [
        ReasoningDelta(0, "why", format="f", id="1"),
        ToolCallStarted(1, "c1", "add"),
        TextDelta(2, "so "),
        ToolCallDelta(1, "{}"),
        ReasoningDelta(0, "", signature="sig", data="enc"),
        TextDelta(2, "there"),
        RefusalDelta(3, "no"),
        RefusalDelta(3, "pe"),
        Finished("stop"),
    ]
    (choice,) = fold(events).choices
    assert choice.parts == (
        ReasoningPart("why", "sig", "enc", "f", "1"),
        ToolCallPart("c1", "add", "{}"),
        TextPart("so there"),
        RefusalPart("nope"),
    )


def test_arguments_before_their_start_are_not_lost() -> None:
    (choice,) = fold([ToolCallDelta(0, "{}")]).choices
    assert choice.parts == (ToolCallPart("", "", "{}"),)


def test_usage_reports_of_one_stream_are_cumulative() -> None:
    done = fold([UsageReported(Usage(input=5, output=1)), UsageReported(Usage(output=3))])
    assert done.usage == Usage(input=5, output=3)


def test_what_is_said_of_the_completion_again_replaces_what_was_said() -> None:
    done = fold([ProviderFields({"citations": ["a"], "tier": "x"}), ProviderFields({"citations": ["a", "b"]})])
    assert done.fields == {"citations": ["a", "b"], "tier": "x"}


def test_a_failed_stream_has_no_completion() -> None:
    with pytest.raises(UpstreamDown):
        fold([TextDelta(0, "half"), Failed(UpstreamDown("gone"))])


def test_a_citation_moves_with_its_choice() -> None:
    done = Completion(Started(), (Choice(2, citations=(Citation("u", choice=2),)),))
    assert fold(unfold(done)) == done


def test_long_text_is_unfolded_into_pieces_that_end_after_a_space_where_there_is_one() -> None:
    pieces = [event.text for event in unfold(_answer("word " * 20 + "x" * 60)) if isinstance(event, TextDelta)]
    assert "".join(pieces) == "word " * 20 + "x" * 60
    assert all(len(piece) <= 24 for piece in pieces)
    assert all(piece.endswith(" ") for piece in pieces[:4])


@pytest.mark.parametrize(
    "part",
    [
        TextPart("word " * 20),
        RefusalPart("word " * 20),
        ReasoningPart("word " * 20, "sig", "enc", "format", "id"),
        ToolCallPart("id", "name", '{"x": "' + "word " * 20 + '"}', "custom"),
    ],
)
def test_a_long_part_comes_in_pieces_and_is_one_part_again(part: Part) -> None:
    done = Completion(Started(), (Choice(0, (part,)),))
    events = unfold(done)
    assert len(events) > 5
    assert fold(events) == done


def test_everything_of_a_completion_is_said_once() -> None:
    choices = (
        Choice(0, (TextPart("a"), ReasoningPart("b")), Finished("stop"), (Citation("u"),), {"c": 1}, {"m": 2}),
        Choice(1),
    )
    done = Completion(Started("id"), choices, Usage(input=1), {"f": 3})
    assert unfold(done) == [
        Started("id"),
        ProviderFields({"f": 3}),
        TextDelta(0, "a"),
        ReasoningDelta(1, "b"),
        Citation("u"),
        ProviderFields({"m": 2}, "message"),
        ProviderFields({"c": 1}, "choice"),
        Finished("stop"),
        ProviderFields({}, "choice", 1),
        UsageReported(Usage(input=1)),
    ]
    assert fold(unfold(done)) == done


def test_an_empty_text_is_still_a_part() -> None:
    assert fold(unfold(_answer(""))).choices[0].parts == (TextPart(""),)


def _answer(text: str) -> Completion:
    return Completion(Started(), (Choice(0, (TextPart(text),)),))


def test_fields_merge_lists_and_objects_and_keep_the_later_value_of_the_rest() -> None:
    merged = merge_fields(
        {"l": [1], "o": {"a": 1, "l": [1]}, "s": "x", "n": 1}, {"l": [2], "o": {"l": [2]}, "s": "y", "n": None}
    )
    assert merged == {"l": [1, 2], "o": {"a": 1, "l": [1, 2]}, "s": "y", "n": 1}


def test_deltas_also_join_text_but_not_names() -> None:
    first: JsonObject = {"audio": {"id": "a", "transcript": "Hel"}, "channel": "analysis", "note": "x"}
    later: JsonObject = {
        "audio": {"id": "a", "transcript": "lo", "expires_at": 3},
        "channel": "analysis",
        "note": "y",
        "l": [1],
    }
    assert merge_deltas(first, later) == {
        "audio": {"id": "a", "transcript": "Hello", "expires_at": 3},
        "channel": "analysis",
        "note": "xy",
        "l": [1],
    }


@given(usages, usages)
def test_a_later_usage_wins_bucket_by_bucket(first: Usage, later: Usage) -> None:
    both = first.updated(later)
    for bucket in ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output"):
        mine, theirs = getattr(first, bucket), getattr(later, bucket)
        assert getattr(both, bucket) == (mine if theirs is None else theirs)
    assert both.extra == {**first.extra, **later.extra}
