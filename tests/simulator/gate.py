"""A gate in front of every piece of an answer, so that a test steps a stream without sleeping."""

from __future__ import annotations

from tests.simulator.news import News


class Gate:
    """Open unless held. Held, it lets as many pieces through as `step` allows and keeps the others waiting."""

    def __init__(self) -> None:
        self._held = False
        self._permits = 0
        self._waiting = 0
        self._news = News()

    def hold(self) -> None:
        """From now on nothing passes but what `step` lets through. Heads pass: a held stream has its status already."""
        self._held, self._permits = True, 0

    def release(self) -> None:
        self._held, self._permits = False, 0
        self._news.tell()

    def allow(self, pieces: int) -> None:
        self._permits += pieces
        self._news.tell()

    async def step(self, pieces: int = 1) -> None:
        """Lets `pieces` more through, and returns when they are on their way."""
        self.allow(pieces)
        await self._news.until(lambda: self._permits == 0)

    async def reached(self, answers: int = 1) -> None:
        """Returns when at least `answers` answers stand at the gate."""
        await self._news.until(lambda: self._waiting >= answers)

    async def passed(self) -> None:
        """Awaited by the server before each piece."""
        if not self._held:
            return
        self._waiting += 1
        self._news.tell()
        try:
            await self._news.until(lambda: self._permits > 0 or not self._held)
        finally:
            self._waiting -= 1
        self._permits = max(0, self._permits - 1)
        self._news.tell()
