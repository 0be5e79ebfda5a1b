"""Stored events: what goes in comes out, across releases, and nothing that failed goes in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.codec import UnreadableEvents, decode_events, encode_events
from providers.completion import fold, unfold
from providers.errors import UpstreamDown
from providers.events import (
    Citation,
    Event,
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
from tests.providers.completions import completions

EVERY_KIND: list[Event] = [
    Started("id", "model", 7),
    TextDelta(0, "text"),
    RefusalDelta(1, "no", 1),
    ReasoningDelta(2, "t", "s", "d", "f", "i", 3),
    ToolCallStarted(3, "c", "f", "custom", 1),
    ToolCallDelta(3, "{}", 1),
    Citation("u", "t", "q", 1, 2, {"x": [1]}, 1),
    ProviderFields({"a": None}, "choice", 1),
    UsageReported(Usage(1, 2, 3, 4, 5, 6, 7, {"cost": 0.1})),
    Finished("length", "max", 1),
]


def test_every_kind_of_event_comes_back() -> None:
    assert decode_events(encode_events(EVERY_KIND)) == EVERY_KIND


def test_the_stored_form_is_pinned() -> None:
    """An entry lives for a week: a change of these bytes must be a new version."""
    assert encode_events(EVERY_KIND) == (
        b'1[["s","id","model",7],["t",0,"text"],["f",1,"no",1],["r",2,"t","s","d","f","i",3],["c",3,"c","f","custom",1],'
        b'["a",3,"{}",1],["q","u","t","q",1,2,{"x":[1]},1],["x",{"a":null},"choice",1],'
        b'["u",1,2,3,4,5,6,7,{"cost":0.1}],["e","length","max",1]]'
    )


def test_defaults_take_no_room() -> None:
    stored = encode_events([Started(), TextDelta(0, "a"), UsageReported(Usage(0)), Finished("stop")])
    assert stored == b'1[["s"],["t",0,"a"],["u",0],["e","stop"]]'


@given(completions())
def test_any_completion_survives(done: object) -> None:
    events = unfold(done)  # type: ignore[arg-type]
    assert fold(decode_events(encode_events(events))) == done


def test_a_failure_has_no_stored_form() -> None:
    with pytest.raises(KeyError):
        encode_events([Failed(UpstreamDown("x"))])


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"2[]",
        b"1",
        b"1{",
        b"1[[]]",
        b'1[["zz"]]',
        b'1[["t"]]',
        b'1[["t",0,"a",0,0,0]]',
        b"1[3]",
        b"1\xff",
        b"1null",
    ],
)
def test_what_this_release_cannot_read_says_so(stored: bytes) -> None:
    with pytest.raises(UnreadableEvents):
        decode_events(stored)


@given(st.binary(max_size=64))
def test_no_bytes_raise_anything_else(stored: bytes) -> None:
    try:
        decode_events(b"1" + stored)
    except UnreadableEvents as fault:
        assert not isinstance(fault, KeyError)
