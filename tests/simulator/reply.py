"""An answer as the server will play it out: all of it is decided before the first byte leaves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulator.http1 import Headers


class Ending(Enum):
    CLEAN = "clean"
    HANG = "hang"
    CUT = "cut"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that leave together: a chunk of a chunked body. `tokens` is what the model took its time for."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: Headers
    pieces: tuple[Piece, ...]
    streamed: bool
    """Chunked, piece by piece; otherwise one body with a content-length."""
    ending: Ending = Ending.CLEAN
    head: bool = True
    """False: not even the status line is sent."""
    promised: int | None = None
    """The content-length to announce when it is not that of `pieces`, for a body that is cut short."""

    def framed_headers(self) -> Headers:
        if self.streamed:
            return (*self.headers, ("transfer-encoding", "chunked"))
        length = sum(len(piece.data) for piece in self.pieces) if self.promised is None else self.promised
        return (*self.headers, ("content-length", str(length)))


@dataclass(slots=True)
class Pace:
    """How long the model takes for its first token and for each one after it. May be changed while it runs."""

    first_token_ms: float = 0.0
    per_token_ms: float = 0.0

    async def first(self) -> None:
        await _sleep(self.first_token_ms)

    async def tokens(self, count: int) -> None:
        await _sleep(self.per_token_ms * count)


async def _sleep(milliseconds: float) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)
