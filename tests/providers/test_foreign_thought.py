"""Thinking of other makers, under Anthropic's names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import Reasoning
from providers.foreign_thought import MARK, is_marked, marked, read_mark

words = st.text(max_size=20)


@given(words, words, words, words, words)
def test_a_mark_gives_back_what_it_was_made_of(text: str, signature: str, data: str, maker: str, block_id: str) -> None:
    mark = marked(signature, data, maker, block_id)
    assert is_marked(mark)
    assert read_mark(mark, text) == Reasoning(text, signature, data, maker, block_id)


@pytest.mark.parametrize("sealed", ["", "EqQBCgIYAg==", MARK, MARK + "!!", MARK + "W10=", MARK + "WzEsMiwzLDRd"])
def test_what_is_not_ours_or_was_cut_is_not_read(sealed: str) -> None:
    assert read_mark(sealed, "x") is None


def test_only_text_can_be_marked() -> None:
    assert not is_marked(None)
    assert not is_marked(7)
