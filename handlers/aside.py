"""Work that takes the processor, done where it holds up no other request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_R = TypeVar("_R")

# Bytes that are read, written or put together in some 5 ms; other requests must not wait longer.
_INLINE: Final = 128 * 1024


async def aside(work: Callable[[], _R], size: int) -> _R:
    """What `work` gives or raises, from a thread where there is much of it. `size`: bytes."""
    return work() if size <= _INLINE else await asyncio.to_thread(work)
