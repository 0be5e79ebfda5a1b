"""Embeddings to bytes and back, for the cache.

Version 1 is `1`, the length of the head as four bytes, big-endian, the head as JSON, and what it tells of: one float32
vector after the other, or, where `body` is true, the provider's own answer, byte for byte.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeAlias

from providers.embedding import Embeddings
from providers.jsonwalk import dump
from providers.usage import Usage

VERSION: Final = "embeddings-1"

_MARK: Final = b"1"
_LENGTH: Final = struct.Struct(">I")
_BUCKETS: Final = tuple(each.name for each in fields(Usage))


@dataclass(frozen=True, slots=True)
class Verbatim:
    """An answer that holds something else than vectors of floats; whoever asks the same is told the same."""

    body: bytes = field(repr=False)


Stored: TypeAlias = Embeddings | Verbatim


class UnreadableEmbeddings(ValueError):
    """The bytes were not written by `encode` of a version that this release reads."""


def encode(answer: Stored) -> bytes:
    if isinstance(answer, Verbatim):
        return _framed({"body": True}, answer.body)
    head = {
        "model": answer.model,
        "usage": None if answer.usage is None else _counts(answer.usage),
        "fields": answer.fields,
        "sizes": [len(vector) for vector in answer.vectors],
    }
    return _framed(head, b"".join(answer.vectors))


def decode(stored: bytes) -> Stored:
    """Raises `UnreadableEmbeddings`: to the caller of a cache that is a miss, not a failure."""
    if not stored.startswith(_MARK):
        raise UnreadableEmbeddings("an unknown version")
    start = len(_MARK) + _LENGTH.size
    try:
        end = start + _LENGTH.unpack_from(stored, len(_MARK))[0]
        head: dict[str, Any] = json.loads(stored[start:end])
        if head.get("body"):
            return Verbatim(stored[end:])
        vectors = _cut(stored[end:], head["sizes"])
        usage = None if head["usage"] is None else Usage(**head["usage"])
        return Embeddings(vectors, head["model"], usage, head["fields"])
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as fault:
        raise UnreadableEmbeddings(type(fault).__name__) from None


def _framed(head: Any, rest: bytes) -> bytes:
    text = dump(head)
    return _MARK + _LENGTH.pack(len(text)) + text + rest


def _counts(usage: Usage) -> dict[str, Any]:
    return {name: value for name in _BUCKETS if (value := getattr(usage, name)) is not None}


def _cut(data: bytes, sizes: list[int]) -> tuple[bytes, ...]:
    if sum(sizes) != len(data):
        raise ValueError("another length than it says")
    vectors, at = [], 0
    for size in sizes:
        vectors.append(data[at : at + size])
        at += size
    return tuple(vectors)
