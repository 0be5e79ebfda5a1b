"""Answers on their way to the client, as ASGI messages.

A streamed answer's status line is held back until the first meaningful piece, so that a failure before it is still an
honest status; after it, a failure is an error frame in the caller's dialect and never a normal end.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from providers.errors import UpstreamError
from providers.events import Failed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping

    from starlette.types import Send

    from infra.settings import Timeouts
    from providers.errors import SabirError
    from providers.events import Event

_PING = b": ping\n\n"

# What a client would not notice waits for what it would. A provider that sends nothing else must not fill the memory.
MOST_HELD = 64 * 1024


class Piece(NamedTuple):
    """Bytes for the client. `meaningful`: the client would notice them, so the status is decided."""

    data: bytes
    meaningful: bool


async def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Whole:
    """`after` is run when the last byte has gone."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    after: Callable[[], Awaitable[None]] = _nothing

    def told(self) -> bytes:
        """For the content log, as `Streamed.told`."""
        return self.body

    async def send(self, send: Send, request_id: str) -> None:
        headers = {**self.headers, "x-request-id": request_id, "content-length": str(len(self.body))}
        await _start(send, self.status, headers)
        await send({"type": "http.response.body", "body": self.body})


@dataclass(frozen=True, slots=True)
class Streamed:
    """`pieces` raise `SabirError` where the provider fails. `after` is run when the last byte has gone.

    `headers` may grow until the first piece is there: a provider's own join them. `encode`: an event's frames, as the
    answer that is under way would have them. `told()`: the answer as a whole one of the same dialect, as far as it has
    come, and empty where nothing has; None where it was too much to hold.
    """

    headers: Mapping[str, str]
    pieces: AsyncGenerator[Piece, None]
    content_type: str
    encode: Callable[[Event], bytes]
    timeouts: Timeouts
    after: Callable[[], Awaitable[None]] = field(default=_nothing)
    told: Callable[[], bytes | None] = field(default=lambda: None)

    async def send(self, send: Send, request_id: str) -> SabirError | None:
        """The failure that the client was told of inside the stream, if any.

        Raises what `pieces` raise as long as nothing has been sent, and a bug of ours even then.
        """
        fixed = {"content-type": self.content_type, "x-request-id": request_id, "x-accel-buffering": "no"}
        line = _Line(send, self.headers, fixed)
        failure: UpstreamError | None = None
        keeper = _Keeper(line, self.timeouts)
        try:
            await self._relay(line)
        except Exception as fault:
            if not line.open:
                raise
            failure = fault if isinstance(fault, UpstreamError) else _bug()
            await line.write(self.encode(Failed(failure)))
            if failure is not fault:
                await line.end()
                raise
        finally:
            keeper.stop()
            await self.pieces.aclose()
        await line.end()
        return failure

    async def _relay(self, line: _Line) -> None:
        held: list[bytes] = []
        size = 0
        async for piece in self.pieces:
            held.append(piece.data)
            size += len(piece.data)
            if piece.meaningful or line.open or size > MOST_HELD:
                await line.begin()
                await line.write(b"".join(held))
                held.clear()
                size = 0
        # Every way to a clean end has a meaningful piece: the dialect's end marker.


class _Line:
    """The response under way. Two write to it, the relay and the keeper, whole frames each and never at once."""

    def __init__(self, send: Send, headers: Mapping[str, str], fixed: Mapping[str, str]) -> None:
        self._send = send
        self._headers = headers
        self._fixed = fixed
        self._turn = asyncio.Lock()
        self.open = False
        self.written = 0

    async def begin(self) -> None:
        if not self.open:
            self.open = True
            async with self._turn:
                await _start(self._send, 200, {**self._headers, **self._fixed})

    async def write(self, data: bytes) -> None:
        if data:
            self.written += 1
            async with self._turn:
                await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        async with self._turn:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class _Keeper:
    """Keeps the line alive while a model thinks: commits to 200 after a while, then fills each silence with a comment.

    A timer, not a task: nearly every answer is over before it is due, and costs nothing but its making.
    """

    def __init__(self, line: _Line, timeouts: Timeouts) -> None:
        self._line = line
        self._ping = timeouts.ping
        self._seen = -1
        self._task: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(timeouts.first_event, self._due)

    def stop(self) -> None:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()

    def _due(self) -> None:
        if self._task is not None and not self._task.done():
            pass  # the client does not read: it waits for nothing
        elif self._line.written != self._seen or not self._line.open:
            self._seen = self._line.written
            self._task = None if self._line.open else self._begun(self._line.begin())
        else:
            self._seen += 1
            self._task = self._begun(self._line.write(_PING))
        self._timer = self._loop.call_later(self._ping, self._due)

    def _begun(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._loop.create_task(work)
        task.add_done_callback(_looked_at)
        return task


def _looked_at(task: asyncio.Task[None]) -> None:
    """The relay meets the same broken line, and is asked; of a task that nobody asks asyncio prints the traceback."""
    if not task.cancelled():
        task.exception()


def _bug() -> UpstreamError:
    return UpstreamError("Sabir failed in the middle of this answer.", type="server_error", code="internal_error")


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    raw = [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
