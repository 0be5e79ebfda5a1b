"""A streamed answer to events. https://docs.cohere.com/reference/chat-stream"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.cohere.answer import Answer
from providers.cohere.error import PROVIDER, from_body, protocol_error
from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Event, Failed, Started
from providers.jsonwalk import JsonObject, MalformedJson, child, integer, load_object, text, without
from providers.sse import Frame, SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = (b":", b"data", b"event", b"id", b"retry")


class CohereStream:
    """See `providers.base.StreamTranslator`. The end marker is `message-end`; `[DONE]` after it says nothing new.

    A fault in the middle of `data` is raised by the next call, after the events before it: how the bytes were split
    makes no difference to what is read.
    """

    def __init__(self) -> None:
        self._frames = SseDecoder()
        self._answer = Answer()
        self._ended = False
        self._fault: UpstreamError | None = None

    def feed(self, data: bytes) -> list[Event]:
        self._raise_fault()
        return self._events(self._frames.feed(data))

    def close(self) -> list[Event]:
        """The last event may lack its blank line; one that is cut off is lost."""
        self._raise_fault()
        return [] if self._ended else self._last_events()

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _events(self, frames: Iterable[Frame]) -> list[Event]:
        events: list[Event] = []
        for frame in frames:
            if self._ended:
                break
            try:
                events += self._frame(frame)
            except UpstreamProtocolError as fault:
                self._fault = fault
                if not events:
                    raise
                break
        return events

    def _last_events(self) -> list[Event]:
        """An answer cut off in the middle of an event is a truncated one, not one in another protocol."""
        try:
            events = [event for frame in self._frames.close() for event in self._frame(frame)]
        except UpstreamProtocolError:
            if not self._answer.started:
                raise
            events = []
        if self._ended:
            return events
        raise UpstreamTruncated("Cohere's answer stopped before its end.", provider=PROVIDER)

    def _frame(self, frame: Frame) -> list[Event]:
        if not frame.data:
            if self._answer.started or frame.raw.lstrip(b"\xef\xbb\xbf\r\n").startswith(_FIELDS):
                return []
            raise protocol_error("an answer that is no event stream")
        if frame.data == b"[DONE]":
            return []
        try:
            event = load_object(frame.data)
        except MalformedJson as fault:
            raise protocol_error(f"an event that is {fault}") from None
        return self._event(event, len(frame.data))

    def _event(self, event: JsonObject, size: int) -> list[Event]:
        """Events of unknown types, and `debug`, are passed over."""
        kind = text(event, "type")
        if kind in {None, "error"} and text(event, "message") is not None:
            self._ended = True
            return [Failed(from_body(event))]
        if kind is None:
            raise protocol_error("an event without a type")
        message = child(child(event, "delta"), "message")
        if kind == "message-start":
            return [] if self._answer.started else self._start(event, message)
        if kind not in _PARTS:
            return []
        if not self._answer.started:
            raise protocol_error("an event before the beginning of its message")
        return self._part(kind, event, message, size)

    def _start(self, event: JsonObject, message: JsonObject) -> list[Event]:
        return [Started(text(event, "id")), *self._answer.start(message)]

    def _part(self, kind: str, event: JsonObject, message: JsonObject, size: int) -> list[Event]:
        match kind:
            case "content-start" | "content-delta" | "content-end":
                return self._content(kind, event, child(message, "content"), size)
            case "tool-call-start" | "tool-call-delta" | "tool-call-end":
                return self._call(kind, event, child(message, "tool_calls"), size)
            case "tool-plan-delta":
                return self._answer.plan(text(message, "tool_plan"))
            case "citation-start":
                return self._answer.cite(child(message, "citations"))
            case _:
                self._ended = True
                return self._answer.finish(without(event, "delta") | child(event, "delta"))

    def _content(self, kind: str, event: JsonObject, content: JsonObject, size: int) -> list[Event]:
        index = _index(event)
        if kind == "content-start":
            return self._answer.begin(index, content, size)
        if kind == "content-end":
            return self._answer.end(index)
        logprobs = child(event, "logprobs")
        events = self._answer.piece(index, content, size)
        return [*events, *self._answer.logprobs([logprobs])] if logprobs else events

    def _call(self, kind: str, event: JsonObject, call: JsonObject, size: int) -> list[Event]:
        index = _index(event)
        if kind == "tool-call-start":
            return self._answer.begin_call(index, call, size)
        if kind == "tool-call-end":
            return self._answer.end_call(index)
        return self._answer.piece_of_call(index, call, size)


_PARTS = frozenset(
    {
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "message-end",
    }
)


def _index(event: JsonObject) -> int:
    """Cohere's document lets an event do without: then it is about the first."""
    return integer(event, "index") or 0
