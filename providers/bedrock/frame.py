"""Amazon's event stream, `application/vnd.amazon.eventstream`: bytes to frames.

    total length, 4 bytes | headers length, 4 | CRC32 of these eight, 4 | headers | payload | CRC32 of all before it, 4

Numbers are big-endian. A header is the length of its name (1 byte), the name, its type (1 byte) and a value of that
type. https://docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html, and the Smithy specification
(https://smithy.io/2.0/aws/amazon-eventstream.html) for the types of headers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HeaderValue: TypeAlias = bool | int | str | bytes

# The limits of Amazon's own SDKs (botocore.eventstream): a service that keeps them is never cut off by ours.
MAX_HEADERS = 128 * 1024
MAX_PAYLOAD = 24 * 1024 * 1024

_PRELUDE: Final = struct.Struct(">III")
_CRC: Final = struct.Struct(">I")
_AROUND: Final = _PRELUDE.size + _CRC.size

# Types of header values. Those without an entry in `_NUMBERS` or `_SIZED` are the value themselves.
_TRUE, _FALSE, _BYTES, _STRING, _UUID = 0, 1, 6, 7, 9
_NUMBERS: Final = {2: struct.Struct(">b"), 3: struct.Struct(">h"), 4: struct.Struct(">i"), 5: struct.Struct(">q"),
                   8: struct.Struct(">q")}  # fmt: skip
_LENGTH: Final = struct.Struct(">H")
_UUID_SIZE = 16


class MalformedFrame(ValueError):
    """The bytes are no frame of an event stream. The text never quotes them."""


@dataclass(frozen=True, slots=True)
class Frame:
    """`headers`: a timestamp is an int (epoch milliseconds), a UUID its 16 bytes."""

    headers: Mapping[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """The header of that name, or "" where it is not there or no string."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class FrameDecoder:
    """Any split of the bytes gives the same frames. Holds at most one frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Frames that `data` completes. Raises `MalformedFrame`, as soon as a frame is known to be none."""
        self._buffer += data
        start = 0
        while (total := _total_length(self._buffer, start)) is not None:
            if len(self._buffer) - start < total:
                break
            frame = bytes(self._buffer[start : start + total])
            start += total
            yield _frame(frame)
        del self._buffer[:start]


def _total_length(buffer: bytearray, start: int) -> int | None:
    """The length of the frame at `start`, once its prelude is there."""
    if len(buffer) - start < _PRELUDE.size:
        return None
    total, headers, checksum = _PRELUDE.unpack_from(buffer, start)
    if crc32(buffer[start : start + 8]) != checksum:
        raise MalformedFrame("a frame whose prelude has a wrong checksum")
    if headers > MAX_HEADERS or not 0 <= total - headers - _AROUND <= MAX_PAYLOAD:
        raise MalformedFrame("a frame of an impossible length")
    return int(total)


def _frame(data: bytes) -> Frame:
    if crc32(data[: -_CRC.size]) != _CRC.unpack(data[-_CRC.size :])[0]:
        raise MalformedFrame("a frame with a wrong checksum")
    _, headers_length, _ = _PRELUDE.unpack_from(data)
    end = _PRELUDE.size + headers_length
    return Frame(_Headers(data[_PRELUDE.size : end]).read(), data[end : -_CRC.size])


class _Headers:
    """Reads the header section from its start to its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read(self) -> dict[str, HeaderValue]:
        headers: dict[str, HeaderValue] = {}
        while self._at < len(self._data):
            name = _decoded(self._take(self._take(1)[0]))
            if name in headers:
                raise MalformedFrame("a frame with a header that stands twice")
            headers[name] = self._value(self._take(1)[0])
        return headers

    def _value(self, kind: int) -> HeaderValue:
        if kind in {_TRUE, _FALSE}:
            return kind == _TRUE
        if kind in _NUMBERS:
            return int(_NUMBERS[kind].unpack(self._take(_NUMBERS[kind].size))[0])
        if kind == _UUID:
            return self._take(_UUID_SIZE)
        if kind not in {_BYTES, _STRING}:
            raise MalformedFrame("a frame with a header of an unknown type")
        value = self._take(_LENGTH.unpack(self._take(_LENGTH.size))[0])
        return _decoded(value) if kind == _STRING else value

    def _take(self, size: int) -> bytes:
        taken = self._data[self._at : self._at + size]
        if len(taken) != size:
            raise MalformedFrame("a frame whose headers are cut off")
        self._at += size
        return taken


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise MalformedFrame("a frame with a header that is not UTF-8") from None
