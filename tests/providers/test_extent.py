"""Where a JSON object that comes in pieces ends."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.extent import Extent

texts = st.text(st.sampled_from('{}[]"\\ax'), max_size=6)
values = st.recursive(
    texts | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=6,
)


@given(st.dictionaries(texts, values, max_size=3), st.lists(st.integers(0, 80), max_size=5), st.booleans())
def test_an_object_is_closed_with_its_last_bracket_and_not_before(
    value: dict[str, Any], places: list[int], spaced: bool
) -> None:
    written = f" {json.dumps(value)} " if spaced else json.dumps(value)
    extent, end = Extent(), written.rindex("}") + 1
    for start, stop in pairwise(sorted({0, *(place % len(written) for place in places), len(written)})):
        assert extent.closed is (start >= end)
        extent.add(written[start:stop])
    assert extent.closed


@pytest.mark.parametrize("written", ["", " ", "1", '"{}"', "[{}]", "x{}", "null", '{"a": "}', '{"a": [}', "{"])
def test_what_is_no_object_or_no_whole_one_is_never_closed(written: str) -> None:
    extent = Extent()
    for character in written:
        extent.add(character)
    assert not extent.closed


def test_what_comes_behind_the_end_changes_nothing() -> None:
    extent = Extent()
    extent.add("{} ")
    extent.add('{"')
    extent.add("x")
    assert extent.closed
