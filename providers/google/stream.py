"""A streamed answer to events: one `GenerateContentResponse` an event, and no end marker.

Google closes the stream when it is done, and does the same when it breaks off. What proves that an answer is complete
is that every candidate has said why it ended, and that the input ended between two events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Event, Failed
from providers.google.answer import Answer, error_in
from providers.google.error import from_event, protocol_error, told_error
from providers.jsonwalk import JsonObject, MalformedJson, load_object
from providers.sse import Frame, SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = (b":", b"data", b"event", b"id", b"retry")


class GoogleStream:
    """See `providers.base.StreamTranslator`.

    A fault in the middle of `data` is raised by the next call, after the events before it: how the bytes were split
    makes no difference to what is read.
    """

    def __init__(self) -> None:
        self._frames = SseDecoder()
        self._answer = Answer()
        self._failed = False
        self._fault: UpstreamError | None = None

    def feed(self, data: bytes) -> list[Event]:
        self._raise_fault()
        return self._events(self._frames.feed(data))

    def close(self) -> list[Event]:
        """The last event may lack its blank line; one that is cut off is a truncated answer."""
        self._raise_fault()
        if self._failed:
            return []
        try:
            events = [event for frame in self._frames.close() for event in self._frame(frame)]
        except UpstreamProtocolError:
            if not self._answer.started:
                raise
        else:
            if events and isinstance(events[-1], Failed):
                return events
            if self._answer.complete:
                return [*events, *self._answer.finish()]
        raise UpstreamTruncated("Google's answer stopped before its end.", provider="google")

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _events(self, frames: Iterable[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if self._failed:
                break
            try:
                events += self._frame(frame)
            except UpstreamProtocolError as fault:
                self._fault = fault
                if not events:
                    raise
                break
        return events

    def _frame(self, frame: Frame) -> list[Event]:
        if not frame.data:
            return self._without_data(frame.raw.lstrip(b"\xef\xbb\xbf\r\n"))
        if frame.data.strip() == b"[DONE]":
            return []  # some gateways add it
        try:
            chunk = load_object(frame.data)
        except MalformedJson as fault:
            return self._fail(told_error(frame.data), f"an event that is {fault}")
        error = error_in(chunk)
        if error is None:
            return self._answer.chunk(chunk, len(frame.data))
        self._failed = True
        return [Failed(error)]

    def _without_data(self, raw: bytes) -> list[Event]:
        """A comment, or an error that comes as bare JSON in the midst of the events."""
        if not raw or raw.startswith(_FIELDS):
            return []
        return self._fail(told_error(raw), "an answer that is no event stream")

    def _fail(self, told: JsonObject, otherwise: str) -> list[Event]:
        if not told:
            raise protocol_error(otherwise)
        self._failed = True
        return [Failed(from_event(told))]
