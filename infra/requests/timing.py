"""Where a request's time goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Waits:
    """Time spent in waiting for somebody: `with waits: await …`. Waits that overlap count once."""

    __slots__ = ("_depth", "_since", "_tick", "_total")

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._depth = 0
        self._since = 0.0
        self._total = 0.0

    def __enter__(self) -> None:
        if self._depth == 0:
            self._since = self._tick()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0:
            self._total += self._tick() - self._since

    @property
    def ms(self) -> float:
        """Milliseconds, one under way included."""
        under_way = self._tick() - self._since if self._depth else 0.0
        return round((self._total + under_way) * 1000, 2)


class Timing:
    """Of one request. `tick`: seconds of a clock that never goes back; `upstream`, `client`: waits for these."""

    __slots__ = ("_began", "_tick", "client", "upstream")

    def __init__(self, tick: Callable[[], float]) -> None:
        self._tick = tick
        self._began = tick()
        self.upstream = Waits(tick)
        self.client = Waits(tick)

    @property
    def ms(self) -> float:
        """Milliseconds since the request began."""
        return round((self._tick() - self._began) * 1000, 2)

    @property
    def ours(self) -> float:
        """What of it nobody else is to blame for."""
        return max(0.0, round(self.ms - self.upstream.ms - self.client.ms, 2))
