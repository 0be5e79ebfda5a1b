"""What a live answer leaves for the cache: its events, as long as they prove to be a whole answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cache.policy import Outcome
from providers.codec import encode_events
from providers.events import Event, Finished, ReasoningDelta, RefusalDelta, Started, TextDelta, ToolCallDelta

if TYPE_CHECKING:
    from collections.abc import Iterable

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
                case TextDelta(_, text) | RefusalDelta(_, text) | ReasoningDelta(_, text) | ToolCallDelta(_, text):
                    self._room -= len(text) + 32  # what a stored delta costs beside its text
                case _:
                    self._room -= 64
        if self._room < 0:
            self._events.clear()

    def _stamped(self, event: Started) -> Started:
        created = self._stamp.created if event.created is None else event.created
        return Started(event.id or self._stamp.id, event.model or self._stamp.model, created)

    def complete(self) -> None:
        """The provider's own end marker was seen."""
        self._complete = True

    def finished(self) -> tuple[bytes, Outcome]:
        """The payload to store and what the policy must know of it; an overlong answer has an empty payload."""
        overlong = self._room < 0
        payload = b"" if overlong or not self._complete else encode_events(self._events)
        reasons = [event.reason for event in self._events if isinstance(event, Finished)]
        storable = bool(reasons) and all(reason in _STORABLE for reason in reasons)
        size = 2**31 if overlong else len(payload)
        return payload, Outcome(200, self._complete, storable or overlong, size)
