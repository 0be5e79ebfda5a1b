"""One content part of a message: text with its citations and log probabilities, or a refusal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from providers.events import Citation, Event, ProviderFields, RefusalDelta, TextDelta
from providers.jsonwalk import children, integer, text, without

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.jsonwalk import Json, JsonObject
    from providers.openai.responses.position import Position


@dataclass(slots=True)
class Words:
    """Counts what its pieces have said, so that its end says the rest alone."""

    position: Position
    _part: int | None = None
    _begin: int = field(init=False)
    _said: int = 0
    _cited: int = 0
    _weighed: bool = False

    def __post_init__(self) -> None:
        self._begin = self.position.text

    def text(self, said: str, logprobs: Iterable[JsonObject] = ()) -> list[Event]:
        events: list[Event] = []
        if said:
            part = self._began()
            self._said += len(said)
            self.position.text += len(said)
            events.append(TextDelta(part, said))
        return [*events, *self._weights(logprobs)]

    def refusal(self, said: str) -> list[Event]:
        if not said:
            return []
        part = self._began()
        self._said += len(said)
        return [RefusalDelta(part, said)]

    def cite(self, annotation: JsonObject) -> list[Event]:
        """Offsets count from the beginning of this part; the choice's text may have begun before it."""
        self._cited += 1
        start, end = integer(annotation, "start_index"), integer(annotation, "end_index")
        citation = Citation(
            url=text(annotation, "url"),
            title=text(annotation, "title"),
            start=None if start is None else self._begin + start,
            end=None if end is None else self._begin + end,
            extra=_kind_kept(annotation),
        )
        return [citation]

    def end(self, part: JsonObject) -> list[Event]:
        """`part`: the whole of it, of whatever kind."""
        refusal, said = text(part, "refusal"), text(part, "text")
        if refusal is not None:
            return self.refusal(refusal[self._said :])
        events = self.text((said or "")[self._said :], () if self._weighed else children(part, "logprobs"))
        for annotation in list(children(part, "annotations"))[self._cited :]:
            events += self.cite(annotation)
        return events

    def _began(self) -> int:
        if self._part is None:
            self._part = self.position.next_part()
        return self._part

    def _weights(self, logprobs: Iterable[JsonObject]) -> list[Event]:
        """In the form of chat completions, which is the same token by token."""
        tokens: list[Json] = [*logprobs]
        if not tokens:
            return []
        self._weighed = True
        return [ProviderFields({"logprobs": {"content": tokens}}, "choice")]


def _kind_kept(annotation: JsonObject) -> JsonObject:
    """What has no word in a `Citation`; a file's citation says its own kind, which is not that of a page."""
    rest = without(annotation, "type", "url", "title", "start_index", "end_index")
    kind = text(annotation, "type")
    return rest if kind in (None, "url_citation") else {"type": kind, **rest}
