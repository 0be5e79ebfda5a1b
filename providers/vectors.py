"""Vectors of float32, little-endian: what OpenAI calls `base64`, and what it writes as a list of numbers."""

from __future__ import annotations

import binascii
import math
import struct
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.jsonwalk import Json

_SIZE: Final = 4
# Significant digits: a decimal of six survives float32 and comes back, and nine tell any two float32 apart
# (IEEE 754-2019 §5.12.2).
_FEWEST_DIGITS: Final = 6
_MOST_DIGITS: Final = 9


class NoVector(ValueError):
    """It is no vector of finite numbers. The text never quotes it."""


def from_numbers(values: Json) -> bytes:
    """Raises `NoVector` for anything but a list of numbers that float32 can hold."""
    if not isinstance(values, list) or not values:
        raise NoVector("no list of numbers")
    try:
        return struct.pack(f"<{len(values)}f", *values)
    except (struct.error, OverflowError):
        raise NoVector("a list that holds something else than numbers") from None


def from_base64(text: str) -> bytes:
    """Raises `NoVector` for anything but whole, finite float32 numbers."""
    vector = _decoded(text)
    if not vector or len(vector) % _SIZE:
        raise NoVector("no whole number of float32")
    if not all(map(math.isfinite, numbers(vector))):
        raise NoVector("a number that is not finite")
    return vector


def from_int8(text: str) -> bytes:
    """Base64 of one signed byte a dimension, as numbers of the same value. Raises `NoVector`."""
    raw = _decoded(text)
    if not raw:
        raise NoVector("no bytes")
    return struct.pack(f"<{len(raw)}f", *struct.unpack(f"{len(raw)}b", raw))


def numbers(vector: bytes) -> tuple[float, ...]:
    return struct.unpack(f"<{len(vector) // _SIZE}f", vector)


def to_base64(vector: bytes) -> str:
    return b64encode(vector).decode("ascii")


def to_json(vector: bytes) -> str:
    """A JSON array of the shortest decimals that give the same float32 back, as a provider would have written them."""
    values = numbers(vector)
    words = _written(values, _FEWEST_DIGITS)
    for digits in range(_FEWEST_DIGITS + 1, _MOST_DIGITS + 1):
        wrong = [number for number, read in enumerate(_read(words)) if read != values[number]]
        if not wrong:
            break
        for number, word in zip(wrong, _written([values[number] for number in wrong], digits), strict=True):
            words[number] = word
    return f"[{','.join(words)}]"


def _written(values: Sequence[float], digits: int) -> list[str]:
    """All in one go, which is twice as quick as one by one."""
    return (f"%.{digits}g " * len(values) % tuple(values)).split()


def _read(words: Sequence[str]) -> tuple[float, ...]:
    return numbers(struct.pack(f"<{len(words)}f", *map(float, words)))


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoVector("no base64") from None
