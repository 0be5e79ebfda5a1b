"""An answer as events, block by block: what the stream and the whole body have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.bedrock.block import Block, Position, block_of
from providers.bedrock.error import protocol_error
from providers.bedrock.usage import parse_usage
from providers.events import Event, Finished, FinishReason, ProviderFields, Started, UsageReported
from providers.jsonwalk import child, text, without

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

# Bytes of all blocks that have begun and not ended. An honest answer stays below: 300 000 tokens at 200 bytes a frame.
MAX_OPEN = 64 * 1024 * 1024

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html. `length` also stands for an
# answer that the model spoiled (`malformed_…`): it is not all there, and must not pass for it.
_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "malformed_model_output": "length",
    "malformed_tool_use": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_PLAIN = frozenset({"end_turn", "max_tokens", "tool_use"})


class Answer:
    """Call `start`, `piece` and `end` for each block, `stop`, and `metadata`."""

    def __init__(self) -> None:
        self.started = False
        self._position = Position()
        self._open: dict[int, tuple[Block, int]] = {}
        self._held = 0

    def start(self) -> list[Event]:
        """Once; Bedrock names neither an id nor a model. What comes without a beginning begins by itself."""
        begun = [] if self.started else [Started()]
        self.started = True
        return [*begun]

    def piece(self, index: int, piece: JsonObject, size: int = 0) -> list[Event]:
        """`size`: bytes that stay in memory with the block."""
        events = self.start()
        if index not in self._open:
            self._open[index] = (block_of(piece, self._position), 0)
            events += self._open[index][0].begin()
        block, held = self._open[index]
        self._open[index] = (block, held + size)
        self._held += size
        if self._held > MAX_OPEN:
            raise protocol_error("content blocks over the size limit")
        return [*events, *block.piece(piece)]

    def is_open(self, index: int) -> bool:
        return index in self._open

    def end(self, index: int) -> list[Event]:
        """The end of a block that has begun; nothing for any other (a block may be empty)."""
        if index not in self._open:
            return []
        block, size = self._open.pop(index)
        self._held -= size
        return block.end()

    def stop(self, event: JsonObject) -> list[Event]:
        """A `messageStop`, or the same members of a whole answer."""
        events = self.start()
        events += [event for index in tuple(self._open) for event in self.end(index)]
        events += _fields(without(event, "stopReason"))
        native = text(event, "stopReason")
        reason = _REASONS.get(native or "")
        finished = Finished(reason or "stop", None if native in _PLAIN else native, known=reason is not None)
        return [*events, finished]

    def metadata(self, event: JsonObject) -> list[Event]:
        """Usage comes last, as in OpenAI's streams; before it `metrics`, `trace` and what else is said around it."""
        usage = without(child(event, "usage"))
        reported: list[Event] = [UsageReported(parse_usage(usage))] if usage else []
        return [*self.start(), *_fields(without(event, "usage")), *reported]


def _fields(fields: JsonObject) -> list[Event]:
    return [ProviderFields(fields)] if fields else []
