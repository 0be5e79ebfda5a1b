"""Where a request's record goes when its last byte is out: the stores and exporters first, then the log's own line."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handlers.record import RequestLog
    from infra.requests.record import RequestRecord
    from infra.requests.sink import Sink

# Seconds. A sandbox must not be held by a store that hangs, with the client's answer long out.
PATIENCE: Final = 5.0
# Our runtime loop gives a call that it has cancelled 0.4 s (infra/runtime/loop.py).
HURRY: Final = 0.2


class Journal:
    """`sinks` by name. Nothing here fails a request: what a sink did not take, the line says (`unkept`)."""

    def __init__(self, line: RequestLog, sinks: Mapping[str, Sink] | None = None, patience: float = PATIENCE) -> None:
        self._line = line
        self._sinks = dict(sinks or {})
        self._patience = patience

    async def keep(self, record: RequestRecord, *, hurried: bool = False) -> None:
        """Raises nothing but cancellation, and then the line is written too. `hurried`: whoever runs this process is
        about to end it.
        """
        patience = min(self._patience, HURRY) if hurried else self._patience
        taken: set[str] = set()

        async def keep_in(name: str, sink: Sink) -> None:
            # Whatever goes wrong there, the answer is out.
            with suppress(Exception):
                async with asyncio.timeout(patience):
                    await sink.keep(record)
                taken.add(name)

        try:
            if self._sinks:
                await asyncio.gather(*(keep_in(name, sink) for name, sink in self._sinks.items()))
        finally:
            record.unkept = tuple(name for name in self._sinks if name not in taken)
            with suppress(Exception):  # a closed pipe or a terminal that cannot show a letter is no client's trouble
                self._line.write(record)

    async def close(self) -> None:
        for sink in self._sinks.values():
            await sink.close()
