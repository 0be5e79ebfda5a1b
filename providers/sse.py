"""Server-sent events, on bytes.

The grammar is WHATWG HTML §9.2.6. Lines end at CR, LF or CRLF and nowhere else: `str.splitlines` would also cut at
U+2028 or U+0085 inside a JSON string, and decoding chunk by chunk would break a character that two chunks share.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.errors import UpstreamProtocolError

# A frame is one event. The largest honest one is an image in base64 in a single delta; those stay below 16 MB.
MAX_FRAME = 32 * 1024 * 1024

# A blank line ends an event. A CR at the end of the buffer may be half a CRLF: it counts once the next byte is known.
_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n|\Z))(?:\r\n|\n|\r(?!\Z))")
_LINE = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event. `raw`: its bytes with the blank line; `data` is empty for comments and for events without data."""

    raw: bytes
    event: str
    data: bytes


class SseDecoder:
    """Bytes to frames; the frames' `raw`, joined, are the input (a byte order mark apart)."""

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._started = False
        self._overflowed = False
        self._max_frame = max_frame

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that `data` completes. Raises `UpstreamProtocolError` for one over the limit.

        Frames before it are returned first and the error is raised by the next call, so that the outcome does not
        depend on how the bytes were cut.
        """
        self._check()
        self._buffer += data
        if not self._started and not self._start():
            return []
        frames: list[Frame] = []
        begin = 0
        while match := _BLANK.search(self._buffer, max(begin, self._searched)):
            if match.end() - begin > self._max_frame:
                break
            frames.append(frame_of(bytes(self._buffer[begin : match.end()])))
            begin = match.end()
            self._searched = begin
        del self._buffer[:begin]
        # A blank line may begin up to three bytes before what comes next.
        self._searched = max(0, len(self._buffer) - 3)
        if len(self._buffer) > self._max_frame:
            self._overflowed = True
            self._buffer.clear()
            if not frames:
                self._check()
        return frames

    def close(self) -> list[Frame]:
        """What is left at the end of input. An event without its blank line counts: several providers omit the last."""
        self._check()
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._searched = 0
        if not self._started and _BOM.startswith(rest):
            return []
        return [frame_of(rest)] if rest.strip(b"\r\n") else []

    def _check(self) -> None:
        if self._overflowed:
            raise UpstreamProtocolError("the provider sent a stream event over the size limit")

    def _start(self) -> bool:
        head = bytes(self._buffer[:3])
        if len(head) < 3 and _BOM.startswith(head):
            return False
        if head == _BOM:
            del self._buffer[:3]
        self._started = True
        return True


def frame_of(raw: bytes) -> Frame:
    """One event from its bytes."""
    event = ""
    data: list[bytes] = []
    for line in _LINE.split(raw):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode("utf-8", "replace")
    return Frame(raw, event, b"\n".join(data))
