from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.requests.ids import began_at, new_request_id

TEN = st.binary(min_size=10, max_size=10)
TIMES = st.floats(min_value=0, max_value=2**47 / 1000)


@given(TIMES, TEN)
def test_an_id_is_a_uuid_of_version_7_that_tells_the_time(now: float, random: bytes) -> None:
    text = new_request_id(now, random)
    read = uuid.UUID(hex=text)
    assert (read.hex, read.version, read.variant) == (text, 7, uuid.RFC_4122)
    assert began_at(text) == int(now * 1000) / 1000


@given(TIMES, TIMES, TEN, TEN)
def test_ids_sort_by_time(one: float, other: float, random: bytes, more: bytes) -> None:
    first, second = sorted((one, other))
    if int(first * 1000) < int(second * 1000):
        assert new_request_id(first, random) < new_request_id(second, more)


def test_two_of_the_same_moment_differ_by_chance_in_every_other_bit() -> None:
    none, every = new_request_id(1.0, bytes(10)), new_request_id(1.0, b"\xff" * 10)
    assert (int(none, 16) ^ int(every, 16)).bit_count() == 80 - 4 - 2


@pytest.mark.parametrize("text", ["", "x" * 32, "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "\n"])
def test_what_is_no_id_tells_no_time(text: str) -> None:
    assert began_at(text) is None
