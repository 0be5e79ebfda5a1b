"""Any answer: the official SDK puts its stream together to what the whole answer says, and a hit says the same."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from providers.codec import decode_events, encode_events
from providers.completion import fold, unfold
from providers.events import (
    KEPT_BLOCKS,
    KEPT_PLACES,
    TOOL_CALL_FIELDS,
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
    UsageReported,
)
from tests.providers.completions import completions, counts, reasons, usages
from tests.providers.dialects.messages import checked, heard, meaning, read_whole, streamed

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9)
makers = st.sampled_from(["anthropic-claude-v1", "google-gemini-v1", "openai-responses-v1", ""])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | words, lambda v: st.lists(v, max_size=2), max_leaves=4
)
inputs = st.dictionaries(words, values, max_size=3)


class Draft:
    """Events of one legal answer, and how far it has come."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.parts = self.calls = self.length = 0

    def next_part(self) -> int:
        self.parts += 1
        return self.parts - 1


def add_text(draw: st.DrawFn, draft: Draft) -> None:
    kind: type[TextDelta | RefusalDelta] = TextDelta if draw(st.booleans()) else RefusalDelta
    part = draft.next_part()
    for piece in draw(st.lists(words, min_size=1, max_size=4)):
        draft.events.append(kind(part, piece))
        draft.length += len(piece) if kind is TextDelta else 0
    if kind is TextDelta and draw(st.booleans()):
        draft.events.append(Citation(draw(st.none() | words), draw(st.none() | words), None, 0, draft.length))


def add_thought(draw: st.DrawFn, draft: Draft) -> None:
    part, maker = draft.next_part(), draw(makers)
    for piece in draw(st.lists(words, max_size=3)):
        draft.events.append(ReasoningDelta(part, piece, format=maker))
    signature, data = draw(st.tuples(words, st.just("")) | st.tuples(st.just(""), words))
    draft.events.append(ReasoningDelta(part, "", signature, data, maker))


def add_calls(draw: st.DrawFn, draft: Draft) -> None:
    """Calls made at once: begun in order, with the pieces of their arguments in any."""
    pieces: list[list[Event]] = []
    for _ in range(draw(st.integers(1, 3))):
        part = draft.next_part()
        begun: list[Event] = [ToolCallStarted(part, draw(words), draw(words))]
        if draw(st.booleans()):
            beside: Any = {TOOL_CALL_FIELDS: {str(draft.calls): {"toolset_name": draw(words)}}}
            begun.append(ProviderFields(beside, "message"))
        draft.calls += 1
        draft.events += begun
        arguments = json.dumps(draw(inputs), ensure_ascii=draw(st.booleans()))
        cut = draw(st.integers(0, len(arguments)))
        pieces.append([ToolCallDelta(part, arguments[:cut]), ToolCallDelta(part, arguments[cut:])])
    while any(pieces):
        draft.events.append(draw(st.sampled_from([left for left in pieces if left])).pop(0))


def add_kept(draw: st.DrawFn, draft: Draft) -> None:
    kind = draw(st.sampled_from(["server_tool_use", "container_upload"]))
    block: dict[str, Any] = {"type": kind, "file_id" if kind == "container_upload" else "id": draw(words)}
    if kind == "server_tool_use":
        block |= {"name": "web_search", "input": draw(inputs)}
    draft.events.append(ProviderFields({KEPT_BLOCKS: [block], KEPT_PLACES: [draft.parts]}, "message"))


@st.composite
def answers(draw: st.DrawFn) -> list[Event]:
    draft = Draft()
    draft.events.append(Started(draw(st.none() | words), draw(st.none() | words)))
    known: dict[str, Any] = {"extra": st.just({})}
    if draw(st.booleans()):
        draft.events.append(UsageReported(draw(st.builds(type(draw(usages)), counts, counts, counts, counts, **known))))
    for add in draw(st.lists(st.sampled_from([add_text, add_thought, add_calls, add_kept]), max_size=5)):
        add(draw, draft)
    if draw(st.booleans()):
        draft.events.append(ProviderFields({"stop_sequence": draw(words)}, "choice"))
    draft.events.append(Finished(draw(reasons)))
    if draw(st.booleans()):
        draft.events.append(UsageReported(draw(st.builds(type(draw(usages)), counts, counts, counts, counts, **known))))
    return draft.events


@given(answers())
def test_pitfall_21_the_sdk_puts_any_stream_together_to_the_whole_answer(events: list[Event]) -> None:
    stream = streamed(*events)
    checked(stream)
    assert meaning(heard(stream)) == meaning(read_whole(*events))


@given(answers())
def test_pitfall_32_a_hit_of_either_form_says_what_the_live_answer_said(events: list[Event]) -> None:
    """Recorded from a stream, or from a whole answer."""
    live = meaning(heard(streamed(*events)))
    for kept in (events, unfold(fold(events))):
        stored = decode_events(encode_events(kept))
        assert meaning(heard(streamed(*stored))) == live
        assert meaning(read_whole(*stored)) == live


@given(completions())
def test_no_answer_is_too_strange_for_a_stream(done: Any) -> None:
    checked(streamed(*unfold(done)))
    read_whole(*unfold(done))
