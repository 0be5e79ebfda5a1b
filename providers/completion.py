"""A whole answer, and the way between it and a stream of events."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias, assert_never

from providers.beside import Beside
from providers.events import (
    Citation,
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    ToolKind,
    UsageReported,
)
from providers.growing import Growing
from providers.pieces import text_pieces
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from providers.jsonwalk import Json, JsonObject


@dataclass(frozen=True, slots=True)
class TextPart:
    text: str


@dataclass(frozen=True, slots=True)
class RefusalPart:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningPart:
    text: str = ""
    signature: str = ""
    data: str = ""
    format: str = ""
    id: str = ""
    member: str = ""


@dataclass(frozen=True, slots=True)
class ToolCallPart:
    id: str
    name: str
    arguments: str
    kind: ToolKind = "function"


PartEvent: TypeAlias = TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta
Part: TypeAlias = TextPart | RefusalPart | ReasoningPart | ToolCallPart


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of the `n` asked for. `fields` belong to the choice, `message_fields` to its message."""

    index: int
    parts: tuple[Part, ...] = ()
    finish: Finished | None = None
    citations: tuple[Citation, ...] = ()
    fields: JsonObject = field(default_factory=dict)
    message_fields: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer; choices stand in the order of their index."""

    started: Started
    choices: tuple[Choice, ...]
    usage: Usage | None = None
    fields: JsonObject = field(default_factory=dict)


def fold(events: Iterable[Event]) -> Completion:
    """Put a stream together. A `Failed` event raises its error: a failed answer has no whole form."""
    building = _Building()
    for event in events:
        building.add(event)
    return building.done()


def unfold(done: Completion) -> list[Event]:
    """Events that give `done` again when folded; long text comes in word-sized pieces, as a model would send it."""
    events: list[Event] = [done.started]
    if done.fields:
        events.append(ProviderFields(done.fields))
    for choice in done.choices:
        events.extend(_unfold_choice(choice))
    if done.usage is not None:
        events.append(UsageReported(done.usage))
    return events


def merge_fields(first: JsonObject, later: JsonObject) -> JsonObject:
    """Join what two chunks say of the same thing: lists grow, objects merge, the later value of all else wins."""
    return {**first, **{key: _merged(first.get(key), value) for key, value in later.items()}}


def merge_deltas(first: JsonObject, later: JsonObject) -> JsonObject:
    """As `merge_fields`, but strings are pieces and grow too (`audio.transcript`), save those that name something."""
    return {**first, **{key: _grown(key, first.get(key), value) for key, value in later.items()}}


_NAMES = frozenset({"id", "type", "role", "object", "name", "format", "index", "channel"})


def _merged(first: Json, later: Json) -> Json:
    if isinstance(first, dict) and isinstance(later, dict):
        return merge_fields(first, later)
    if isinstance(first, list) and isinstance(later, list):
        return [*first, *later]
    return first if later is None else later


def _grown(key: str, first: Json, later: Json) -> Json:
    if isinstance(first, str) and isinstance(later, str) and key not in _NAMES:
        return first + later
    if isinstance(first, dict) and isinstance(later, dict):
        return merge_deltas(first, later)
    return _merged(first, later)


class _Building:
    """State of a `fold`: the events of each part and choice, joined at the end.

    To grow a string, a list or a tuple by pieces is quadratic, and how many there are the provider decides.
    """

    def __init__(self) -> None:
        self.started = Started()
        self.choices: dict[int, list[Citation | ProviderFields | Finished]] = {}
        self.parts: dict[tuple[int, int], list[PartEvent]] = {}
        self.usage = Growing(Usage.updated)
        self.fields: JsonObject = {}

    def add(self, event: Event) -> None:
        match event:
            case TextDelta() | RefusalDelta() | ReasoningDelta() | ToolCallStarted() | ToolCallDelta():
                place = (event.choice, event.part)
                if place not in self.parts:
                    self.choices.setdefault(event.choice, [])
                    self.parts[place] = []
                self.parts[place].append(event)
            case Started():
                self.started = event
            case UsageReported(usage):
                self.usage.add(usage)
            case ProviderFields(fields, "completion"):
                # What is said of the completion is said in full each time (citations so far): the last word holds.
                self.fields.update(fields)
            case Failed(error):
                raise error
            case Citation() | ProviderFields() | Finished():
                self.choices.setdefault(event.choice, []).append(event)
            case _:  # pragma: no cover
                assert_never(event)

    def done(self) -> Completion:
        parts: dict[int, list[Part]] = {index: [] for index in self.choices}
        for place in sorted(self.parts):
            parts[place[0]].append(_joined(self.parts[place]))
        choices = (_choice(index, parts[index], said) for index, said in sorted(self.choices.items()))
        return Completion(self.started, tuple(choices), self.usage.whole(), self.fields)


def _choice(index: int, parts: list[Part], said: list[Citation | ProviderFields | Finished]) -> Choice:
    finish: Finished | None = None
    citations: list[Citation] = []
    fields, message_fields = Growing(merge_fields), Growing(merge_deltas)
    for event in said:
        match event:
            case Finished():
                finish = event
            case Citation():
                citations.append(event)
            case ProviderFields(more, "message"):
                message_fields.add(more)
            case ProviderFields(more):
                fields.add(more)
            case _:  # pragma: no cover
                assert_never(event)
    return Choice(index, tuple(parts), finish, tuple(citations), fields.whole() or {}, message_fields.whole() or {})


def _joined(events: list[PartEvent]) -> Part:
    """One part of its events, which are all of the kind of the first."""
    match events[0]:
        case TextDelta():
            return TextPart("".join([event.text for event in events if isinstance(event, TextDelta)]))
        case RefusalDelta():
            return RefusalPart("".join([event.text for event in events if isinstance(event, RefusalDelta)]))
        case ReasoningDelta():
            return _thought([event for event in events if isinstance(event, ReasoningDelta)])
        case ToolCallStarted() | ToolCallDelta():
            started = next((event for event in events if isinstance(event, ToolCallStarted)), None)
            call = started or ToolCallStarted(0, "", "")
            arguments = [event.arguments for event in events if isinstance(event, ToolCallDelta)]
            return ToolCallPart(call.id, call.name, "".join(arguments), call.kind)
        case _:  # pragma: no cover
            assert_never(events[0])


def _thought(events: list[ReasoningDelta]) -> ReasoningPart:
    """Text, signature and data grow; what names the block is said once, and the last one to say it holds."""
    return ReasoningPart(
        "".join([event.text for event in events]),
        "".join([event.signature for event in events]),
        "".join([event.data for event in events]),
        next((event.format for event in reversed(events) if event.format), ""),
        next((event.id for event in reversed(events) if event.id), ""),
        next((event.member for event in reversed(events) if event.member), ""),
    )


def _unfold_choice(choice: Choice) -> Iterator[Event]:
    beside = Beside(
        tuple(replace(citation, choice=choice.index) for citation in choice.citations),
        choice.message_fields,
        choice.index,
    )
    length = calls = 0
    for number, part in enumerate(choice.parts):
        yield from beside.before(number)
        for event in _unfold_part(part, number, choice.index):
            yield event
            if isinstance(event, ToolCallStarted):
                yield from beside.of_call(calls)
                calls += 1
        if isinstance(part, TextPart):
            length += len(part.text)
            yield from beside.of_text(length)
    yield from beside.before(len(choice.parts))
    yield from beside.rest()
    if choice.fields or not (choice.parts or choice.finish or choice.message_fields or choice.citations):
        yield ProviderFields(choice.fields, "choice", choice.index)
    if choice.finish is not None:
        yield choice.finish


def _unfold_part(part: Part, number: int, choice: int) -> Iterator[Event]:
    match part:
        case TextPart(text):
            for piece in text_pieces(text):
                yield TextDelta(number, piece, choice)
        case RefusalPart(text):
            for piece in text_pieces(text):
                yield RefusalDelta(number, piece, choice)
        case ReasoningPart(text):
            head, *rest = text_pieces(text)
            yield ReasoningDelta(number, head, "", "", part.format, part.id, choice, part.member)
            for piece in rest:
                yield ReasoningDelta(number, piece, choice=choice)
            if part.signature or part.data:
                yield ReasoningDelta(number, "", part.signature, part.data, choice=choice)
        case ToolCallPart():
            yield ToolCallStarted(number, part.id, part.name, part.kind, choice)
            for piece in text_pieces(part.arguments) if part.arguments else ():
                yield ToolCallDelta(number, piece, choice)
        case _:  # pragma: no cover
            assert_never(part)
