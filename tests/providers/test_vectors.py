from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import vectors
from providers.vectors import NoVector

singles = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=8)


@given(singles)
def test_numbers_come_back_from_either_form(values: list[float]) -> None:
    vector = vectors.from_numbers(list(values))
    assert vectors.numbers(vector) == tuple(values)
    read = vectors.from_numbers(json.loads(vectors.to_json(vector)))
    assert vectors.numbers(read) == tuple(values)  # but for the sign of a zero, which JSON's readers drop
    assert vectors.from_base64(vectors.to_base64(vector)) == vector


@given(st.lists(st.integers(-999_999, 999_999).map(lambda number: number / 10_000_000), min_size=1, max_size=8))
def test_a_decimal_of_six_digits_is_written_as_it_was_read(values: list[float]) -> None:
    assert json.loads(vectors.to_json(vectors.from_numbers(list(values)))) == values


def test_the_longest_and_the_least_number_are_written() -> None:
    most = struct.unpack("<f", b"\xff\xff\x7f\x7f")[0]
    least = struct.unpack("<f", b"\x01\x00\x00\x00")[0]
    text = vectors.to_json(vectors.from_numbers([most, least, 1, -2.5, 0.1]))
    assert text.startswith("[3.4028235e+38,1.")
    assert text.endswith(",1,-2.5,0.1]")


def test_base64_is_little_endian_float32() -> None:
    assert vectors.to_base64(vectors.from_numbers([1.0, -2.0])) == "AACAPwAAAMA="


def test_int8_keeps_its_values() -> None:
    assert vectors.numbers(vectors.from_int8("AH+A/w==")) == (0.0, 127.0, -128.0, -1.0)


@pytest.mark.parametrize("value", [None, "x", [], {}, ["1"], [None], [[1]], [1e39], [10**400]])
def test_what_is_no_list_of_numbers_is_no_vector(value: object) -> None:
    with pytest.raises(NoVector):
        vectors.from_numbers(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "?", "AAAA", "AACAPw", "ä", "AACAfw=="])
def test_what_is_no_base64_of_float32_is_no_vector(text: str) -> None:
    with pytest.raises(NoVector):
        vectors.from_base64(text)


@pytest.mark.parametrize("text", ["", "?"])
def test_what_is_no_base64_is_no_int8(text: str) -> None:
    with pytest.raises(NoVector):
        vectors.from_int8(text)
