"""The parts of an answer, each from its beginning through its pieces to its end, as events.

A part of a whole answer is one that begins complete and has no pieces, so both ways share every rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from providers.cohere.error import protocol_error
from providers.cohere.reasoning import THINKING
from providers.events import Event, ProviderFields, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted
from providers.jsonwalk import child, text, without
from providers.pieces import members_joined

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

# Content of a kind without a word of its own is kept here, in order.
KEPT: Final = "cohere_content"

# Parts of one answer. Each leaves a few bytes in memory for as long as the answer lasts; an honest one has a handful.
MAX_PARTS: Final = 100_000


@dataclass(slots=True)
class Position:
    """How far the answer has come: `parts` begun, and characters of text."""

    parts: int = 0
    text: int = 0

    def next_part(self) -> int:
        if self.parts >= MAX_PARTS:
            raise protocol_error("an answer of too many parts")
        self.parts += 1
        return self.parts - 1


class Block(Protocol):
    """`piece` ignores what this kind of block does not know; each of the three is called in its turn."""

    def begin(self) -> list[Event]: ...

    def piece(self, delta: JsonObject) -> list[Event]: ...

    def end(self) -> list[Event]: ...


def block_of(start: JsonObject, position: Position) -> Block:
    """A content block. One that does not say its type is known by its member."""
    kind = text(start, "type") or ("thinking" if "thinking" in start else "text")
    match kind:
        case "text":
            return _Text(start, position)
        case "thinking":
            return _Thinking(start, position)
        case _:
            return _Kept(start)


class _Text:
    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._position = position
        self._part: int | None = None

    def begin(self) -> list[Event]:
        return self.piece(self._start)

    def piece(self, delta: JsonObject) -> list[Event]:
        said = text(delta, "text")
        if not said:
            return []
        if self._part is None:
            self._part = self._position.next_part()
        self._position.text += len(said)
        return [TextDelta(self._part, said)]

    def end(self) -> list[Event]:
        return []


class _Thinking:
    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._position = position
        self._part: int | None = None

    def begin(self) -> list[Event]:
        return self.piece(self._start)

    def piece(self, delta: JsonObject) -> list[Event]:
        thought = text(delta, "thinking")
        if not thought:
            return []
        if self._part is None:
            self._part = self._position.next_part()
        return [ReasoningDelta(self._part, thought, format=THINKING)]

    def end(self) -> list[Event]:
        return []


class ToolCall:
    """Arguments come as pieces of JSON; a call without any still has `{}`, once, at its end."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._part = position.next_part()
        self._argued = False

    def begin(self) -> list[Event]:
        name = text(child(self._start, "function"), "name") or ""
        return [ToolCallStarted(self._part, text(self._start, "id") or "", name), *self.piece(self._start)]

    def piece(self, delta: JsonObject) -> list[Event]:
        arguments = text(child(delta, "function"), "arguments")
        if not arguments:
            return []
        self._argued = True
        return [ToolCallDelta(self._part, arguments)]

    def end(self) -> list[Event]:
        return [] if self._argued else [ToolCallDelta(self._part, "{}")]


class _Kept:
    """A block that is passed on as it is, put together from its pieces."""

    def __init__(self, start: JsonObject) -> None:
        self._pieces = [start]

    def begin(self) -> list[Event]:
        return []

    def piece(self, delta: JsonObject) -> list[Event]:
        self._pieces.append(without(delta, "type"))
        return []

    def end(self) -> list[Event]:
        return [ProviderFields({KEPT: [members_joined(self._pieces)]}, "message")]
