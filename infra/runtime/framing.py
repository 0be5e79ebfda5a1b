"""HTTP/1.1 messages without I/O: just what the Lambda Runtime API needs, for both of its sides.

`MessageReader` takes bytes in any split and gives back whole heads, body pieces and the end with its trailers
(RFC 9112). The writers return bytes. Nothing here waits, connects or knows about Lambda.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

CRLF = b"\r\n"
LAST_CHUNK = b"0\r\n"

# The Runtime API's own heads are far below 1 KB, but a client context or trace header may be large:
# the official client allows itself 1 MiB for one header it sends, so a head may be a little more.
MAX_HEAD = 2 * 1024 * 1024
# A chunk-size line holds a hexadecimal number and, rarely, an extension.
MAX_CHUNK_LINE = 4096


class FramingError(Exception):
    """The peer's bytes are not the HTTP/1.1 that this side can read; the connection is of no further use."""


class Headers:
    """Header fields in arrival order; names compare without case (RFC 9110 §5.1)."""

    __slots__ = ("fields",)

    def __init__(self, fields: list[tuple[str, str]] | None = None) -> None:
        self.fields = fields or []

    def get(self, name: str) -> str | None:
        """The first value of that name."""
        wanted = name.lower()
        return next((value for field, value in self.fields if field.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Head:
    """A start line split at its blanks, and the fields under it.

    ``start`` is ``(version, status, reason)`` for a response and ``(method, target, version)`` for a request.
    """

    start: tuple[str, str, str]
    headers: Headers


@dataclass(frozen=True, slots=True)
class Data:
    """Some body bytes: pieces follow the arrival, not the sender's chunks."""

    content: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The message is complete; trailers are empty but for a chunked body that has some."""

    trailers: Headers


Event = Head | Data | End


class _State(Enum):
    HEAD = auto()
    SIZED = auto()
    CHUNK_LINE = auto()
    CHUNK_DATA = auto()
    CHUNK_END = auto()
    TRAILERS = auto()


class MessageReader:
    """Reads one message after another from one connection.

    A message without ``content-length`` and ``transfer-encoding`` has no body. That is the rule for requests;
    a response could also run until the connection closes, which no Runtime API does, as the connection is kept.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._state = _State.HEAD
        self._left = 0

    @property
    def idle(self) -> bool:
        """Between two messages with nothing of the next one seen: here the peer may close without harm."""
        return self._state is _State.HEAD and not self._buffer

    def feed(self, data: bytes) -> list[Event]:
        """The events that become complete with these bytes.

        Raises:
            FramingError: the bytes are no such message, or a head is larger than any honest one.
        """
        self._buffer += data
        events: list[Event] = []
        while self._step(events):
            pass
        return events

    def _step(self, events: list[Event]) -> bool:
        match self._state:
            case _State.HEAD:
                return self._read_head(events)
            case _State.SIZED:
                return self._read_data(events, after=_State.HEAD)
            case _State.CHUNK_LINE:
                return self._read_chunk_line()
            case _State.CHUNK_DATA:
                return self._read_data(events, after=_State.CHUNK_END)
            case _State.CHUNK_END:
                return self._read_chunk_end()
            case _State.TRAILERS:
                return self._read_trailers(events)

    def _read_head(self, events: list[Event]) -> bool:
        block = self._take_until(b"\r\n\r\n", MAX_HEAD)
        if block is None:
            return False
        line, _, rest = block.partition(CRLF)
        start = line.decode("latin-1").split(" ", 2)
        if len(start) < 2:
            raise FramingError("the first line of the message is no HTTP start line")
        head = Head((start[0], start[1], start[2] if len(start) > 2 else ""), parse_fields(rest))
        events.append(head)
        self._expect_body(head.headers, events)
        return True

    def _expect_body(self, headers: Headers, events: list[Event]) -> None:
        coding, length = headers.get("transfer-encoding"), headers.get("content-length")
        if coding is not None:
            if coding.strip().lower() != "chunked":
                raise FramingError("the message has a transfer coding other than chunked")
            self._state = _State.CHUNK_LINE
        elif length is not None and _decimal(length) > 0:
            self._left = _decimal(length)
            self._state = _State.SIZED
        else:
            events.append(End(Headers()))

    def _read_data(self, events: list[Event], *, after: _State) -> bool:
        if not self._buffer:
            return False
        piece = bytes(self._buffer[: self._left])
        del self._buffer[: len(piece)]
        self._left -= len(piece)
        events.append(Data(piece))
        if not self._left:
            self._state = after
            if after is _State.HEAD:
                events.append(End(Headers()))
        return True

    def _read_chunk_line(self) -> bool:
        line = self._take_until(CRLF, MAX_CHUNK_LINE)
        if line is None:
            return False
        self._left = _hexadecimal(line.partition(b";")[0].strip())
        self._state = _State.CHUNK_DATA if self._left else _State.TRAILERS
        return True

    def _read_chunk_end(self) -> bool:
        if len(self._buffer) < len(CRLF):
            return False
        if not self._buffer.startswith(CRLF):
            raise FramingError("a chunk is longer than its size line said")
        del self._buffer[: len(CRLF)]
        self._state = _State.CHUNK_LINE
        return True

    def _read_trailers(self, events: list[Event]) -> bool:
        # An empty trailer section is a bare CRLF, so the blank line has no line end in front of it.
        if self._buffer.startswith(CRLF):
            block: bytes | None = b""
            del self._buffer[: len(CRLF)]
        else:
            block = self._take_until(b"\r\n\r\n", MAX_HEAD)
        if block is None:
            return False
        events.append(End(parse_fields(block)))
        self._state = _State.HEAD
        return True

    def _take_until(self, mark: bytes, limit: int) -> bytes | None:
        at = self._buffer.find(mark)
        if at < 0 or at > limit:
            if len(self._buffer) > limit:
                raise FramingError(f"a head or line is longer than {limit} bytes")
            return None
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return taken


def parse_fields(block: bytes) -> Headers:
    """The field lines of a head or trailer section, without the blank line that ends it."""
    fields = []
    for line in block.split(CRLF) if block else []:
        name, colon, value = line.partition(b":")
        # A blank before the colon, or at the start (an obsolete fold), is how requests are smuggled: RFC 9112 §5.1.
        if not colon or not name or name != name.strip():
            raise FramingError("a header line has no name before its colon")
        fields.append((name.decode("latin-1"), value.strip().decode("latin-1")))
    return Headers(fields)


def write_head(start_line: str, fields: list[tuple[str, str]]) -> bytes:
    """A head with the blank line after it.

    Raises:
        ValueError: a name or value would break out of its line.
    """
    return start_line.encode("latin-1") + CRLF + _write_fields(fields) + CRLF


def write_chunk(data: bytes) -> bytes:
    """One chunk. Empty data gives no bytes, as a chunk of size 0 would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b""


def write_end(trailers: list[tuple[str, str]] | None = None) -> bytes:
    """The last chunk of a body, with its trailers."""
    return LAST_CHUNK + _write_fields(trailers or []) + CRLF


def _write_fields(fields: list[tuple[str, str]]) -> bytes:
    out = bytearray()
    for name, value in fields:
        line = f"{name}: {value}"
        if "\r" in line or "\n" in line or "\0" in line:
            raise ValueError("a header name or value holds a line end or NUL")
        out += line.encode("latin-1") + CRLF
    return bytes(out)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise FramingError("content-length is not a number")
    return int(text)


def _hexadecimal(text: bytes) -> int:
    # int() alone would take signs, underscores and "0x".
    if not text or text.strip(b"0123456789abcdefABCDEF"):
        raise FramingError("a chunk-size line is not a hexadecimal number")
    return int(text, 16)
