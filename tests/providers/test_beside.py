"""A whole answer unfolded: what stands beside its parts is said where it belongs."""

from __future__ import annotations

from typing import Any

import pytest

from providers.completion import Choice, Completion, Part, TextPart, ToolCallPart, fold, unfold
from providers.events import (
    KEPT_BLOCKS,
    KEPT_PLACES,
    TOOL_CALL_FIELDS,
    Citation,
    Event,
    ProviderFields,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

PARTS: tuple[Part, ...] = (TextPart("ab"), ToolCallPart("t", "f", "{}"), TextPart("c"))


def unfolded(parts: tuple[Part, ...] = PARTS, citations: tuple[Citation, ...] = (), **fields: Any) -> list[Event]:
    done = Completion(Started(), (Choice(0, parts, None, citations, {}, fields),))
    events = unfold(done)
    assert fold(events) == done
    return events[1:]


def said(fields: dict[str, Any]) -> ProviderFields:
    return ProviderFields(fields, "message")


def test_blocks_stand_between_the_parts_where_they_stood() -> None:
    fields: dict[str, Any] = {KEPT_BLOCKS: ["a", "b", "c"], KEPT_PLACES: [0, 1, 3]}
    kept = [said({KEPT_BLOCKS: [name], KEPT_PLACES: [at]}) for name, at in (("a", 0), ("b", 1), ("c", 3))]
    assert unfolded(**fields, audio={"id": "x"}) == [
        kept[0],
        TextDelta(0, "ab"),
        kept[1],
        ToolCallStarted(1, "t", "f"),
        ToolCallDelta(1, "{}"),
        TextDelta(2, "c"),
        kept[2],
        said({"audio": {"id": "x"}}),
    ]


@pytest.mark.parametrize("places", [None, [0], [0, "1"], [True, 0], 7])
def test_blocks_without_a_known_place_come_behind_all_parts(places: Any) -> None:
    fields: dict[str, Any] = {KEPT_BLOCKS: ["a", "b"]}
    if places is not None:
        fields[KEPT_PLACES] = places
    assert unfolded(**fields)[-1] == said(fields)


def test_blocks_before_parts_that_are_not_there_come_last() -> None:
    fields: dict[str, Any] = {KEPT_BLOCKS: ["a", "b"], KEPT_PLACES: [9, 0]}
    assert unfolded(**fields)[-2:] == [
        said({KEPT_BLOCKS: [name], KEPT_PLACES: [at]}) for name, at in (("a", 9), ("b", 0))
    ]


def test_members_of_a_call_follow_its_beginning_and_those_of_none_come_last() -> None:
    events = unfolded(tool_call_fields={"0": {"x": 1}, "4": {"y": 2}})
    assert events[2] == said({TOOL_CALL_FIELDS: {"0": {"x": 1}}})
    assert events[-1] == said({TOOL_CALL_FIELDS: {"4": {"y": 2}}})
    assert unfolded(tool_call_fields={})[-1] == said({TOOL_CALL_FIELDS: {}})


def test_citations_follow_their_text_in_their_own_order() -> None:
    first, second, third = Citation("a", end=2), Citation("b", end=3), Citation("c", end=1)
    unplaced = Citation("d")
    events = unfolded(citations=(first, second, third, unplaced))
    assert events == [
        TextDelta(0, "ab"), first, ToolCallStarted(1, "t", "f"), ToolCallDelta(1, "{}"), TextDelta(2, "c"),
        second, third, unplaced,
    ]  # fmt: skip
