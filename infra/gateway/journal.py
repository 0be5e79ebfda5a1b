"""What happened in which order, so that a test can ask instead of sleeping."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Moment(StrEnum):
    """``NEXT_ASKED`` is a sandbox's; the others but the sandbox's own beginning and end belong to a request."""

    SANDBOX_STARTED = "sandbox started"
    SANDBOX_EXITED = "sandbox exited"
    INIT_FAILED = "init failed"
    RESTORED = "restored"
    NEXT_ASKED = "next asked"
    EVENT_GIVEN = "event given"
    FIRST_BYTE_OUT = "first byte out"
    LAST_BYTE_OUT = "last byte out"
    CLIENT_GONE = "client gone"
    ANSWER_ENDED = "answer ended"
    ANSWER_CUT = "answer cut"
    ERROR_POSTED = "error posted"
    TIMED_OUT = "timed out"


@dataclass(frozen=True, slots=True)
class Entry:
    """``at`` is monotonic seconds; ``detail`` names an error's type."""

    moment: Moment
    sandbox: int | None
    request_id: str | None
    at: float
    detail: str = ""


class Journal:
    """Entries in the order in which they happened, and a way to wait for one."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._grown = asyncio.Event()

    def note(
        self, moment: Moment, *, sandbox: int | None = None, request_id: str | None = None, detail: str = ""
    ) -> None:
        self.entries.append(Entry(moment, sandbox, request_id, time.monotonic(), detail))
        self._grown.set()
        self._grown = asyncio.Event()

    def of(self, moment: Moment, *, sandbox: int | None = None) -> list[Entry]:
        """All entries of that kind so far, of one sandbox or of all."""
        return [e for e in self.entries if e.moment is moment and sandbox in {None, e.sandbox}]

    async def follow(self) -> AsyncIterator[Entry]:
        """All entries, those to come included; has no end."""
        at = 0
        while True:
            while at < len(self.entries):
                yield self.entries[at]
                at += 1
            await self._grown.wait()

    async def seen(self, moment: Moment, *, times: int = 1, sandbox: int | None = None) -> Entry:
        """Waits until there are that many, and gives the last of them."""
        while len(found := self.of(moment, sandbox=sandbox)) < times:
            await self._grown.wait()
        return found[times - 1]
