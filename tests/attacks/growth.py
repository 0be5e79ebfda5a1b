"""How work grows with what a provider sends, told without a clock on the wall."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS: Final = 10

LINEAR: Final = 2.0
"""Above what is measured where the work is linear, and below what square work comes to at the sizes of the tests."""


def growth(prepared: Callable[[int], Callable[[], object]], many: int) -> float:
    """The CPU time of one answer of `many` parts by that of ten answers of a tenth of it, taken side by side.

    `prepared(n)`: the work on an answer of `n` parts, all of it made ready. About 1 where the work is linear, whatever
    the machine and whoever traces it; towards 10 where it is square.
    """
    small, large = [prepared(many // PARTS) for _ in range(PARTS)], prepared(many)
    gc.collect()
    gc.disable()  # what it does depends on what all the other tests have left behind
    try:
        begun = time.process_time()
        for work in small:
            work()
        between = time.process_time()
        large()
        return (time.process_time() - between) / (between - begun)
    finally:
        gc.enable()
