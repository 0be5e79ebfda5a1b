"""The content of a message as blocks one after another, however the parts of the answer come.

Anthropic's stream has one block open at a time, numbered from 0 without a gap, and a block that was stopped is over.
The neutral events have no word for the end of a part, and those of several tool calls may come by turns. So a part ends
when another begins; but a call whose arguments are not all there stays open, and what comes of others waits behind it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never

from providers.completion import merge_deltas
from providers.dialects.anthropic.writers import KeptWriter, TextWriter, ThoughtWriter, ToolWriter
from providers.events import (
    KEPT_BLOCKS,
    KEPT_PLACES,
    TOOL_CALL_FIELDS,
    Citation,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from providers.growing import Growing
from providers.jsonwalk import child, children, without

if TYPE_CHECKING:
    from providers.completion import PartEvent
    from providers.dialects.anthropic.writers import Writer
    from providers.jsonwalk import JsonObject


@dataclass(slots=True)
class _Segment:
    """A part, and what of it waits until its turn comes."""

    writer: Writer
    part: int | None
    waiting: list[object] = field(default_factory=list)


class Blocks:
    """`call_id`: the beginning of ids for calls that have none."""

    def __init__(self, call_id: str) -> None:
        self._call_id = call_id
        self._line: deque[_Segment] = deque()
        self._parts: dict[int, _Segment] = {}
        self._calls: dict[str, ToolWriter] = {}
        self._text: _Segment | None = None
        self._index = 0
        self._rest = Growing(merge_deltas)

    def part(self, event: PartEvent) -> list[JsonObject]:
        segment = self._parts.get(event.part)
        if segment is None:
            if isinstance(event, ToolCallDelta):
                return []  # behind the end of its arguments, where nothing but white space can be
            segment = self._join(self._writer(event), event.part)
        segment.waiting.append(event)
        return self._advance()

    def citation(self, citation: Citation) -> list[JsonObject]:
        """Of the text before it: it stands in that one's block, or in one of its own where that is over."""
        segment = self._text or self._join(TextWriter(), None)
        segment.waiting.append(citation)
        return self._advance()

    def fields(self, fields: JsonObject) -> list[JsonObject]:
        """What is said of the message: blocks of Anthropic's own, and members of calls that have not begun."""
        for block in children(fields, KEPT_BLOCKS):
            self._join(KeptWriter(block), None)
        late: JsonObject = {}
        for number, beside in child(fields, TOOL_CALL_FIELDS).items():
            call = self._calls.get(number)
            if call is None or call.started or not isinstance(beside, dict):
                late[number] = beside
            else:
                call.beside(beside)
        rest = without(fields, KEPT_BLOCKS, KEPT_PLACES, TOOL_CALL_FIELDS)
        self._rest.add({**rest, **({TOOL_CALL_FIELDS: late} if late else {})})
        return self._advance()

    def rest(self) -> JsonObject:
        """What was said of the message that no block has a place for."""
        return self._rest.whole() or {}

    def close(self) -> list[JsonObject]:
        said: list[JsonObject] = []
        while self._line:
            said += [*self._catch_up(), *self._leave()]
        return said

    def _writer(self, event: TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted) -> Writer:
        match event:
            case TextDelta() | RefusalDelta():
                return TextWriter()
            case ReasoningDelta():
                return ThoughtWriter()
            case ToolCallStarted():
                number = str(len(self._calls))
                call = self._calls[number] = ToolWriter(f"{self._call_id}_{number}")
                return call
            case _:  # pragma: no cover
                assert_never(event)

    def _join(self, writer: Writer, part: int | None) -> _Segment:
        segment = _Segment(writer, part)
        self._line.append(segment)
        if isinstance(writer, TextWriter):
            self._text = segment
        if part is not None:
            self._parts[part] = segment
        return segment

    def _advance(self) -> list[JsonObject]:
        said = self._catch_up()
        while self._line and self._may_leave(self._line[0].writer):
            said += [*self._leave(), *self._catch_up()]
        return said

    def _may_leave(self, writer: Writer) -> bool:
        return writer.over or (writer.complete and len(self._line) > 1)

    def _catch_up(self) -> list[JsonObject]:
        """What waits of the first in line, and all of a block that came whole."""
        segment = self._line[0] if self._line else None
        if segment is None:
            return []
        waiting, segment.waiting = segment.waiting, []
        return [self._numbered(event) for word in waiting for event in segment.writer.say(word)]

    def _leave(self) -> list[JsonObject]:
        segment = self._line.popleft()
        if segment is self._text:
            self._text = None
        if segment.part is not None:
            del self._parts[segment.part]
        return [self._numbered(event) for event in segment.writer.end()]

    def _numbered(self, event: JsonObject) -> JsonObject:
        numbered = {"type": event["type"], "index": self._index, **event}
        if event["type"] == "content_block_stop":
            self._index += 1
        return numbered
