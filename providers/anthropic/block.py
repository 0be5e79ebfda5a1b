"""One content block of an answer, from its beginning through its pieces to its end, as events.

A block of a whole answer is one that begins complete and has no pieces, so both ways share every rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from providers.anthropic.content import REASONING_FORMAT
from providers.events import (
    KEPT_BLOCKS,
    KEPT_PLACES,
    TOOL_CALL_FIELDS,
    Citation,
    Event,
    ProviderFields,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from providers.jsonwalk import JsonObject, MalformedJson, child, children, dump, load_object, text, without
from providers.pieces import members_joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.jsonwalk import Json

# Who calls a tool, where it is the model itself.
_DIRECT: JsonObject = {"type": "direct"}


@dataclass(slots=True)
class Position:
    """How far the answer has come: `parts` begun, tool calls among them, and characters of text."""

    parts: int = 0
    calls: int = 0
    text: int = 0

    def next_part(self) -> int:
        self.parts += 1
        return self.parts - 1


class Block(Protocol):
    """`piece` ignores what this kind of block does not know; each of the three is called in its turn."""

    def begin(self) -> list[Event]: ...

    def piece(self, delta: JsonObject) -> list[Event]: ...

    def end(self) -> list[Event]: ...


def block_of(start: JsonObject, position: Position) -> Block:
    match text(start, "type"):
        case "text":
            return _Text(start, position)
        case "thinking" | "redacted_thinking":
            return _Thinking(start, position)
        case "tool_use":
            return _ToolUse(start, position)
        case _:
            return _Kept(start, position)


class _Text:
    """Citations are given at the end of the block, which is the text that they are about."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._position = position
        self._begin = position.text
        self._part: int | None = None
        self._citations = list(children(start, "citations"))

    def begin(self) -> list[Event]:
        return self._said(self._start)

    def piece(self, delta: JsonObject) -> list[Event]:
        if text(delta, "type") == "citations_delta":
            self._citations.append(child(delta, "citation"))
            return []
        return self._said(delta)

    def end(self) -> list[Event]:
        return [self._citation(citation) for citation in self._citations]

    def _said(self, source: JsonObject) -> list[Event]:
        said = text(source, "text")
        if not said:
            return []
        if self._part is None:
            self._part = self._position.next_part()
        self._position.text += len(said)
        return [TextDelta(self._part, said)]

    def _citation(self, citation: JsonObject) -> Citation:
        about = self._position.text > self._begin
        return Citation(
            url=text(citation, "url"),
            title=text(citation, "title") or text(citation, "document_title"),
            quote=text(citation, "cited_text"),
            start=self._begin if about else None,
            end=self._position.text if about else None,
            extra=without(citation, "url", "title", "document_title", "cited_text"),
        )


class _Thinking:
    """A block of thinking is always given, even empty: its signature must go back with the next turn."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._part = position.next_part()

    def begin(self) -> list[Event]:
        return [self._thought(self._start)]

    def piece(self, delta: JsonObject) -> list[Event]:
        thought = self._thought(delta)
        return [thought] if thought.text or thought.signature or thought.data else []

    def end(self) -> list[Event]:
        return []

    def _thought(self, source: JsonObject) -> ReasoningDelta:
        return ReasoningDelta(
            self._part,
            text(source, "thinking") or "",
            text(source, "signature") or "",
            text(source, "data") or "",
            REASONING_FORMAT,
        )


class _ToolUse:
    """Arguments come as pieces of JSON; a call without any still has `{}`, once, at its end."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._part = position.next_part()
        self._number = position.calls
        position.calls += 1
        self._argued = False

    def begin(self) -> list[Event]:
        """What a call has beyond OpenAI's form (a program that called, a toolset) stands beside it, by its number."""
        rest = without(self._start, "type", "id", "name", "input")
        if rest.get("caller") == _DIRECT:
            del rest["caller"]
        started = ToolCallStarted(self._part, text(self._start, "id") or "", text(self._start, "name") or "")
        beside = ProviderFields({TOOL_CALL_FIELDS: {str(self._number): rest}}, "message")
        return [started, beside] if rest else [started]

    def piece(self, delta: JsonObject) -> list[Event]:
        arguments = text(delta, "partial_json")
        if not arguments:
            return []
        self._argued = True
        return [ToolCallDelta(self._part, arguments)]

    def end(self) -> list[Event]:
        return [] if self._argued else [ToolCallDelta(self._part, dump(child(self._start, "input")).decode())]


class _Kept:
    """A block without a word of its own (server tools and their results, and kinds not yet known), passed on as it is,
    put together from its pieces."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._place = position.parts
        self._pieces = [start]
        self._input: list[str] = []

    def begin(self) -> list[Event]:
        return []

    def piece(self, delta: JsonObject) -> list[Event]:
        piece = without(delta, "type")
        if isinstance(piece.get("partial_json"), str):
            self._input.append(str(piece.pop("partial_json")))
        self._pieces.append(piece)
        return []

    def end(self) -> list[Event]:
        return [ProviderFields({KEPT_BLOCKS: [dict(self._members())], KEPT_PLACES: [self._place]}, "message")]

    def _members(self) -> Iterator[tuple[str, Json]]:
        yield from members_joined(self._pieces).items()
        written = "".join(self._input)
        if written:
            try:
                yield "input", load_object(written)
            except MalformedJson:
                yield "input", written
