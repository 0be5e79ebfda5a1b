"""A streamed answer: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from providers.dialects.anthropic.error import error_object
from providers.dialects.anthropic.message import Message
from providers.events import Event, Failed
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Stamp
    from providers.jsonwalk import JsonObject


class MessageEncoder:
    """`message_start` waits for the first block, so that it has the usage that the provider gives at the start."""

    content_type: ClassVar[Literal["text/event-stream"]] = "text/event-stream"

    def __init__(self, stamp: Stamp) -> None:
        self._message = Message(stamp)
        self._heard = False
        self._begun = False

    def feed(self, event: Event) -> bytes:
        if isinstance(event, Failed):
            return _frame({"type": "error", "error": error_object(event.error)})
        self._heard = True
        return self._frames(self._message.hear(event))

    def close(self) -> bytes:
        """Nothing after a relayed stream, whose own end the client has."""
        if not self._heard:
            return b""
        blocks = self._frames(self._message.close())
        return b"".join([blocks, self._start(), _frame(self._message.tail()), _frame({"type": "message_stop"})])

    def _frames(self, events: list[JsonObject]) -> bytes:
        return b"".join([self._start(), *map(_frame, events)]) if events else b""

    def _start(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return _frame({"type": "message_start", "message": self._message.head()})


def _frame(event: JsonObject) -> bytes:
    return b"event: " + str(event["type"]).encode() + b"\ndata: " + dump(event) + b"\n\n"
