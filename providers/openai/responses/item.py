"""The items of an answer's `output`, each from its beginning through its pieces to its end, as events.

An item of a whole answer is one that ends at once, and whatever its pieces have not said is said at its end: a host may
send pieces, or the whole at the end, or both, and nothing is said twice or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from providers.events import (
    TOOL_CALL_FIELDS,
    Event,
    ProviderFields,
    ReasoningDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from providers.jsonwalk import children, text, without
from providers.openai.responses.words import Words

if TYPE_CHECKING:
    from providers.events import ToolKind
    from providers.jsonwalk import JsonObject
    from providers.openai.responses.position import Position

# Items without a word of their own are kept here, in order: searches, code that was run, images that were made.
KEPT: Final = "output_items"

_CALL = ("id", "type", "status", "call_id", "name", "arguments", "input")


class Item(Protocol):
    """`begin` and `end` are called once each; `end` with the whole item, or what there is of it."""

    def begin(self, item: JsonObject) -> list[Event]: ...

    def end(self, item: JsonObject) -> list[Event]: ...


def item_of(item: JsonObject, position: Position) -> Item:
    match text(item, "type"):
        case "message":
            return Message(position)
        case "reasoning":
            return Reasoning(position)
        case "function_call":
            return Call(position, "function", "arguments")
        case "custom_tool_call":
            return Call(position, "custom", "input")
        case _:
            return _Kept()


@dataclass(slots=True)
class Message:
    """Text and refusals, by their place in `content`."""

    position: Position
    _content: dict[int, Words] = field(default_factory=dict)

    def begin(self, item: JsonObject) -> list[Event]:  # noqa: ARG002 - it is empty, or said again at its end
        return []

    def words(self, index: int) -> Words:
        if index not in self._content:
            self._content[index] = Words(self.position)
        return self._content[index]

    def end(self, item: JsonObject) -> list[Event]:
        return [event for index, part in enumerate(children(item, "content")) for event in self.words(index).end(part)]


@dataclass(slots=True)
class Reasoning:
    """One block, whose summaries and texts stand one below the other. Sealed thinking comes whole, at the end."""

    position: Position
    _part: int | None = None
    _open: tuple[str, int] | None = None
    _said: dict[tuple[str, int], int] = field(default_factory=dict)

    def begin(self, item: JsonObject) -> list[Event]:  # noqa: ARG002 - what is sealed may not be complete yet
        return []

    def piece(self, kind: str, index: int, said: str) -> list[Event]:
        """`kind`: the member of the item in whose list the text stands at `index`."""
        if not said:
            return []
        place = (kind, index)
        between = "\n\n" if self._open not in (None, place) else ""
        self._open = place
        self._said[place] = self._said.get(place, 0) + len(said)
        return [ReasoningDelta(self._block(), between + said)]

    def rest(self, kind: str, index: int, whole: str) -> list[Event]:
        """What of the whole text no piece has said."""
        return self.piece(kind, index, whole[self._said.get((kind, index), 0) :])

    def end(self, item: JsonObject) -> list[Event]:
        events = [
            event
            for kind in ("summary", "content")
            for index, part in enumerate(children(item, kind))
            for event in self.rest(kind, index, text(part, "text") or "")
        ]
        sealed = text(item, "encrypted_content")
        if sealed:
            maker = text(item, "format") or self.position.format
            said_id = text(item, "id") or ""
            self.position.sealed = True
            events.append(ReasoningDelta(self._block(), data=sealed, format=maker, id=said_id))
        return events

    def _block(self) -> int:
        if self._part is None:
            self._part = self.position.next_part()
        return self._part


@dataclass(slots=True)
class Call:
    """Known by its `call_id`: results name that one, and the item's own id (`fc_…`) means nothing to them.

    `member`: where the whole item has the arguments. A function without any still has `{}`, once, at its end.
    """

    position: Position
    kind: ToolKind
    member: str
    _part: int = 0
    _number: int = 0
    _said: int = 0

    def begin(self, item: JsonObject) -> list[Event]:
        self._part, self._number = self.position.next_part(), self.position.next_call()
        return [ToolCallStarted(self._part, text(item, "call_id") or "", text(item, "name") or "", self.kind)]

    def piece(self, arguments: str) -> list[Event]:
        self._said += len(arguments)
        return [ToolCallDelta(self._part, arguments)] if arguments else []

    def rest(self, whole: str) -> list[Event]:
        return self.piece(whole[self._said :])

    def end(self, item: JsonObject) -> list[Event]:
        events = self.rest(text(item, self.member) or "")
        if not self._said and self.kind == "function":
            events += self.piece("{}")
        beside = without(item, *_CALL)
        if beside:
            events.append(ProviderFields({TOOL_CALL_FIELDS: {str(self._number): beside}}, "message"))
        return events


@dataclass(slots=True)
class _Kept:
    """As it is at its end, or as it began where the answer broke off in the middle of it."""

    _item: JsonObject = field(default_factory=dict)

    def begin(self, item: JsonObject) -> list[Event]:
        self._item = item
        return []

    def end(self, item: JsonObject) -> list[Event]:
        kept = item or self._item
        return [ProviderFields({KEPT: [kept]}, "message")] if kept else []
