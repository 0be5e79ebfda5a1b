"""Tool calls out of the deltas of one choice.

OpenAI's rule is simple: `index` says which call, the first delta of a call has its id and name. Hosts bend it. Some
count every call as index 0 and tell them apart by id, or send each whole call with neither; some repeat id and name in
every delta, send the id late, or not at all, or leave the index out; some write arguments as null or as an object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from providers.events import TOOL_CALL_FIELDS, ProviderFields, ToolCallDelta, ToolCallStarted
from providers.extent import Extent
from providers.jsonwalk import child, dump, integer, text, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.events import Event, ToolKind
    from providers.jsonwalk import Json, JsonObject


# Where this module keeps the one call of a message of 2023; no wire has such an entry among its `tool_calls`.
_LEGACY: Final = "function_call"


@dataclass(slots=True)
class _Call:
    """One call under way. Its start is held back until id and name are known; arguments wait with it."""

    part: int
    number: int
    id: str = ""
    name: str = ""
    kind: ToolKind = "function"
    started: bool = False
    arguments: list[str] = field(default_factory=list)
    sent: int = 0
    beside: JsonObject = field(default_factory=dict)
    extent: Extent = field(default_factory=Extent)
    measured: int = 0

    @property
    def complete(self) -> bool:
        """Whether its arguments are a whole JSON object: no part of one is, so what follows is of another call."""
        for piece in self.arguments[self.measured :]:
            self.extent.add(piece)
        self.measured = len(self.arguments)
        return self.extent.closed


class ToolCalls:
    """State of one choice. `next_part` gives a new call its part number; it is asked once a call."""

    def __init__(self, choice: int, next_part: Callable[[], int]) -> None:
        self._choice = choice
        self._next_part = next_part
        self._by_index: dict[int, _Call] = {}
        self._by_id: dict[str, _Call] = {}
        self._calls: list[_Call] = []
        self._flushed = 0  # so many of them have started, and hold nothing back any more

    def add(self, delta: JsonObject) -> list[Event]:
        """Events of one entry of `delta.tool_calls`."""
        kind, body = _body(delta)
        call_id, name = text(delta, "id") or "", text(body, "name") or ""
        arguments = _arguments(body.get("input" if kind == "custom" else "arguments"))
        call = self._find(integer(delta, "index"), call_id, name, arguments)
        events: list[Event] = []
        if call is None:
            events += self.flush()
            call = self._new(integer(delta, "index"), kind)
        call.id = call.id or call_id
        call.name = call.name or name
        if call.id:
            self._by_id.setdefault(call.id, call)
        if arguments:
            call.arguments.append(arguments)
        return [*events, *self._events(call, whole=False), *self._beside(call, delta)]

    def add_whole(self, item: JsonObject) -> list[Event]:
        """One entry of a whole message's `tool_calls`: a call of its own, whatever index or id it claims."""
        kind, body = _body(item)
        call = self._new(None, kind)
        call.id, call.name = text(item, "id") or "", text(body, "name") or ""
        call.arguments = [_arguments(body.get("input" if kind == "custom" else "arguments"))]
        return [*self._events(call, whole=True), *self._beside(call, item)]

    def add_legacy(self, function: JsonObject) -> list[Event]:
        """`function_call` of 2023: one call without an id."""
        return self.add({"index": -1, _LEGACY: function})

    def add_whole_legacy(self, function: JsonObject) -> list[Event]:
        return self.add_whole({_LEGACY: function})

    def flush(self) -> list[Event]:
        """Calls whose id never came start without one: nothing more will be said of them."""
        waiting = self._calls[self._flushed :]
        self._flushed = len(self._calls)
        return [event for call in waiting for event in self._events(call, whole=True)]

    def _find(self, index: int | None, call_id: str, name: str, arguments: str) -> _Call | None:
        """The call that a delta continues, or None where it begins one."""
        if index is None:
            if call_id:
                return self._by_id.get(call_id)
            return None if name or not self._calls else self._calls[-1]
        call = self._by_index.get(index)
        if call is None or (call_id and call.id and call_id != call.id):
            return None
        if name and arguments and not call_id and not call.id and call.complete:
            return None  # the next whole call of a host that gives neither ids nor numbers
        return call

    def _new(self, index: int | None, kind: ToolKind) -> _Call:
        call = _Call(self._next_part(), len(self._calls), kind=kind)
        self._calls.append(call)
        if index is not None:
            self._by_index[index] = call
        return call

    def _beside(self, call: _Call, item: JsonObject) -> list[Event]:
        """What the entry has beyond a call's own words. It is told in full, so what is repeated adds nothing."""
        news = {name: said for name, said in _leftover(item).items() if call.beside.get(name) != said}
        call.beside.update(news)
        return [ProviderFields({TOOL_CALL_FIELDS: {str(call.number): news}}, "message", self._choice)] if news else []

    def _events(self, call: _Call, *, whole: bool) -> list[Event]:
        known = call.name and (call.id or call.kind == "function_call")
        if not (call.started or whole or known):
            return []
        events: list[Event] = []
        if not call.started:
            call.started = True
            events.append(ToolCallStarted(call.part, call.id, call.name, call.kind, self._choice))
        pieces = [piece for piece in call.arguments[call.sent :] if piece]
        call.sent = len(call.arguments)
        return [*events, *(ToolCallDelta(call.part, piece, self._choice) for piece in pieces)]


def _leftover(item: JsonObject) -> JsonObject:
    """Members of a tool call without a word here (`extra_content` with Gemini's thought signature), if any."""
    rest = without(item, "index", "id", "type", "function", "custom", _LEGACY)
    inner = without(child(item, "function"), "name", "arguments")
    return {**rest, "function": inner} if inner else rest


def _body(item: JsonObject) -> tuple[ToolKind, JsonObject]:
    """The object that names the tool. Snowflake sends both, the one not meant with empty strings."""
    if _LEGACY in item:
        return "function_call", child(item, _LEGACY)
    custom, function = child(item, "custom"), child(item, "function")
    if text(item, "type") == "custom" or (custom and not function):
        return "custom", custom
    return "function", function


def _arguments(value: Json) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else dump(value).decode()
