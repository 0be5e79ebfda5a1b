"""Events to bytes and back, for the cache: what is stored is the stream itself, so that a hit replays what was live.

Version 1 is `1` and then JSON: a list with one list for each event, its tag followed by its fields in order, the
default ones at the end left out. A field may only be added at the end of an event, with a default; all else is a new
version.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Final

from providers.events import (
    Citation,
    Event,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from providers.jsonwalk import dump
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION: Final = "1"

# `Failed` has no tag on purpose: a failed answer has no stored form.
_TAGS: Final[dict[str, type[Any]]] = {
    "s": Started,
    "t": TextDelta,
    "f": RefusalDelta,
    "r": ReasoningDelta,
    "c": ToolCallStarted,
    "a": ToolCallDelta,
    "q": Citation,
    "x": ProviderFields,
    "u": Usage,
    "e": Finished,
}
_TAG_OF: Final = {kind: tag for tag, kind in _TAGS.items()}


class UnreadableEvents(ValueError):
    """The bytes were not written by `encode_events` of a version that this release reads."""


def encode_events(events: Iterable[Event]) -> bytes:
    """Raises KeyError for a `Failed` event, which must never come here."""
    return VERSION.encode() + dump(
        [_row(event.usage if isinstance(event, UsageReported) else event) for event in events]
    )


def decode_events(stored: bytes) -> list[Event]:
    """Raises `UnreadableEvents`: to the caller of a cache that is a miss, not a failure."""
    if not stored.startswith(VERSION.encode()):
        raise UnreadableEvents("an unknown version")
    try:
        return [_event(row) for row in json.loads(stored[1:])]
    except (ValueError, KeyError, TypeError, IndexError) as fault:
        raise UnreadableEvents(type(fault).__name__) from None


def _row(event: Event | Usage) -> list[Any]:
    values = list(_values(event))
    defaults = _defaults(type(event))
    while values and len(values) <= len(defaults) and values[-1] == defaults[len(values) - 1]:
        values.pop()
    return [_TAG_OF[type(event)], *values]


def _values(event: Any) -> tuple[Any, ...]:
    return tuple(getattr(event, member.name) for member in fields(event))


def _defaults(kind: type[Any]) -> list[Any]:
    """The default of each field, or a value that nothing equals where it has none."""
    return [
        member.default_factory() if member.default_factory is not MISSING else member.default for member in fields(kind)
    ]


def _event(row: list[Any]) -> Event:
    made = _TAGS[row[0]](*row[1:])
    return UsageReported(made) if isinstance(made, Usage) else made
