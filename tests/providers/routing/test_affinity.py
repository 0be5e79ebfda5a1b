"""The same conversation to the same endpoint, and all conversations by weight."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import (
    Assistant,
    ChatRequest,
    Document,
    FunctionTool,
    Image,
    Inline,
    Message,
    NativeTool,
    Source,
    System,
    Text,
    Tool,
    ToolResult,
    Url,
    User,
)
from providers.routing.affinity import order, prefix_of

MARK = {"type": "ephemeral"}
WEIGHTS = st.dictionaries(st.text(max_size=8), st.integers(0, 5), min_size=1, max_size=8)
PREFIXES = st.binary(max_size=32)


def chat(*messages: Message, model: str = "gpt-4o", tools: tuple[Tool, ...] = ()) -> ChatRequest:
    return ChatRequest(model, messages, Source("openai-chat", b"{}"), tools)


SYSTEM = System((Text("Be brief."),))
QUESTION = User((Text("Why is the sky blue?"), Image(Url("https://example.org/sky.png"))))
OPENING = chat(SYSTEM, QUESTION, tools=(FunctionTool("look_up"),))


def prefixes(count: int) -> list[bytes]:
    return [sha256(b"seed %d" % number).digest() for number in range(count)]


def test_pitfall_37_later_turns_keep_the_prefix_and_so_the_endpoint() -> None:
    later = (Assistant((Text("Rayleigh."),)), User((Text("And red at night?"),)), System((Text("Now in French."),)))
    grown = replace(OPENING, messages=(*OPENING.messages, *later, ToolResult("1", (Text("x"),))))
    assert prefix_of(grown) == prefix_of(OPENING)
    weights = {"a": 1, "b": 1, "c": 1}
    assert order(weights, prefix_of(grown)) == order(weights, prefix_of(OPENING))


def test_settings_of_a_turn_are_no_part_of_the_prefix() -> None:
    assert prefix_of(replace(OPENING, temperature=0.0, stream=True, max_tokens=9, user="x")) == prefix_of(OPENING)


@pytest.mark.parametrize(
    "other",
    [
        replace(OPENING, model="gpt-4o-mini"),
        replace(OPENING, tools=()),
        replace(OPENING, tools=(NativeTool("web_search", {}),)),
        replace(OPENING, messages=(System((Text("Be long."),)), QUESTION)),
        replace(OPENING, messages=(SYSTEM, User((Text("Why is grass green?"),)))),
        replace(OPENING, messages=(SYSTEM, SYSTEM, QUESTION)),
        replace(OPENING, messages=(SYSTEM, Assistant((Text("Hello."),)), QUESTION)),
        replace(OPENING, messages=(SYSTEM,)),
    ],
    ids=["model", "no tools", "tool", "system", "question", "messages", "greeting", "no question"],
)
def test_another_beginning_is_another_prefix(other: ChatRequest) -> None:
    assert prefix_of(other) != prefix_of(OPENING)


def test_cache_marks_move_with_the_turns_and_change_nothing() -> None:
    def conversation(mark: dict[str, str] | None) -> ChatRequest:
        parts = (Text("a", dict(mark) if mark else None), Image(Url("b"), cache=dict(mark) if mark else None))
        document = Document(Inline("application/pdf", "AA=="), cache=dict(mark) if mark else None)
        tool = FunctionTool("f", cache=dict(mark) if mark else None)
        return chat(System((parts[0],)), User((*parts, document)), tools=(tool,))

    assert prefix_of(conversation(MARK)) == prefix_of(conversation(None))


def test_a_lone_surrogate_has_a_prefix_too() -> None:
    assert len(prefix_of(chat(User((Text("\ud800"),))))) == 32


# -- the order ---------------------------------------------------------------------------------------------------------


@given(WEIGHTS, PREFIXES)
def test_the_order_is_of_all_names_and_the_same_each_time(weights: dict[str, int], prefix: bytes) -> None:
    drawn = order(weights, prefix)
    assert sorted(drawn) == sorted(weights)
    assert drawn == order(dict(reversed(weights.items())), prefix)


@given(WEIGHTS, PREFIXES, st.data())
def test_to_remove_one_leaves_the_order_of_the_others(
    weights: dict[str, int], prefix: bytes, data: st.DataObject
) -> None:
    gone = data.draw(st.sampled_from(sorted(weights)))
    left = {name: weight for name, weight in weights.items() if name != gone}
    assert order(left, prefix) == [name for name in order(weights, prefix) if name != gone]


@given(WEIGHTS, PREFIXES)
def test_weight_0_comes_after_all_others(weights: dict[str, int], prefix: bytes) -> None:
    idle = [weights[name] == 0 for name in order(weights, prefix)]
    assert idle == sorted(idle)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 1, "b": 3, "c": 6}, {"one": 7, "two": 2, "idle": 0}])
def test_first_places_are_shared_by_weight(weights: dict[str, int]) -> None:
    """20 000 fixed prefixes: four standard deviations of a share are below 1.5 %."""
    count = 20_000
    firsts = Counter(order(weights, prefix)[0] for prefix in prefixes(count))
    whole = sum(weights.values())
    for name, weight in weights.items():
        assert firsts[name] / count == pytest.approx(weight / whole, abs=0.015)


def test_second_places_are_shared_by_weight_too_when_the_first_is_gone() -> None:
    weights = {"a": 8, "b": 1, "c": 3}
    seconds = Counter(drawn[1] for drawn in (order(weights, prefix) for prefix in prefixes(20_000)) if drawn[0] == "a")
    assert seconds["c"] / seconds.total() == pytest.approx(3 / 4, abs=0.02)


def test_a_heavier_endpoint_only_gains_conversations() -> None:
    for prefix in prefixes(2_000):
        if order({"a": 1, "b": 1, "c": 1}, prefix)[0] == "a":
            assert order({"a": 2, "b": 1, "c": 1}, prefix)[0] == "a"
