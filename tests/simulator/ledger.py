"""What the server saw: every request, when it came, how it was answered and whether the client stayed to the end."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.simulator.news import News

if TYPE_CHECKING:
    from tests.simulator.http1 import Request


@dataclass(slots=True)
class Seen:
    """One request, filled in while it is answered. Times are `time.monotonic()` seconds. Its repr holds no secret."""

    number: int
    provider: str
    request: Request
    arrived_at: float
    status: int | None = None
    pieces_sent: int = 0
    finished_at: float | None = None
    client_gone_at: float | None = None
    """Set when the client left before the answer was complete."""
    _finished: asyncio.Event = field(default_factory=asyncio.Event, repr=False)
    _hanging: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def headers(self) -> dict[str, str]:
        """By lower-case name; the last of a repeated header wins (`request.headers` has them all, in order)."""
        return {name.lower(): value for name, value in self.request.headers}

    @property
    def body(self) -> bytes:
        return self.request.body

    @property
    def json(self) -> Any:
        return json.loads(self.request.body)

    @property
    def client_gone(self) -> bool:
        return self.client_gone_at is not None

    async def finished(self) -> Seen:
        """Waits until nothing more will be sent: the answer is complete, cut short, or its client is gone."""
        await self._finished.wait()
        return self

    async def hanging(self) -> Seen:
        """Waits until the answer hangs, as a fault asked it to."""
        await self._hanging.wait()
        return self

    def mark_gone(self, now: float) -> None:
        self.client_gone_at = self.client_gone_at or now

    def mark_finished(self, now: float) -> None:
        self.finished_at = now
        self._finished.set()

    def mark_hanging(self) -> None:
        self._hanging.set()


class Ledger:
    """Every request of every provider, in order of arrival."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self._numbers = 0
        self._news = News()

    def enter(self, provider: str, request: Request) -> Seen:
        self._numbers += 1
        seen = Seen(self._numbers, provider, request, time.monotonic())
        self.requests.append(seen)
        self._news.tell()
        return seen

    def of(self, provider: str | None) -> list[Seen]:
        return [seen for seen in self.requests if provider is None or seen.provider == provider]

    def forget(self) -> None:
        """Empties the list; the numbers go on, so that ids stay unique."""
        self.requests.clear()

    async def at_least(self, count: int, provider: str | None = None) -> list[Seen]:
        await self._news.until(lambda: len(self.of(provider)) >= count)
        return self.of(provider)
