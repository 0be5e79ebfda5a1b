"""A streamed answer to events. https://developers.openai.com/api/reference/resources/responses/streaming-events"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.events import Event, Failed
from providers.json_stream import JsonStream
from providers.jsonwalk import JsonObject, child, children, integer, text, without
from providers.openai.responses.answer import Answer
from providers.openai.responses.failure import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# What ends an answer, and the status that it says. A cancelled one is documented as a status only.
_ENDS: Final = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.failed": "failed",
    "response.cancelled": "cancelled",
}


class ResponsesStream(JsonStream):
    """The end marker is `response.completed` or `response.incomplete`."""

    def __init__(self, provider: str, maker: str) -> None:
        """`maker`: as in `Answer`."""
        super().__init__(provider, provider)
        self._answer = Answer(provider, maker)

    def _begun(self) -> bool:
        return self._answer.started

    def _event(self, event: JsonObject, size: int) -> list[Event]:  # noqa: ARG002 - no item holds what its pieces say
        """Events of unknown types are passed over; what their items come to is told at the items' end."""
        kind = text(event, "type")
        if kind == "error" or (kind is None and event.get("error")):
            self._ended = True
            return [Failed(failure(event.get("error") or without(event, "type"), self._provider))]
        if kind is None:
            raise self._protocol_error("an event without a type")
        response = child(event, "response")
        begun = [] if self._answer.started else self._answer.start(response)
        if kind in _ENDS:
            self._ended = True
            return [*begun, *self._answer.finish(_ENDS[kind], response)]
        read = _READERS.get(kind)
        return begun if read is None else [*begun, *read(self._answer, event)]


def _output(event: JsonObject) -> int:
    return integer(event, "output_index") or 0


def _content(event: JsonObject) -> int:
    return integer(event, "content_index") or 0


def _summary(event: JsonObject) -> int:
    return integer(event, "summary_index") or 0


def _said(event: JsonObject, member: str = "delta") -> str:
    return text(event, member) or ""


_READERS: Final[Mapping[str, Callable[[Answer, JsonObject], list[Event]]]] = {
    "response.output_item.added": lambda answer, event: answer.begin(_output(event), child(event, "item")),
    "response.output_item.done": lambda answer, event: answer.end(_output(event), child(event, "item")),
    "response.output_text.delta": lambda answer, event: (
        answer.message(_output(event)).words(_content(event)).text(_said(event), children(event, "logprobs"))
    ),
    "response.refusal.delta": lambda answer, event: (
        answer.message(_output(event)).words(_content(event)).refusal(_said(event))
    ),
    "response.output_text.annotation.added": lambda answer, event: (
        answer.message(_output(event)).words(_content(event)).cite(child(event, "annotation"))
    ),
    "response.reasoning_summary_text.delta": lambda answer, event: answer.reasoning(_output(event)).piece(
        "summary", _summary(event), _said(event)
    ),
    "response.reasoning_text.delta": lambda answer, event: answer.reasoning(_output(event)).piece(
        "content", _content(event), _said(event)
    ),
    "response.function_call_arguments.delta": lambda answer, event: answer.call(_output(event)).piece(_said(event)),
    "response.custom_tool_call_input.delta": lambda answer, event: answer.call(_output(event)).piece(_said(event)),
}
