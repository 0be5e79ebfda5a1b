"""The Lambda Runtime API for one sandbox (AWS Lambda developer guide, "runtimes-api").

Raw streams, as no HTTP server that is at hand reports the trailers of a request.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infra.gateway.answer import Broken
from infra.gateway.journal import Journal, Moment
from infra.gateway.posts import DiscardedPost, ErrorPost, Post, Refusal, ResponsePost
from infra.runtime.api import PREFIX
from infra.runtime.framing import Data, End, Event, FramingError, Head, MessageReader, write_head

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.gateway.limits import Limits
    from infra.gateway.ticket import Ticket

READ_SIZE = 256 * 1024
FUNCTION_ARN = "arn:aws:lambda:local:000000000000:function:sabir"


@dataclass(slots=True)
class RuntimeApiServer:
    """Listens on a port of its own, which is what tells sandboxes apart.

    ``on_timeout`` is called when an invocation outlives the function's timeout: Lambda kills the sandbox then.
    """

    sandbox: int
    tickets: asyncio.Queue[Ticket]
    journal: Journal
    limits: Limits
    streaming: bool
    on_timeout: Callable[[], None] = lambda: None
    ready: bool = field(default=False, init=False)
    _in_hand: dict[str, Ticket] = field(default_factory=dict, init=False)
    _timers: dict[str, asyncio.TimerHandle] = field(default_factory=dict, init=False)
    _connections: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _server: asyncio.Server | None = field(default=None, init=False)

    async def start(self) -> str:
        """The address for ``AWS_LAMBDA_RUNTIME_API``."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=READ_SIZE)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        for timer in self._timers.values():
            timer.cancel()

    async def abandon(self, reason: str) -> None:
        """The sandbox is gone: whatever it had in hand gets no answer any more."""
        self.ready = False
        for ticket in list(self._in_hand.values()):
            await self.give_up(ticket, Broken(reason))
        self._retire_all()

    async def give_up(self, ticket: Ticket, broken: Broken) -> None:
        """Ends the answer with an error, once: what comes later for this request is refused."""
        if self._in_hand.pop(ticket.request_id, None) is not None:
            self.journal.note(
                Moment.ANSWER_CUT, sandbox=self.sandbox, request_id=ticket.request_id, detail=broken.error_type
            )
            await ticket.parts.put(broken)

    async def take(self) -> Ticket:
        """The next request, now this sandbox's."""
        ticket = await self.tickets.get()
        ticket.deadline = time.time() + self.limits.function
        self._in_hand[ticket.request_id] = ticket
        self._timers[ticket.request_id] = asyncio.get_running_loop().call_later(
            self.limits.function, self._time_out, ticket
        )
        return ticket

    def begin(self, head: Head) -> Post | None:
        """What to do with the body that follows; None where an event is asked for."""
        method, target = head.start[0], head.start[1].removeprefix(PREFIX)
        match method, target.strip("/").split("/"):
            case "GET", ["invocation", "next"]:
                return None
            case "POST", ["invocation", request_id, "response"] if ticket := self._in_hand.get(request_id):
                return ResponsePost(self, ticket, head)
            case "POST", ["invocation", request_id, "error"] if ticket := self._in_hand.get(request_id):
                return ErrorPost(self, head, ticket)
            case "POST", ["init" | "restore", "error"]:
                return ErrorPost(self, head, None)
            case "GET", ["restore", "next"]:
                self.journal.note(Moment.RESTORED, sandbox=self.sandbox)
                return DiscardedPost(200)
            case _:
                # An answer to a request that is not in hand, or has its answer: 400, as the real one says.
                return DiscardedPost(400)

    def finished(self, ticket: Ticket) -> None:
        """The answer is whole; the invocation goes on until the sandbox asks for the next."""
        self._in_hand.pop(ticket.request_id, None)

    def next_asked(self) -> None:
        self.ready = True
        self.journal.note(Moment.NEXT_ASKED, sandbox=self.sandbox)
        for request_id in [known for known in self._timers if known not in self._in_hand]:
            self._timers.pop(request_id).cancel()

    def _retire_all(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _time_out(self, ticket: Ticket) -> None:
        self.journal.note(Moment.TIMED_OUT, sandbox=self.sandbox, request_id=ticket.request_id)
        self._timers.pop(ticket.request_id, None)
        self.on_timeout()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        connection = _Connection(self, reader, writer)
        try:
            await connection.serve()
        except (OSError, FramingError, asyncio.CancelledError):
            # Nobody waits for this task, and Python 3.11's streams report a cancelled one as an error.
            pass
        finally:
            writer.close()
            await connection.lost()


@dataclass(slots=True)
class _Connection:
    server: RuntimeApiServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    messages: MessageReader = field(default_factory=MessageReader)
    post: Post | None = None

    async def serve(self) -> None:
        while data := await self.reader.read(READ_SIZE):
            for event in self.messages.feed(data):
                await self._handle(event)

    async def lost(self) -> None:
        """A connection that breaks within an answer breaks the answer."""
        if isinstance(self.post, ResponsePost):
            await self.server.give_up(self.post.ticket, Broken("Runtime.ConnectionLost"))

    async def _handle(self, event: Event) -> None:
        match event:
            case Head():
                self.post = self.server.begin(event)
            case Data() if self.post is not None:
                await self.post.data(event.content)
            case End() if self.post is not None:
                post, self.post = self.post, None
                await self._reply(await post.end(event.trailers), [], b"")
            case End():
                await self._give_event()
            case _:
                raise FramingError("a request for the next event has a body")

    async def _give_event(self) -> None:
        self.server.next_asked()
        ticket = await self._ticket_or_hang_up()
        fields = [
            ("Content-Type", "application/json"),
            ("Lambda-Runtime-Aws-Request-Id", ticket.request_id),
            ("Lambda-Runtime-Invocation-Id", ticket.invocation_id),
            ("Lambda-Runtime-Deadline-Ms", str(int(ticket.deadline * 1000))),
            ("Lambda-Runtime-Invoked-Function-Arn", FUNCTION_ARN),
            ("Lambda-Runtime-Trace-Id", ticket.trace_id),
        ]
        self.server.journal.note(Moment.EVENT_GIVEN, sandbox=self.server.sandbox, request_id=ticket.request_id)
        try:
            await self._reply(200, fields, ticket.event)
        except OSError:
            await self.server.give_up(ticket, Broken("Runtime.ConnectionLost"))
            raise

    async def _ticket_or_hang_up(self) -> Ticket:
        """A sandbox that goes away while it waits must not take a request with it."""
        taking = asyncio.create_task(self.server.take())
        watching = asyncio.create_task(self.reader.read(1))
        try:
            await asyncio.wait({taking, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            watching.cancel()
            if not taking.done():
                taking.cancel()
            # Until the watcher is really over, the stream lets nobody else read.
            await asyncio.gather(watching, taking, return_exceptions=True)
        if taking.cancelled():
            raise ConnectionResetError("the sandbox hung up, or spoke out of turn")
        return taking.result()

    async def _reply(self, status: int, fields: list[tuple[str, str]], body: bytes) -> None:
        refusal = Refusal.body(status)
        content = body or refusal
        head = write_head(f"HTTP/1.1 {status} -", [("Content-Length", str(len(content))), *fields])
        self.writer.write(head + content)
        await self.writer.drain()
