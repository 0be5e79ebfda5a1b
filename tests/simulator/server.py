"""A loopback server: connections in, requests recorded, answers played out step by step."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from tests.simulator import http1
from tests.simulator.gate import Gate
from tests.simulator.ledger import Ledger, Seen
from tests.simulator.reply import Ending, Pace, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self


class Listener:
    """Serves one port of 127.0.0.1 for as long as its `async with` lasts; `answer` decides, this plays."""

    def __init__(
        self,
        name: str,
        answer: Callable[[Seen], Reply],
        *,
        ledger: Ledger | None = None,
        gate: Gate | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.name = name
        self.ledger = ledger or Ledger()
        self.gate = gate or Gate()
        self.pace = pace or Pace()
        self._answer = answer
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._bugs: list[BaseException] = []

    async def start(self, port: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._wire, "127.0.0.1", port)

    async def stop(self) -> None:
        """Ends every connection, hanging ones too, and leaves no task behind. Raises what an answer raised."""
        if self._server is None:
            return
        self._server.close()
        connections = tuple(self._connections)
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None
        if self._bugs:
            raise self._bugs[0]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def origin(self) -> str:
        """`http://127.0.0.1:port`."""
        if self._server is None:
            raise RuntimeError(f"the {self.name} listener is not running: use it inside its `async with`")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def _wire(self) -> http1.Wire:
        return http1.Wire(asyncio.StreamReader(), self._connected)

    def _connected(self, wire: http1.Wire, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._converse(wire, writer))
        self._connections.add(task)
        task.add_done_callback(self._disconnected)

    def _disconnected(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        if not task.cancelled() and (bug := task.exception()):
            self._bugs.append(bug)

    async def _converse(self, wire: http1.Wire, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await http1.read_request(wire.reader):
                if not await self._exchange(wire, writer, request):
                    break
            writer.close()
        except (http1.BadRequest, ConnectionError):
            writer.transport.abort()
        except BaseException:  # cancelled, or a bug in an answer: either way the peer must not wait
            writer.transport.abort()
            raise

    async def _exchange(self, wire: http1.Wire, writer: asyncio.StreamWriter, request: http1.Request) -> bool:
        """Answers one request. True when the connection can carry another."""
        seen = self.ledger.enter(self.name, request)
        playing = asyncio.current_task()
        assert playing is not None

        def gone() -> None:
            seen.mark_gone(time.monotonic())
            playing.cancel()  # whatever we wait for, a delay, a gate or a hang, nobody waits for us any more

        wire.on_gone = gone
        try:
            reply = self._answer(seen)
            return await _Player(self, seen, writer).play(reply)
        finally:
            wire.on_gone = None
            seen.mark_finished(time.monotonic())


class _Player:
    def __init__(self, listener: Listener, seen: Seen, writer: asyncio.StreamWriter) -> None:
        self._gate, self._pace = listener.gate, listener.pace
        self._seen, self._writer = seen, writer

    async def play(self, reply: Reply) -> bool:
        """True when the connection can carry another exchange."""
        if reply.head:
            await (self._stream(reply) if reply.streamed else self._whole(reply))
        match reply.ending:
            case Ending.CLEAN:
                return True
            case Ending.CUT:
                return False
            case Ending.RESET:
                http1.reset(self._writer)
                return False
            case Ending.HANG:
                self._seen.mark_hanging()
                await asyncio.get_running_loop().create_future()  # ends by cancellation: client gone, or server stopped
                return False

    async def _whole(self, reply: Reply) -> None:
        """A whole answer comes when its last token is there."""
        await self._pace.first()
        await self._pace.tokens(sum(piece.tokens for piece in reply.pieces) - 1)
        await self._gate.passed()
        await self._head(reply)
        await self._send(b"".join(piece.data for piece in reply.pieces))

    async def _stream(self, reply: Reply) -> None:
        if reply.pieces:
            await self._pace.first()
        await self._head(reply)
        for index, piece in enumerate(reply.pieces):
            await self._gate.passed()
            await self._pace.tokens(piece.tokens if index else 0)
            await self._send(http1.chunk(piece.data))
            self._seen.pieces_sent += 1
            await asyncio.sleep(0)  # one turn of the loop each, so that a peer on the same loop sees them apart
        if reply.ending is Ending.CLEAN:
            await self._send(http1.chunk(b""))

    async def _head(self, reply: Reply) -> None:
        self._seen.status = reply.status
        await self._send(http1.head(reply.status, reply.framed_headers()))

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
