"""An answer's events as far as they come, and what an answer says, for the tests of every provider with a wire."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from providers.base import stream_of
from providers.completion import ToolCallPart

if TYPE_CHECKING:
    from providers.base import Provider
    from providers.completion import Completion
    from providers.events import Event


class Cut(NamedTuple):
    """What a stream gives until it ends, and what it raises."""

    events: list[Event]
    raised: Exception | None


def read_cut(provider: Provider, pieces: list[bytes], choices: int = 1) -> Cut:
    """Feed pieces one by one and close. `choices`: how many were asked for."""
    stream = stream_of(provider, choices)
    events: list[Event] = []
    try:
        for piece in pieces:
            events += stream.feed(piece)
        events += stream.close()
    except Exception as raised:  # noqa: BLE001 - the tests say which kinds there may be
        return Cut(events, raised)
    return Cut(events, None)


def meaning_of(done: Completion) -> Any:
    """All that an answer says, but for the white space in the arguments of calls."""
    (choice,) = done.choices
    parts = [
        (part.id, part.name, json.loads(part.arguments)) if isinstance(part, ToolCallPart) else part
        for part in choice.parts
    ]
    return replace(done, choices=(replace(choice, parts=()),)), parts
