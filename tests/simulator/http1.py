"""Just enough HTTP/1.1 to be a badly behaved server on purpose.

A real server library protects its user from half-written bodies, resets and odd chunk sizes: exactly the things
a simulator must be able to do. So this one is written on asyncio's streams, and frames what it is told to.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Headers = tuple[tuple[str, str], ...]

# No test means a request as long as this; that providers refuse bodies from 20 to 50 MB on is a rule of theirs.
MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it stood on the wire. Header names keep their spelling; look them up with `header`."""

    method: str
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class BadRequest(Exception):
    """The peer does not speak HTTP/1.1 as we read it: the connection is closed without an answer."""


class Wire(asyncio.StreamReaderProtocol):
    """A stream protocol that tells at once when the peer goes away, even while nobody reads."""

    def __init__(self, reader: asyncio.StreamReader, connected: Callable[[Wire, asyncio.StreamWriter], None]) -> None:
        super().__init__(reader, lambda _reader, writer: connected(self, writer))
        self.reader = reader
        self.on_gone: Callable[[], None] | None = None

    def eof_received(self) -> bool:
        super().eof_received()
        self._gone()
        return False  # an HTTP client that shuts down its side is done with us: close ours too

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._gone()

    def _gone(self) -> None:
        if self.on_gone is not None:
            self.on_gone()


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request of a connection, or None when the peer has closed it."""
    try:
        return await _read(reader)
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except (asyncio.LimitOverrunError, ValueError) as error:
        raise BadRequest from error


async def _read(reader: asyncio.StreamReader) -> Request:
    start, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, version = start.split(" ", 2)
    if version != "HTTP/1.1":
        raise BadRequest
    pairs = [line.split(":", 1) for line in lines]
    headers = tuple((name, value.strip()) for name, value in pairs)
    fields = {name.lower(): value for name, value in headers}
    return Request(method, target, headers, await _read_body(reader, fields))


async def _read_body(reader: asyncio.StreamReader, fields: dict[str, str]) -> bytes:
    if "chunked" in fields.get("transfer-encoding", ""):
        body = bytearray()
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
        return bytes(body)
    length = int(fields.get("content-length", 0))
    if length > MAX_BODY:
        raise BadRequest
    return await reader.readexactly(length)


def head(status: int, headers: Sequence[tuple[str, str]]) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:  # 529 is Anthropic's own
        reason = "Overloaded" if status == 529 else "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """`data` as one chunk of a chunked body; the empty chunk is the end mark (RFC 9112 §7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def reset(writer: asyncio.StreamWriter) -> None:
    """Closes with RST instead of FIN: the peer sees "connection reset by peer", and loses what it has not read yet."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
