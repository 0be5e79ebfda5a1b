"""What comes in pieces is what it would be, grown piece by piece."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.pieces import joined, members_joined

if TYPE_CHECKING:
    from providers.jsonwalk import Json

values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


def grown(first: Any, later: Any, *, objects: bool) -> Any:
    """The rule, one piece at a time."""
    match first, later:
        case (str(), str()) | (list(), list()):
            return first + later
        case dict(), dict() if objects:
            return {**first, **{k: grown(first[k], v, objects=True) if k in first else v for k, v in later.items()}}
        case _:
            return later


@given(st.lists(values, min_size=1, max_size=6), st.booleans())
def test_pieces_make_what_they_would_one_by_one(pieces: list[Json], objects: bool) -> None:
    assert joined(pieces, objects=objects) == reduce(lambda a, b: grown(a, b, objects=objects), pieces)


@given(st.lists(st.dictionaries(st.sampled_from("abc"), values, max_size=3), max_size=4))
def test_members_keep_the_place_where_they_began(pieces: list[dict[str, Json]]) -> None:
    begun: dict[str, None] = {}
    for piece in pieces:
        begun |= dict.fromkeys(piece)
    assert list(members_joined(pieces)) == list(begun)


@pytest.mark.parametrize("piece", ["x", ["x"], {"a": ["x"]}])
def test_a_hundred_thousand_pieces_are_read_once_each(piece: Json) -> None:
    """Grown one by one, these would copy gigabytes."""
    whole = joined([piece] * 100_000, objects=True)
    assert whole in ("x" * 100_000, ["x"] * 100_000, {"a": ["x"] * 100_000})
