"""Server-sent events of one JSON object each: what every translator of such a stream does alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from providers.base import RelayedFrame
from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.jsonwalk import JsonObject, MalformedJson, load_object
from providers.sse import Frame, SseDecoder

if TYPE_CHECKING:
    from providers.events import Event

_FIELDS = (b":", b"data", b"event", b"id", b"retry")


class JsonStream(ABC):
    """See `providers.base.StreamTranslator`. A subclass reads the objects, and says when the answer is at its end.

    A fault in the middle of `data` is raised by the next call, after the events before it: how the bytes were split
    makes no difference to what is read.
    """

    def __init__(self, provider: str, name: str) -> None:
        """`provider`: its id; `name`: as its people write it, for messages."""
        self._provider = provider
        self._name = name
        self._frames = SseDecoder()
        self.fault: UpstreamError | None = None
        self._ended = False  # set by `_event`; what comes after it is not read

    def feed(self, data: bytes) -> list[Event]:
        self._raise_fault()
        events = [event for read in self.read(data) for event in read.events]
        if not events:
            self._raise_fault()
        return events

    def close(self) -> list[Event]:
        """The last event may lack its blank line. One that is cut off makes a truncated answer, no other protocol."""
        return [event for read in self.read_rest() for event in read.events]

    def read(self, data: bytes) -> list[RelayedFrame]:
        """As `feed`, with the bytes of each frame. A `fault` is to be raised behind them."""
        read: list[RelayedFrame] = []
        for frame in self._frames.feed(data):
            if self._ended:
                break
            try:
                read.append(RelayedFrame(frame.raw, self._frame(frame)))
            except UpstreamProtocolError as fault:
                self.fault = fault
                break
        return read

    def read_rest(self) -> list[RelayedFrame]:
        """As `close`. An end that no frame said has no bytes."""
        self._raise_fault()
        return [] if self._ended else self._last_frames()

    def _last_frames(self) -> list[RelayedFrame]:
        try:
            read = [RelayedFrame(frame.raw, self._frame(frame)) for frame in self._frames.close()]
        except UpstreamProtocolError:
            if not self._begun():
                raise
            raise self._truncated() from None
        return read if self._ended else [*read, RelayedFrame(b"", self._finish())]

    @abstractmethod
    def _begun(self) -> bool:
        """Whether anything of an answer was read yet."""

    @abstractmethod
    def _event(self, event: JsonObject, size: int) -> list[Event]:
        """`size`: of the event in bytes. Raises `UpstreamProtocolError`."""

    def _finish(self) -> list[Event]:
        """The input ended and no event had said so: by default, an answer that is not whole."""
        raise self._truncated()

    # Both are given what was sent, for a provider that writes its errors there.

    def _stray(self, line: bytes) -> list[Event]:  # noqa: ARG002
        """A line that is no field. Within a stream it says nothing (WHATWG HTML §9.2.6); before it, it is none."""
        if self._begun():
            return []
        raise self._protocol_error("an answer that is no event stream")

    def _malformed(self, data: bytes, fault: MalformedJson) -> list[Event]:  # noqa: ARG002
        raise self._protocol_error(f"an event that is {fault}") from None

    def _truncated(self) -> UpstreamTruncated:
        return UpstreamTruncated(f"{self._name}'s answer stopped before its end.", provider=self._provider)

    def _protocol_error(self, reason: str) -> UpstreamProtocolError:
        return UpstreamProtocolError(f"{self._name} sent {reason}.", provider=self._provider)

    def _raise_fault(self) -> None:
        if self.fault is not None:
            raise self.fault

    def _frame(self, frame: Frame) -> list[Event]:
        if not frame.data:
            line = frame.raw.lstrip(b"\xef\xbb\xbf\r\n")
            return [] if not line or line.startswith(_FIELDS) else self._stray(line)
        if self._begun() and frame.data.strip() == b"[DONE]":
            return []  # OpenAI's end mark, which gateways add to other streams too
        try:
            event = load_object(frame.data)
        except MalformedJson as fault:
            return self._malformed(frame.data, fault)
        return self._event(event, len(frame.data))
