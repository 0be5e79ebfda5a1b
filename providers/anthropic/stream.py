"""A streamed answer to events. https://platform.claude.com/docs/en/build-with-claude/streaming"""

from __future__ import annotations

from providers.anthropic.answer import Answer
from providers.anthropic.error import from_event, protocol_error
from providers.events import Event, Failed
from providers.json_stream import JsonStream
from providers.jsonwalk import JsonObject, child, integer, text


class AnthropicStream(JsonStream):
    def __init__(self) -> None:
        super().__init__("anthropic", "Anthropic")
        self._answer = Answer()

    def _begun(self) -> bool:
        return self._answer.started

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
