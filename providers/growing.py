"""What is put together from pieces whose number the provider decides."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Of = TypeVar("_Of")


class Growing(Generic[_Of]):
    """Pieces, joined in their order. `join` makes a new value of two, and may not mind which neighbours go first.

    To join each piece to all that came before copies everything every time. Here equals are joined: runs of one piece,
    of two, of four, so that of n pieces each is copied log n times.
    """

    __slots__ = ("_join", "_runs")

    def __init__(self, join: Callable[[_Of, _Of], _Of]) -> None:
        self._join = join
        self._runs: list[tuple[int, _Of]] = []

    def add(self, piece: _Of) -> None:
        count = 1
        while self._runs and self._runs[-1][0] == count:
            piece = self._join(self._runs.pop()[1], piece)
            count *= 2
        self._runs.append((count, piece))

    def whole(self) -> _Of | None:
        """Of all pieces so far; None where there were none."""
        return reduce(self._join, [run for _, run in self._runs]) if self._runs else None
