"""What a provider may add one day breaks no stream of today, whichever provider it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.completion import TextPart, ToolCallPart, fold
from providers.events import Failed
from tests.providers.fuzz_reader import Reader, check, hear, readers
from tests.providers.fuzz_wire import FuzzedEvent, framing_of, seeds_of
from tests.providers.wires import wires

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

every_reader = pytest.mark.parametrize("reader", readers(), ids=str)

_REASONS = {"finish_reason", "finishReason", "stop_reason", "stopReason"}


def meaning(reader: Reader, events: Sequence[FuzzedEvent]) -> list[tuple[str, list[tuple[str, str]], int]]:
    """Of each choice: its text, its calls, and how often it ended. None of it may be an error."""
    heard = hear(reader, [b"".join(map(framing_of(reader.provider).pack, events))])
    assert heard.raised is None
    check(reader, heard)
    done = fold(heard.events)
    return [
        (
            "".join(part.text for part in choice.parts if isinstance(part, TextPart)),
            [(part.id, part.name) for part in choice.parts if isinstance(part, ToolCallPart)],
            choice.finish is not None,
        )
        for choice in done.choices
    ]


def everywhere(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return change({key: everywhere(inner, change) for key, inner in value.items()})
    return [everywhere(inner, change) for inner in value] if isinstance(value, list) else value


def seeds(reader: Reader) -> list[tuple[FuzzedEvent, ...]]:
    """The written one, and some that were recorded."""
    found = seeds_of(reader.provider)
    return [events for events in [*found[:4], *found[4::9]] if not _fails(reader, events)]


def _fails(reader: Reader, events: Sequence[FuzzedEvent]) -> bool:
    heard = hear(reader, [b"".join(map(framing_of(reader.provider).pack, events))])
    return any(isinstance(event, Failed) for event in heard.events)


@pytest.mark.parametrize("name", wires())
def test_every_provider_has_a_stream_to_begin_with(name: str) -> None:
    assert seeds_of(name)


@every_reader
def test_pitfall_09_events_of_tomorrow_are_passed_over(reader: Reader) -> None:
    new: FuzzedEvent = ("tomorrow", {"type": "tomorrow", "tomorrow": {"deep": [1, None, "x"]}})
    assert seeds(reader)
    for events in seeds(reader):
        mixed = [events[0], *(each for event in events[1:] for each in (new, event)), new]
        assert meaning(reader, mixed) == meaning(reader, events)


@every_reader
def test_pitfall_09_members_of_tomorrow_change_nothing(reader: Reader) -> None:
    for events in seeds(reader):
        said = [
            (kind, everywhere(value, lambda object_: {**object_, "tomorrow": {"x": [1]}})) for kind, value in events
        ]
        assert meaning(reader, said) == meaning(reader, events)


@every_reader
def test_pitfall_08_a_reason_of_tomorrow_is_an_end_all_the_same(reader: Reader) -> None:
    def renamed(object_: dict[str, Any]) -> dict[str, Any]:
        return {key: "tomorrow" if key in _REASONS and value else value for key, value in object_.items()}

    for events in seeds(reader):
        said = [(kind, everywhere(value, renamed)) for kind, value in events]
        assert meaning(reader, said) == meaning(reader, events)
