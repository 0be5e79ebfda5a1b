"""What a live answer leaves for the cache: its events, as long as they prove to be a whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cache.policy import Outcome
from providers.codec import encode_events
from providers.events import (
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    UsageReported,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from providers.base import Stamp

# A `length` finish is an answer cut short, a `content_filter` one an answer taken away: neither is worth repeating.
_STORABLE: Final = frozenset({"stop", "tool_calls", "function_call"})


class Recorder:
    """Keeps events up to `limit` characters of content; past that the answer is too large for the cache anyway.

    `stamp`: what this client was told where the provider says nothing of itself; later ones are told the same.
    """

    def __init__(self, stamp: Stamp, *, limit: int) -> None:
        self._stamp = stamp
        self._events: list[Event] = []
        self._room = limit
        self._complete = False

    def record(self, events: Iterable[Event]) -> None:
        if self._room < 0:
            return
        for event in events:
            self._events.append(self._stamped(event) if isinstance(event, Started) else event)
            match event:
                case TextDelta(_, text) | RefusalDelta(_, text) | ToolCallDelta(_, text):
                    self._room -= len(text) + 32  # what a stored delta costs beside its text
                case ReasoningDelta(_, text, signature, data):
                    self._room -= len(text) + len(signature) + len(data) + 32
                case _:
                    self._room -= len(repr(event))  # few, and of any size and shape
        if self._room < 0:
            self._events.clear()

    def _stamped(self, event: Started) -> Started:
        created = self._stamp.created if event.created is None else event.created
        return Started(event.id or self._stamp.id, event.model or self._stamp.model, created)

    def complete(self) -> None:
        """The provider's own end marker was seen."""
        self._complete = True

    @property
    def events(self) -> Sequence[Event]:
        """As far as the answer came; none of an overlong one."""
        return self._events

    @property
    def overlong(self) -> bool:
        return self._room < 0

    def finished(self) -> tuple[bytes, Outcome]:
        """The payload to store and what the policy must know of it; an overlong answer has an empty payload."""
        overlong = self.overlong
        payload = b"" if overlong or not self._complete else encode_events(self._events)
        size = 2**31 if overlong else len(payload)
        return payload, Outcome(200, self._complete, overlong or self._all_ended(), size)

    def _all_ended(self) -> bool:
        """Whether every choice that began came to an end that is worth repeating."""
        ends = [event for event in self._events if isinstance(event, Finished)]
        begun = {_choice(event) for event in self._events} - {None}
        storable = all(end.known and end.reason in _STORABLE for end in ends)
        return bool(ends) and storable and begun == {end.choice for end in ends}


def _choice(event: Event) -> int | None:
    """Whose event it is; None where it is about the whole answer."""
    match event:
        case Started() | UsageReported() | Failed() | ProviderFields(_, "completion"):
            return None
        case _:
            return event.choice
