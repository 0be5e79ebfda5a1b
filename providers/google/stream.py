"""A streamed answer to events: one `GenerateContentResponse` an event, and no end marker.

Google closes the stream when it is done, and does the same when it breaks off. What proves that an answer is complete
is that every candidate that was asked for has said why it ended, and that the input ended between two events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import Event, Failed
from providers.google.answer import Answer, error_in
from providers.google.error import from_event, told_error
from providers.json_stream import JsonStream

if TYPE_CHECKING:
    from providers.errors import UpstreamProtocolError
    from providers.jsonwalk import JsonObject, MalformedJson


class GoogleStream(JsonStream):
    def __init__(self, choices: int = 1) -> None:
        super().__init__("google", "Google")
        self._answer = Answer(choices)

    def _begun(self) -> bool:
        return self._answer.started

    def _event(self, event: JsonObject, size: int) -> list[Event]:
        error = error_in(event)
        if error is None:
            return self._answer.chunk(event, size)
        self._ended = True
        return [Failed(error)]

    def _finish(self) -> list[Event]:
        return self._answer.finish() if self._answer.complete else super()._finish()

    def _stray(self, line: bytes) -> list[Event]:
        """An error may come as bare JSON in the midst of the events."""
        return self._told(line, self._protocol_error("an answer that is no event stream"))

    def _malformed(self, data: bytes, fault: MalformedJson) -> list[Event]:
        return self._told(data, self._protocol_error(f"an event that is {fault}"))

    def _told(self, data: bytes, otherwise: UpstreamProtocolError) -> list[Event]:
        error = told_error(data)
        if not error:
            raise otherwise from None
        self._ended = True
        return [Failed(from_event(error))]
