"""One content block of an answer, from its beginning through its pieces to its end, as events.

A block of a whole answer is handed over as the pieces that a stream would have brought, so both ways share every rule.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from providers.bedrock.names import BEDROCK_REASONING, CLAUDE_REASONING
from providers.events import (
    TOOL_CALL_FIELDS,
    Citation,
    Event,
    ProviderFields,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from providers.jsonwalk import JsonObject, MalformedJson, child, children, load_object, text, without
from providers.pieces import members_joined

if TYPE_CHECKING:
    from providers.jsonwalk import Json

# Blocks without a word of their own (server tools and their results, images, kinds not yet known) are kept here, in
# order, as Bedrock gives them whole.
KEPT = "bedrock_content"


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
    """`piece` is given the first piece too, and ignores what this kind of block does not know."""

    def begin(self) -> list[Event]: ...

    def piece(self, delta: JsonObject) -> list[Event]: ...

    def end(self) -> list[Event]: ...


def block_of(first: JsonObject, position: Position) -> Block:
    """The block that begins with `first`, its first piece: what `contentBlockStart` holds, or else a delta."""
    if "text" in first or "citation" in first:
        return Text(position)
    if "reasoningContent" in first:
        return Thinking(position)
    if is_call(first):
        return ToolUse(child(first, "toolUse"), position)
    return Kept()


def is_call(block: JsonObject) -> bool:
    """Whether the client is to run the tool; one of type `server_tool_use` has been run already."""
    return "toolUse" in block and text(child(block, "toolUse"), "type") in {None, "tool_use"}


class Text:
    """Citations are given at the end of the block, which is the text that they are about."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._begin = position.text
        self._part: int | None = None
        self._citations: list[JsonObject] = []

    def begin(self) -> list[Event]:
        return []

    def piece(self, delta: JsonObject) -> list[Event]:
        if "citation" in delta:
            self._citations.append(child(delta, "citation"))
        said = text(delta, "text")
        if not said:
            return []
        if self._part is None:
            self._part = self._position.next_part()
        self._position.text += len(said)
        return [TextDelta(self._part, said)]

    def end(self) -> list[Event]:
        return [self._citation(citation) for citation in self._citations]

    def _citation(self, citation: JsonObject) -> Citation:
        about = self._position.text > self._begin
        quoted = [text(source, "text") or "" for source in children(citation, "sourceContent")]
        return Citation(
            url=text(child(child(citation, "location"), "web"), "url"),
            title=text(citation, "title"),
            quote="".join(quoted) if quoted else None,
            start=self._begin if about else None,
            end=self._position.text if about else None,
            extra=without(citation, "title", "sourceContent"),
        )


class Thinking:
    """Signed and redacted blocks are marked as Claude's, who alone makes them here: the mark takes them back."""

    def __init__(self, position: Position) -> None:
        self._position = position
        self._part: int | None = None

    def begin(self) -> list[Event]:
        return []

    def piece(self, delta: JsonObject) -> list[Event]:
        source = child(delta, "reasoningContent")
        said, signature = text(source, "text") or "", text(source, "signature") or ""
        data, made_by = _redacted(text(source, "redactedContent") or "")
        if not (said or signature or data):
            return []
        if self._part is None:
            self._part = self._position.next_part()
        return [ReasoningDelta(self._part, said, signature, data, CLAUDE_REASONING if signature else made_by)]

    def end(self) -> list[Event]:
        return []


def _redacted(blob: str) -> tuple[str, str]:
    """What is redacted, as its maker writes it, and the mark for it.

    Converse wraps Claude's own text once more, in base64. Unwrapped it is what Anthropic's own API gives and takes:
    https://platform.claude.com/docs/en/build-with-claude/extended-thinking says that it may go from one to the other.
    """
    try:
        return base64.b64decode(blob, validate=True).decode("ascii"), CLAUDE_REASONING if blob else ""
    except (binascii.Error, ValueError):
        return blob, BEDROCK_REASONING


class ToolUse:
    """Arguments come as pieces of JSON; a call without any still has `{}`, once, at its end."""

    def __init__(self, start: JsonObject, position: Position) -> None:
        self._start = start
        self._part = position.next_part()
        self._number = position.calls
        position.calls += 1
        self._argued = False

    def begin(self) -> list[Event]:
        """What a call has beyond its own words stands beside it, by its number."""
        started = ToolCallStarted(self._part, text(self._start, "toolUseId") or "", text(self._start, "name") or "")
        rest = without(self._start, "toolUseId", "name", "type", "input")
        beside = ProviderFields({TOOL_CALL_FIELDS: {str(self._number): rest}}, "message")
        return [started, beside] if rest else [started]

    def piece(self, delta: JsonObject) -> list[Event]:
        arguments = text(child(delta, "toolUse"), "input")
        if not arguments:
            return []
        self._argued = True
        return [ToolCallDelta(self._part, arguments)]

    def end(self) -> list[Event]:
        return [] if self._argued else [ToolCallDelta(self._part, "{}")]


class Kept:
    """A block that is passed on as it is, put together from its pieces."""

    def __init__(self) -> None:
        self._pieces: list[JsonObject] = []

    def begin(self) -> list[Event]:
        return []

    def piece(self, delta: JsonObject) -> list[Event]:
        # A server tool's result streams as a list of what is the `content` of the whole block.
        self._pieces.append(
            {name: {"content": value} if isinstance(value, list) else value for name, value in delta.items()}
        )
        return []

    def end(self) -> list[Event]:
        block = members_joined(self._pieces, objects=True)
        call = child(block, "toolUse")
        if isinstance(call.get("input"), str):
            block["toolUse"] = {**call, "input": _arguments(text(call, "input") or "")}
        return [ProviderFields({KEPT: [block]}, "message")]


def _arguments(written: str) -> Json:
    try:
        return load_object(written)
    except MalformedJson:
        return written
