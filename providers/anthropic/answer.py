"""An answer as events, block by block: what the stream and the whole body have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.block import Block, Position, block_of
from providers.anthropic.error import protocol_error
from providers.anthropic.usage import parse_usage
from providers.events import Event, Finished, FinishReason, ProviderFields, Started, UsageReported
from providers.jsonwalk import child, text, without

if TYPE_CHECKING:
    from providers.events import Scope
    from providers.jsonwalk import JsonObject

# Bytes of all blocks that have begun and not ended. An honest answer stays below: 300 000 tokens at 150 bytes a frame.
MAX_OPEN = 64 * 1024 * 1024

# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons. `length` also stands for an answer that
# Anthropic paused (`pause_turn`, `compaction`): it is not all there, and must not pass for it.
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "pause_turn": "length",
    "compaction": "length",
    "refusal": "content_filter",
    "model_context_window_exceeded": "length",
}
_PLAIN = frozenset({"end_turn", "max_tokens", "tool_use"})

_STOP = ("stop_reason", "stop_sequence", "stop_details")
_MESSAGE = ("id", "type", "role", "model", "content", "usage", *_STOP)


class Answer:
    """Call `start`, for each block `begin`, `piece` and `end`, `delta` with what closes the message, and `finish`."""

    def __init__(self) -> None:
        self.started = False
        self._position = Position()
        self._open: dict[int, tuple[Block, int]] = {}
        self._held = 0
        self._usage: JsonObject = {}
        self._stop: JsonObject = {}

    def start(self, message: JsonObject) -> list[Event]:
        """Reads the members around the content, of which a stream has only some at first."""
        self.started = True
        started = Started(text(message, "id"), text(message, "model"))
        self._update(message, message)
        return [started, *_fields(without(message, *_MESSAGE), "completion"), *self._report()]

    def begin(self, index: int, start: JsonObject, size: int = 0) -> list[Event]:
        """`size`: bytes that stay in memory with the block."""
        block = block_of(start, self._position)
        events = self.end(index)
        self._open[index] = (block, 0)
        self._hold(index, size)
        return [*events, *block.begin()]

    def piece(self, index: int, delta: JsonObject, size: int = 0) -> list[Event]:
        if index not in self._open:
            raise protocol_error("a piece of a block that has not begun")
        self._hold(index, size)
        return self._open[index][0].piece(delta)

    def end(self, index: int) -> list[Event]:
        """The end of a block that has begun; nothing for any other."""
        if index not in self._open:
            return []
        block, size = self._open.pop(index)
        self._held -= size
        return block.end()

    def delta(self, event: JsonObject) -> list[Event]:
        """A `message_delta`: the stop, usage, and members that come late (`container`, `context_management`)."""
        message = child(event, "delta")
        self._update(message, event)
        return _fields(without(message, *_STOP) | without(event, "type", "delta", "usage"), "completion")

    def finish(self) -> list[Event]:
        """Usage comes last, as in OpenAI's streams."""
        events = [event for index in tuple(self._open) for event in self.end(index)]
        events += _fields(without(self._stop, "stop_reason"), "choice")
        return [*events, _finished(text(self._stop, "stop_reason")), *self._report()]

    def _update(self, message: JsonObject, around: JsonObject) -> None:
        """`message`: why it stopped; `around`: usage so far, cumulative."""
        self._stop |= {name: message[name] for name in _STOP if message.get(name) is not None}
        self._usage |= without(child(around, "usage"))

    def _report(self) -> list[Event]:
        return [UsageReported(parse_usage(self._usage))] if self._usage else []

    def _hold(self, index: int, size: int) -> None:
        block, held = self._open[index]
        self._open[index] = (block, held + size)
        self._held += size
        if self._held > MAX_OPEN:
            raise protocol_error("content blocks over the size limit")


def _fields(fields: JsonObject, scope: Scope) -> list[Event]:
    return [ProviderFields(fields, scope)] if fields else []


def _finished(native: str | None) -> Finished:
    """An unknown reason is a stop, under its own name."""
    reason = _REASONS.get(native or "")
    return Finished(reason or "stop", None if native in _PLAIN else native, known=reason is not None)
