"""A streamed answer to events. https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.answer import Answer
from providers.anthropic.error import from_event, protocol_error
from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Event, Failed
from providers.jsonwalk import JsonObject, MalformedJson, child, integer, load_object, text
from providers.sse import Frame, SseDecoder

if TYPE_CHECKING:
    from collections.abc import Iterable

_FIELDS = (b":", b"data", b"event", b"id", b"retry")


class AnthropicStream:
    """See `providers.base.StreamTranslator`.

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
                break  # some gateways add `[DONE]`
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
        raise UpstreamTruncated("Anthropic's answer stopped before its end.", provider="anthropic")

    def _frame(self, frame: Frame) -> list[Event]:
        if not frame.data:
            if self._answer.started or frame.raw.lstrip(b"\xef\xbb\xbf\r\n").startswith(_FIELDS):
                return []
            raise protocol_error("an answer that is no event stream")
        try:
            event = load_object(frame.data)
        except MalformedJson as fault:
            raise protocol_error(f"an event that is {fault}") from None
        return self._event(event, len(frame.data))

    def _event(self, event: JsonObject, size: int) -> list[Event]:
        """Events of unknown types are passed over, as Anthropic's versioning policy asks."""
        kind = text(event, "type")
        if kind == "error" or (kind is None and child(event, "error")):
            self._ended = True
            return [Failed(from_event(child(event, "error")))]
        if kind is None:
            raise protocol_error("an event without a type")
        if kind == "message_start":
            return [] if self._answer.started else self._answer.start(child(event, "message"))
        if kind not in _PARTS:
            return []
        if not self._answer.started:
            raise protocol_error("an event before the beginning of its message")
        return self._part(kind, event, size)

    def _part(self, kind: str, event: JsonObject, size: int) -> list[Event]:
        match kind:
            case "content_block_start":
                return self._answer.begin(_index(event), child(event, "content_block"), size)
            case "content_block_delta":
                return self._answer.piece(_index(event), child(event, "delta"), size)
            case "content_block_stop":
                return self._answer.end(_index(event))
            case "message_delta":
                return self._answer.delta(event)
            case _:
                self._ended = True
                return self._answer.finish()


_PARTS = frozenset(
    {"content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop"}
)


def _index(event: JsonObject) -> int:
    index = integer(event, "index")
    if index is None:
        raise protocol_error("a content block without an index")
    return index
