"""Access tokens, kept until shortly before they end: in memory only, under a hash of what they were made of."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

from providers.errors import UpstreamDown

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# A token must outlive the request that bears it as far as its provider's front door; both issuers say five minutes.
_AHEAD: Final = 300.0
# Callers may present credentials of their own, any number of them.
_MOST: Final = 256


@dataclass(frozen=True, slots=True)
class Token:
    """`renew_at` and `expires_at` in epoch seconds."""

    value: str = field(repr=False)
    renew_at: float
    expires_at: float

    @classmethod
    def lasting(cls, value: str, seconds: float, *, now: float) -> Token:
        """A short-lived one is renewed half-way."""
        return cls(value, now + max(seconds - _AHEAD, seconds / 2), now + seconds)


class TokenCache:
    """One exchange at a time for each key; whoever comes in between waits for it. `clock` gives epoch seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[bytes, Token] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[Token]] = {}

    async def get(self, key: bytes, fetch: Callable[[], Awaitable[Token]]) -> str:
        """Raises what `fetch` raises; while its issuer is out, a token that still holds goes on being used."""
        held = self._kept.get(key)
        if held is not None and self._clock() < held.renew_at:
            self._kept.move_to_end(key)
            return held.value
        try:
            token = await asyncio.shield(self._exchange(key, fetch))
        except UpstreamDown:
            if held is None or self._clock() >= held.expires_at:
                raise
            return held.value
        return token.value

    def forget(self, key: bytes, value: str) -> None:
        """The token was refused: the next request gets another one, unless there is another one already."""
        held = self._kept.get(key)
        if held is not None and held.value == value:
            del self._kept[key]

    def _exchange(self, key: bytes, fetch: Callable[[], Awaitable[Token]]) -> asyncio.Task[Token]:
        """A task of its own, so that a waiter who leaves does not take it away from the others."""
        loop = asyncio.get_running_loop()
        task = self._under_way.get(key)
        # Buffered under Mangum, an invocation may come with another loop; the old one's tasks never end.
        if task is None or task.get_loop() is not loop:
            task = self._under_way[key] = loop.create_task(self._fetched(key, fetch))
            task.add_done_callback(partial(self._ended, key))
        return task

    async def _fetched(self, key: bytes, fetch: Callable[[], Awaitable[Token]]) -> Token:
        token = self._kept[key] = await fetch()
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return token

    def _ended(self, key: bytes, task: asyncio.Task[Token]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # asked for, so that asyncio does not print one that every waiter had left
