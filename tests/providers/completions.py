"""Strategies for whole answers and for the events of one."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from providers.completion import Choice, Completion, Part, ReasoningPart, RefusalPart, TextPart, ToolCallPart
from providers.events import Citation, Finished, FinishReason, Started
from providers.usage import Usage

words = st.text(max_size=60)
scalars = st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5)
objects: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.text(max_size=5),
    st.recursive(scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2)),
    max_size=3,
)
counts = st.none() | st.integers(0, 10_000)
usages = st.builds(Usage, counts, counts, counts, counts, counts, counts, counts, objects)
reasons: st.SearchStrategy[FinishReason] = st.sampled_from(
    ["stop", "length", "tool_calls", "content_filter", "function_call"]
)
parts: st.SearchStrategy[Part] = st.one_of(
    st.builds(TextPart, words),
    st.builds(RefusalPart, words),
    st.builds(ReasoningPart, words, words, words, words, words),
    st.builds(ToolCallPart, words, words, words, st.sampled_from(["function", "custom"])),
)


@st.composite
def choices(draw: st.DrawFn, index: int) -> Choice:
    finish = draw(st.none() | st.builds(Finished, reasons, st.none() | words, st.just(index)))
    offsets = st.none() | st.integers(0, 99)
    named = st.none() | words
    citation = st.builds(Citation, named, named, named, offsets, offsets, objects, st.just(index))
    return Choice(
        index,
        tuple(draw(st.lists(parts, max_size=4))),
        finish,
        tuple(draw(st.lists(citation, max_size=2))),
        draw(objects),
        draw(objects),
    )


@st.composite
def completions(draw: st.DrawFn) -> Completion:
    started = draw(st.builds(Started, st.none() | words, st.none() | words, st.none() | st.integers(0, 2**40)))
    numbers = sorted(draw(st.sets(st.integers(0, 9), max_size=3)))
    return Completion(
        started, tuple(draw(choices(number)) for number in numbers), draw(st.none() | usages), draw(objects)
    )
