"""The Lambda Runtime API over one kept connection (AWS Lambda developer guide, "runtimes-api").

A worker uses its connection for one thing at a time: it asks for an event, sends the answer, asks again. aiohttp
cannot send trailers, and importing any HTTP client costs more than the whole protocol, hence raw streams.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra.runtime.framing import (
    Data,
    End,
    FramingError,
    Head,
    Headers,
    MessageReader,
    write_chunk,
    write_end,
    write_head,
)
from infra.runtime.invocation import Invocation

if TYPE_CHECKING:
    from infra.runtime.fault import Fault

PREFIX = "/2018-06-01/runtime"
READ_SIZE = 256 * 1024
# What may wait in memory for the platform to take it before the application has to wait too.
WRITE_BUFFER = 256 * 1024


class RuntimeApiError(Exception):
    """The platform refused a call.

    ``status`` 500 means that the sandbox is beyond repair and the runtime is to exit at once (Runtime API reference).
    """

    def __init__(self, call: str, status: int) -> None:
        super().__init__(call, status)
        self.call = call
        self.status = status

    def __str__(self) -> str:
        return f"the Lambda Runtime API answered {self.call} with status {self.status}"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer of the Runtime API."""

    status: int
    headers: Headers
    body: bytes


class RuntimeApi:
    """One connection to ``host:port``, opened when first needed and again after a fault."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._host = host
        self._port = int(port)
        self._authority = address
        self._messages = MessageReader()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def next(self) -> Invocation:
        """Waits for an event, without a time limit: the platform freezes the sandbox in here.

        Raises:
            RuntimeApiError, OSError, FramingError: the sandbox has no future; the process is to exit.
        """
        reply = await self._call("GET", "/invocation/next", b"", [])
        if reply.status != 200:
            raise RuntimeApiError("/invocation/next", reply.status)
        return Invocation.from_next(reply.headers, reply.body)

    async def respond(self, invocation: Invocation, body: bytes, content_type: str) -> None:
        """A whole answer at once."""
        fields = [("Content-Type", content_type), *_echo(invocation)]
        await self._post(f"/invocation/{invocation.request_id}/response", body, fields)

    async def fail(self, invocation: Invocation, fault: Fault) -> None:
        """The answer is an error; possible only while nothing of another answer has been sent."""
        fields = [*_error_fields(fault), *_echo(invocation)]
        await self._post(f"/invocation/{invocation.request_id}/error", fault.to_json(), fields)

    async def fail_init(self, fault: Fault) -> None:
        await self._post("/init/error", fault.to_json(), _error_fields(fault))

    async def restore_next(self) -> None:
        """Returns after the snapshot has been taken and, maybe days later, restored."""
        reply = await self._call("GET", "/restore/next", b"", [])
        if reply.status != 200:
            raise RuntimeApiError("/restore/next", reply.status)

    async def fail_restore(self, fault: Fault) -> None:
        await self._post("/restore/error", fault.to_json(), _error_fields(fault))

    async def open_response(self, invocation: Invocation, content_type: str, first: bytes) -> None:
        """Begins a streamed answer with these bytes; `send_chunk`, `end_response`, `finish_response` follow."""
        fields = [
            ("Host", self._authority),
            ("Content-Type", content_type),
            ("Lambda-Runtime-Function-Response-Mode", "streaming"),
            ("Transfer-Encoding", "chunked"),
            ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
            *_echo(invocation),
        ]
        target = f"{PREFIX}/invocation/{invocation.request_id}/response"
        await self._connect()
        await self._write(write_head(f"POST {target} HTTP/1.1", fields) + write_chunk(first))

    async def send_chunk(self, data: bytes) -> None:
        """Waits only when the platform takes the bytes more slowly than they come."""
        await self._write(write_chunk(data))

    async def end_response(self, trailers: list[tuple[str, str]] | None = None) -> None:
        """Ends the answer for the client; `finish_response` collects what the platform says to it."""
        await self._write(write_end(trailers))

    async def finish_response(self) -> None:
        """Raises RuntimeApiError if the platform did not take the answer."""
        self._accept("/invocation/response", await self._read_reply())

    def close(self) -> None:
        """Drops the connection; an answer in the middle of being sent is cut short, as the platform will notice."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None
        self._messages = MessageReader()

    async def _post(self, path: str, body: bytes, fields: list[tuple[str, str]]) -> None:
        self._accept(path, await self._call("POST", path, body, fields))

    def _accept(self, path: str, reply: Reply) -> None:
        if reply.status // 100 != 2:
            raise RuntimeApiError(path, reply.status)

    async def _call(self, method: str, path: str, body: bytes, fields: list[tuple[str, str]]) -> Reply:
        sized = [("Content-Length", str(len(body)))] if method == "POST" else []
        head = write_head(f"{method} {PREFIX}{path} HTTP/1.1", [("Host", self._authority), *sized, *fields])
        await self._connect()
        await self._write(head + body)
        return await self._read_reply()

    async def _connect(self) -> None:
        # Only here, between two calls, may the platform have closed the kept connection without harm.
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=READ_SIZE)
            self._streams[1].transport.set_write_buffer_limits(high=WRITE_BUFFER)

    def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise ConnectionResetError("the connection to the Lambda Runtime API broke within a call")
        return self._streams

    async def _write(self, data: bytes) -> None:
        _, writer = self._connected()
        writer.write(data)
        try:
            await writer.drain()
        except OSError:
            self.close()
            raise

    async def _read_reply(self) -> Reply:
        reader, _ = self._connected()
        head: Head | None = None
        body: list[bytes] = []
        try:
            while True:
                for event in self._messages.feed(await _read(reader)):
                    match event:
                        case Head():
                            head = event
                        case Data():
                            body.append(event.content)
                        case End() if head is not None:
                            return self._whole(head, body)
        except BaseException:
            # Cancelled or broken in the middle of a message: what would come next here belongs to nobody.
            self.close()
            raise

    def _whole(self, head: Head, body: list[bytes]) -> Reply:
        if (head.headers.get("connection") or "").lower() == "close":
            self.close()
        return Reply(_status(head), head.headers, b"".join(body))


async def _read(reader: asyncio.StreamReader) -> bytes:
    data = await reader.read(READ_SIZE)
    if not data:
        raise ConnectionResetError("the Lambda Runtime API closed the connection")
    return data


def _status(head: Head) -> int:
    status = head.start[1]
    if not status.isdigit():
        raise FramingError("the Runtime API's status line has no status")
    return int(status)


def _error_fields(fault: Fault) -> list[tuple[str, str]]:
    return [
        ("Content-Type", "application/vnd.aws.lambda.error+json"),
        ("Lambda-Runtime-Function-Error-Type", fault.error_type),
    ]


def _echo(invocation: Invocation) -> list[tuple[str, str]]:
    # Some platforms tell attempts of one request apart by this id and expect it back with the answer.
    return [("Lambda-Runtime-Invocation-Id", invocation.invocation_id)] if invocation.invocation_id else []
