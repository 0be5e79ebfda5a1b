"""A streamed answer to events. https://docs.cohere.com/reference/chat-stream"""

from __future__ import annotations

from providers.cohere.answer import Answer
from providers.cohere.error import PROVIDER, from_body, protocol_error
from providers.events import Event, Failed, Started
from providers.json_stream import JsonStream
from providers.jsonwalk import JsonObject, child, integer, text, without


class CohereStream(JsonStream):
    """The end marker is `message-end`."""

    def __init__(self) -> None:
        super().__init__(PROVIDER, "Cohere")
        self._answer = Answer()

    def _begun(self) -> bool:
        return self._answer.started

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
