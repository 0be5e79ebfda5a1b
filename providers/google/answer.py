"""An answer as events, chunk by chunk: a whole body is a stream of one chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import Event, ProviderFields, Started, UsageReported
from providers.google.candidate import Candidate
from providers.google.error import from_event, protocol_error
from providers.google.finish import blocked
from providers.google.usage import parse_usage
from providers.jsonwalk import child, children, integer, text, without

if TYPE_CHECKING:
    from providers.errors import UpstreamError
    from providers.jsonwalk import JsonObject

# Bytes of all chunks: the text is kept, for the places of citations. An honest answer, with images, stays below.
MAX_ANSWER = 256 * 1024 * 1024

# Candidates of one answer; Google gives at most 8.
_MAX_CANDIDATES = 128

# Names of counts in the usage of one answer, which is told again with each that is new; Google has about a dozen.
_MAX_COUNTS = 64

_MEMBERS = ("candidates", "usageMetadata", "modelVersion", "responseId")


class Answer:
    """Call `chunk` for each, and `finish` once the input has ended and `complete` holds.

    `wanted`: how many candidates a stream must have, since it may be cut before one of them begins. A whole body is
    whole as JSON, however many it has.
    """

    def __init__(self, wanted: int = 1) -> None:
        self.started = False
        self._wanted = wanted
        self._size = 0
        self._name = ""
        self._candidates: dict[int, Candidate] = {}
        self._blocked: str | None = None
        self._fields: JsonObject = {}
        self._usage: JsonObject = {}

    @property
    def complete(self) -> bool:
        """Google has no end marker: each candidate says why it ended, or the prompt was refused before any began.

        It gives all that were asked for or none: https://ai.google.dev/api/generate-content#GenerateContentResponse.
        """
        if self._candidates:
            ended = [bool(candidate.finish) for candidate in self._candidates.values()]
            return all(ended) and len(ended) >= self._wanted
        return self._blocked is not None

    def chunk(self, chunk: JsonObject, size: int = 0) -> list[Event]:
        """`size`: its bytes. Raises `UpstreamProtocolError` for an answer over the limit."""
        self._size += size
        if self._size > MAX_ANSWER:
            raise protocol_error("an answer over the size limit")
        events = self._start(chunk)
        for position, candidate in enumerate(children(chunk, "candidates")):
            events += self._candidate(candidate, position).piece(candidate)
        self._blocked = text(child(chunk, "promptFeedback"), "blockReason") or self._blocked
        self._fields |= without(chunk, *_MEMBERS)
        return [*events, *self._report(child(chunk, "usageMetadata"))]

    def finish(self) -> list[Event]:
        events: list[Event] = [ProviderFields(self._fields)] if self._fields else []
        for _, candidate in sorted(self._candidates.items()):
            events += candidate.end()
        if self._blocked is not None and not self._candidates:
            events.append(blocked(self._blocked))
        return events

    def _start(self, chunk: JsonObject) -> list[Event]:
        if self.started:
            return []
        self.started = True
        self._name = text(chunk, "responseId") or ""
        return [Started(text(chunk, "responseId"), text(chunk, "modelVersion"))]

    def _candidate(self, candidate: JsonObject, position: int) -> Candidate:
        """Google's JSON leaves out an index of 0."""
        index = integer(candidate, "index")
        if index is None:
            index = position
        if not 0 <= index < _MAX_CANDIDATES:
            raise protocol_error("a candidate of an impossible number")
        return self._candidates.setdefault(index, Candidate(index, self._name))

    def _report(self, counts: JsonObject) -> list[Event]:
        """Counts are cumulative, but not each chunk has all of them."""
        news = {name: count for name, count in without(counts).items() if self._usage.get(name) != count}
        self._usage |= news
        if len(self._usage) > _MAX_COUNTS:
            raise protocol_error("usage of too many counts")
        return [UsageReported(parse_usage(self._usage))] if news else []


def error_in(chunk: JsonObject) -> UpstreamError | None:
    """The error that a chunk or body of status 200 is."""
    told = child(chunk, "error")
    return from_event(told) if told else None
