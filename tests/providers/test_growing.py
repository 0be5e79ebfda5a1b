"""Pieces are joined in order, and each is copied a few times only, however many there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from providers.growing import Growing


@given(st.lists(st.text(max_size=3), min_size=1))
def test_the_whole_is_the_pieces_in_their_order_whenever_it_is_asked_for(pieces: list[str]) -> None:
    grown: Growing[str] = Growing(str.__add__)
    for count, piece in enumerate(pieces, 1):
        grown.add(piece)
        assert grown.whole() == "".join(pieces[:count])


def test_nothing_is_grown_of_no_pieces() -> None:
    assert Growing(str.__add__).whole() is None


def test_each_piece_is_copied_log_n_times() -> None:
    copied = 0

    def join(one: str, other: str) -> str:
        nonlocal copied
        copied += len(one) + len(other)
        return one + other

    grown: Growing[str] = Growing(join)
    for _ in range(1 << 12):
        grown.add("x")
    assert grown.whole() == "x" * (1 << 12)
    assert copied == 12 << 12
