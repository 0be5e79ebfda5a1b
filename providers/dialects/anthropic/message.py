"""What a message says around its content: identity, why it ended, usage, and what has no word there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.dialects.anthropic.blocks import Blocks
from providers.events import (
    Citation,
    Failed,
    Finished,
    FinishReason,
    ProviderFields,
    RefusalDelta,
    Started,
    UsageReported,
)
from providers.growing import Growing
from providers.jsonwalk import text, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.base import Stamp
    from providers.completion import PartEvent
    from providers.events import Event
    from providers.jsonwalk import JsonObject

# https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons
_WORDS: Final = frozenset({
    "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "compaction", "refusal",
    "model_context_window_exceeded",
})  # fmt: skip
_REASONS: Final[dict[FinishReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}
# Under which names providers say which stop sequence it was: Anthropic, SGLang and vLLM.
_STOPS: Final = ("stop_sequence", "matched_stop", "stop_reason")

_OWN: Final = ("id", "type", "role", "model", "content", "usage", "delta", "object", "stop_reason", "stop_sequence")


class Message:
    """State of one answer. Only the first choice: the API has no other, and none can be asked for."""

    def __init__(self, stamp: Stamp) -> None:
        self._stamp = stamp
        self._started = Started()
        self._usage = Growing(Usage.updated)
        self._finish: Finished | None = None
        self._refused = False
        self._fields: JsonObject = {}
        self._choice: JsonObject = {}
        self._blocks = Blocks(f"toolu_{stamp.id}")

    def hear(self, event: Event) -> list[JsonObject]:
        """Events of content blocks, if there are any to say now."""
        match event:
            case Started():
                self._started = event
            case UsageReported(usage):
                self._usage.add(usage)
            case ProviderFields(fields, "completion"):
                self._fields |= fields
            case Failed():  # pragma: no cover - a stream that failed has no message
                pass
            case _ if event.choice == 0:
                return self._said(event)
            case _:
                pass
        return []

    def _said(self, event: PartEvent | Citation | ProviderFields | Finished) -> list[JsonObject]:
        match event:
            case Finished():
                self._finish = event
                return []
            case ProviderFields(fields, "choice"):
                self._choice |= fields
                return []
            case ProviderFields(fields):
                return self._blocks.fields(fields)
            case Citation():
                return self._blocks.citation(event)
            case _:
                self._refused = self._refused or isinstance(event, RefusalDelta)
                return self._blocks.part(event)

    def close(self) -> list[JsonObject]:
        return self._blocks.close()

    def head(self) -> JsonObject:
        """The message as it begins, with usage so far. What is known of it by now is not said again by `tail`."""
        fields, self._fields = self._fields, {}
        return {
            "id": self._started.id or self._stamp.id,
            "type": "message",
            "role": "assistant",
            "model": self._started.model or self._stamp.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_object(self._usage.whole() or Usage()),
            **without(fields, *_OWN),
        }

    def tail(self) -> JsonObject:
        """The `message_delta` event."""
        rest = {**self._choice, **self._blocks.rest(), **self._fields}
        delta: JsonObject = {
            **self._stop(),
            **{name: rest[name] for name in ("stop_details", "container") if rest.get(name)},
        }
        return {
            "type": "message_delta",
            "delta": delta,
            "usage": usage_object(self._usage.whole() or Usage()),
            **without(rest, *_OWN, *delta),
        }

    def _stop(self) -> JsonObject:
        if self._finish is None:
            return {"stop_reason": None, "stop_sequence": None}
        reason, native = self._finish.reason, self._finish.native
        word = native if native in _WORDS else _REASONS[reason]
        sequence = next((said for name in _STOPS if (said := text(self._choice, name))), None)
        if word == "end_turn" and self._refused:
            word = "refusal"
        elif word == "end_turn" and sequence is not None:
            word = "stop_sequence"
        return {"stop_reason": word, "stop_sequence": sequence if word == "stop_sequence" else None}


def usage_object(usage: Usage) -> JsonObject:
    """Anthropic's `usage`: cached tokens stand beside `input_tokens`, thinking is among `output_tokens`.

    The API promises both numbers, so that 0 stands for "not known (yet)" too.
    """
    body: JsonObject = {
        **usage.extra,
        "input_tokens": (usage.input or 0) + (usage.audio_input or 0),
        "output_tokens": usage.completion,
    }
    if usage.cache_write is not None:
        body["cache_creation_input_tokens"] = usage.cache_write
    if usage.cache_read is not None:
        body["cache_read_input_tokens"] = usage.cache_read
    if usage.reasoning is not None:
        body["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return body
