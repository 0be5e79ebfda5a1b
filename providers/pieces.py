"""Putting together what came in pieces, once, at its end; and text cut into such again.

To grow a string or a list by each piece is quadratic, and how many pieces there are the provider decides.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.jsonwalk import Json, JsonObject


def joined(pieces: list[Json], *, objects: bool = False) -> Json:
    """Strings and lists grow, and `objects` too, member by member; of all else the last piece is the value.

    A piece of another type than those before it begins anew.
    """
    last = pieces[-1]
    first = len(pieces)
    while first and type(pieces[first - 1]) is type(last):
        first -= 1
    grown = pieces[first:]
    if isinstance(last, str):
        return "".join(piece for piece in grown if isinstance(piece, str))
    if isinstance(last, list):
        return list(chain.from_iterable(piece for piece in grown if isinstance(piece, list)))
    if objects and isinstance(last, dict):
        return members_joined((piece for piece in grown if isinstance(piece, dict)), objects=True)
    return last


def members_joined(pieces: Iterable[JsonObject], *, objects: bool = False) -> JsonObject:
    """One object of these: each member is what its pieces make, and stands where its first one came."""
    members: dict[str, list[Json]] = {}
    for piece in pieces:
        for name, value in piece.items():
            members.setdefault(name, []).append(value)
    return {name: joined(values, objects=objects) for name, values in members.items()}


# A replayed whole answer reads like a stream at about a model's own granularity, without a chunk per letter.
_PIECE = 24


def text_pieces(text: str) -> list[str]:
    """`text` cut after a space near every 24th character; always at least one piece, even of an empty text."""
    pieces: list[str] = []
    start = 0
    while len(text) - start > _PIECE:
        space = text.find(" ", start + _PIECE // 2, start + _PIECE)
        end = space + 1 if space >= 0 else start + _PIECE
        pieces.append(text[start:end])
        start = end
    return [*pieces, text[start:]]
