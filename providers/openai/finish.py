"""Why a choice ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.events import Finished

if TYPE_CHECKING:
    from providers.events import FinishReason

_REASONS: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
    # Words of hosts that pass on their engine's own.
    "eos": "stop",  # Together
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "max_tokens": "length",
    "model_length": "length",  # Mistral: the context is full
    "model_context_window_exceeded": "length",  # Z.ai
    "safety": "content_filter",
    "refusal": "content_filter",
    "sensitive": "content_filter",  # Z.ai
}

# A generation that the host broke off is no answer, whatever text came before: Mistral and OpenRouter (`error`),
# DeepSeek (`insufficient_system_resource`), Z.ai (`network_error`), vLLM and SGLang (`abort`).
BROKEN_OFF: Final = frozenset({"error", "insufficient_system_resource", "network_error", "abort"})


def finished(word: str, native: str | None, choice: int) -> Finished:
    """`native` is the word behind the host's own (OpenRouter). An unknown word is a stop, and kept as `native`."""
    reason = _REASONS.get(word.lower())
    return Finished(reason or "stop", native or (None if word == reason else word), choice, reason is not None)
