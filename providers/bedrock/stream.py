"""A streamed answer to events. https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html

A stream is complete with its `messageStop` and its `metadata`, which is the last event and brings the usage: without
the one the answer may go on, without the other nobody knows what it cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.bedrock.answer import Answer
from providers.bedrock.error import from_frame, protocol_error
from providers.bedrock.frame import FrameDecoder, MalformedFrame
from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Event, Failed
from providers.jsonwalk import JsonObject, MalformedJson, child, integer, load_object, without

if TYPE_CHECKING:
    from providers.bedrock.frame import Frame

_EVENTS = frozenset(
    {"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"}
)
# Padding of random length, so that nobody can tell the words from the size of their frames.
_PADDING = "p"


class ConverseStream:
    """See `providers.base.StreamTranslator`.

    A fault in the middle of `data` is raised by the next call, after the events before it: how the bytes were split
    makes no difference to what is read.
    """

    def __init__(self) -> None:
        self._frames = FrameDecoder()
        self._answer = Answer()
        self._awaited = {"messageStop", "metadata"}
        self._fault: UpstreamError | None = None

    def feed(self, data: bytes) -> list[Event]:
        self._raise_fault()
        events: list[Event] = []
        if not self._awaited:
            return events
        try:
            for frame in self._frames.feed(data):
                events += self._frame(frame)
                if not self._awaited:
                    break
        except MalformedFrame as fault:
            self._fault = protocol_error(str(fault))
        except UpstreamProtocolError as fault:
            self._fault = fault
        if not events:
            self._raise_fault()
        return events

    def close(self) -> list[Event]:
        self._raise_fault()
        if self._awaited:
            raise UpstreamTruncated("Bedrock's answer stopped before its end.", provider="bedrock")
        return []

    def _raise_fault(self) -> None:
        if self._fault is not None:
            raise self._fault

    def _frame(self, frame: Frame) -> list[Event]:
        """Events and messages of unknown types are passed over: tomorrow's must not break today's stream."""
        if frame.text(":message-type") in {"exception", "error"}:
            self._awaited.clear()
            return [Failed(from_frame(frame))]
        kind = frame.text(":event-type")
        if kind not in _EVENTS:
            return []
        try:
            event = load_object(frame.payload)
        except MalformedJson as fault:
            raise protocol_error(f"an event that is {fault}") from None
        self._awaited.discard(kind)
        return self._event(kind, without(event, _PADDING), len(frame.payload))

    def _event(self, kind: str, event: JsonObject, size: int) -> list[Event]:
        match kind:
            case "messageStart":
                return self._answer.start()
            case "contentBlockStart":
                start = child(event, "start")
                return self._answer.piece(_index(event), start, size) if start else self._answer.start()
            case "contentBlockDelta":
                return self._delta(_index(event), child(event, "delta"), size)
            case "contentBlockStop":
                return self._answer.end(_index(event))
            case "messageStop":
                return self._answer.stop(event)
            case _:
                return self._answer.metadata(event)

    def _delta(self, index: int, delta: JsonObject, size: int) -> list[Event]:
        if "toolUse" in delta and not self._answer.is_open(index):
            raise protocol_error("arguments of a tool call that has not begun")
        return self._answer.piece(index, delta, size)


def _index(event: JsonObject) -> int:
    index = integer(event, "contentBlockIndex")
    if index is None:
        raise protocol_error("a content block without an index")
    return index
