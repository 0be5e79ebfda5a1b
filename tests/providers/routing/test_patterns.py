"""Names by pattern."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.routing.patterns import MayUse, is_literal, matches


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("gpt-4o", "gpt-4o", True),
        ("gpt-4o", "GPT-4o", True),
        ("gpt-4o", "gpt-4o-mini", False),
        ("gpt-4o", "x-gpt-4o", False),
        ("gpt-4*", "gpt-4o-mini", True),
        ("gpt-4*", "gpt-4", True),
        ("*mini", "gpt-4o-mini", True),
        ("gpt-?", "gpt-5", True),
        ("gpt-?", "gpt-", False),
        ("*", "anything/at all", True),
        ("", "gpt-4o", False),
        ("gpt.4", "gpt-4", False),
        ("a[bc]", "ab", False),
        ("a[bc]", "a[bc]", True),
    ],
)
def test_stars_and_question_marks_and_nothing_else_stand_for_others(pattern: str, name: str, *, covered: bool) -> None:
    assert matches(name, ("never", pattern)) is covered


@given(st.text(max_size=50))
def test_a_literal_name_covers_itself_alone(name: str) -> None:
    literal = name.replace("*", "-").replace("?", "-")
    assert is_literal(literal)
    assert matches(literal, (literal,))
    assert not matches(f"{literal}x", (literal,))


def test_a_pattern_of_many_stars_is_decided_soon() -> None:
    assert not matches("a" * 2000, ("*" * 1000 + "b",))


def test_no_pattern_allows_everything_and_one_allows_nothing_else() -> None:
    assert MayUse().model("gpt-4o")
    assert MayUse().provider("openai")
    key = MayUse(models=("gpt-*",), providers=("openai",))
    assert key.model("smart", "gpt-4o")
    assert not key.model("claude-opus-4-1")
    assert key.provider("openai")
    assert not key.provider("azure")
