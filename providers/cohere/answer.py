"""An answer as events, part by part: what the stream and the whole body have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.cohere.block import MAX_PARTS, Block, Position, ToolCall, block_of
from providers.cohere.citation import citations
from providers.cohere.error import broken_off, protocol_error
from providers.cohere.logprobs import logprobs
from providers.cohere.reasoning import TOOL_PLAN
from providers.cohere.usage import parse_usage
from providers.events import Event, Failed, Finished, FinishReason, ProviderFields, ReasoningDelta, UsageReported
from providers.jsonwalk import child, text, without

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.events import Scope
    from providers.jsonwalk import JsonObject

# Bytes of all parts that have begun and not ended. An honest answer stays below: 64 000 tokens at 150 bytes a frame.
MAX_OPEN: Final = 64 * 1024 * 1024

# `ERROR_TOXIC`, `ERROR_LIMIT` and `USER_CANCEL` are of the API's first version, and still in its document.
_REASONS: dict[str, FinishReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "length",
    "USER_CANCEL": "length",
}
_PLAIN = frozenset({"COMPLETE", "MAX_TOKENS", "TOOL_CALL"})

_MESSAGE = ("role", "content", "tool_plan", "tool_calls", "citations")
_END = ("id", "type", "finish_reason", "usage", "error", "error_type", "message", "logprobs")


class Answer:
    """Call `start`, then whatever comes, and `finish` with what closes the message."""

    def __init__(self) -> None:
        self.started = False
        self._position = Position()
        self._plan: int | None = None
        self._content = _Parts()
        self._calls = _Parts()
        self._begins: dict[int, int] = {}

    def start(self, message: JsonObject) -> list[Event]:
        """Reads the members of the message that have no word here."""
        self.started = True
        return _fields(without(message, *_MESSAGE), "message")

    def plan(self, said: str | None) -> list[Event]:
        if not said:
            return []
        if self._plan is None:
            self._plan = self._position.next_part()
        return [ReasoningDelta(self._plan, said, format=TOOL_PLAN)]

    def begin(self, index: int, start: JsonObject, size: int = 0) -> list[Event]:
        """A content block. `size`: bytes that may stay in memory with it."""
        block = block_of(start, self._position)
        self._begins[index] = self._position.text
        return self._opened(self._content, index, block, size)

    def piece(self, index: int, delta: JsonObject, size: int = 0) -> list[Event]:
        """Of a block that has not begun it is the beginning: the pieces say what kind they are."""
        if index not in self._content:
            return self.begin(index, delta, size)
        return self._extended(self._content, index, delta, size)

    def end(self, index: int) -> list[Event]:
        return self._content.end(index)

    def begin_call(self, index: int, start: JsonObject, size: int = 0) -> list[Event]:
        return self._opened(self._calls, index, ToolCall(start, self._position), size)

    def piece_of_call(self, index: int, delta: JsonObject, size: int = 0) -> list[Event]:
        if index not in self._calls:
            raise protocol_error("a piece of a tool call that has not begun")
        return self._extended(self._calls, index, delta, size)

    def end_call(self, index: int) -> list[Event]:
        return self._calls.end(index)

    def cite(self, citation: JsonObject) -> list[Event]:
        return [*citations(citation, self._begins)]

    def logprobs(self, items: Iterable[JsonObject]) -> list[Event]:
        return logprobs(items)

    def finish(self, told: JsonObject) -> list[Event]:
        """Usage comes last, as in OpenAI's streams. An answer that broke off ends in its error, and nothing else."""
        native = text(told, "finish_reason")
        if native is not None and native not in _REASONS and native.startswith(("ERROR", "TIMEOUT")):
            return [Failed(broken_off(native, told))]
        events = [*self._content.end_all(), *self._calls.end_all(), *_fields(without(told, *_END), "completion")]
        known = native in _REASONS
        events.append(Finished(_REASONS.get(native or "", "stop"), None if native in _PLAIN else native, known=known))
        usage = child(told, "usage")
        return [*events, UsageReported(parse_usage(usage))] if usage else events

    def _opened(self, parts: _Parts, index: int, block: Block, size: int) -> list[Event]:
        events = [*parts.end(index), *parts.begin(index, block, size)]
        self._check_size()
        return events

    def _extended(self, parts: _Parts, index: int, delta: JsonObject, size: int) -> list[Event]:
        events = parts.piece(index, delta, size)
        self._check_size()
        return events

    def _check_size(self) -> None:
        if self._content.held + self._calls.held > MAX_OPEN or len(self._begins) > MAX_PARTS:
            raise protocol_error("an answer over the size limit")


class _Parts:
    """The parts of one kind that have begun and not ended, by Cohere's index, with the bytes that they may hold."""

    def __init__(self) -> None:
        self.held = 0
        self._open: dict[int, tuple[Block, int]] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._open

    def begin(self, index: int, block: Block, size: int) -> list[Event]:
        self._open[index] = (block, size)
        self.held += size
        return block.begin()

    def piece(self, index: int, delta: JsonObject, size: int) -> list[Event]:
        block, held = self._open[index]
        self._open[index] = (block, held + size)
        self.held += size
        return block.piece(delta)

    def end(self, index: int) -> list[Event]:
        """The end of a part that has begun; nothing for any other."""
        if index not in self._open:
            return []
        block, size = self._open.pop(index)
        self.held -= size
        return block.end()

    def end_all(self) -> list[Event]:
        return [event for index in tuple(self._open) for event in self.end(index)]


def _fields(fields: JsonObject, scope: Scope) -> list[Event]:
    return [ProviderFields(fields, scope)] if fields else []
