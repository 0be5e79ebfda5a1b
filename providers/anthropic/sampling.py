"""Temperature, top_p, top_k and stop sequences.

Nothing is clamped: a value that Anthropic refuses is refused here, with the client's own name for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.anthropic.profile import Model
    from providers.chat import ChatRequest
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Below it, top_p is refused beside thinking.
_LEAST_TOP_P_THINKING = 0.95


def sampling(chat: ChatRequest, model: Model, *, thinking: bool, dropped: Dropped) -> JsonObject:
    """A `1` for temperature or top_p is the default: where the model takes no value at all, it is left out."""
    _check_ranges(chat)
    values: JsonObject = {"temperature": chat.temperature, "top_p": chat.top_p, "top_k": chat.top_k}
    values = {name: value for name, value in values.items() if value is not None}
    if model.sampling == "none":
        return _without_any(values, dropped)
    if thinking:
        _check_beside_thinking(chat)
    if model.sampling == "one" and {"temperature", "top_p"} <= values.keys():
        _keep_one(values, dropped)
    return values


def stop_sequences(chat: ChatRequest) -> list[Json] | None:
    if chat.stop is None:
        return None
    if not all(sequence.strip() for sequence in chat.stop):
        raise Unsupported("Anthropic takes no stop sequence of nothing but white space.", param="stop")
    return [*chat.stop]


def _check_ranges(chat: ChatRequest) -> None:
    if chat.temperature is not None and not 0 <= chat.temperature <= 1:
        raise Unsupported("Anthropic's temperature goes from 0 to 1.", param="temperature")


def _check_beside_thinking(chat: ChatRequest) -> None:
    if chat.temperature not in {None, 1}:
        raise Unsupported("Beside thinking, Anthropic takes no temperature but 1.", param="temperature")
    if chat.top_p is not None and chat.top_p < _LEAST_TOP_P_THINKING:
        raise Unsupported("Beside thinking, Anthropic takes no top_p below 0.95.", param="top_p")
    if chat.top_k is not None:
        raise Unsupported("Beside thinking, Anthropic takes no top_k.", param="top_k")


def _without_any(values: JsonObject, dropped: Dropped) -> JsonObject:
    for name, value in values.items():
        if value != 1 or name == "top_k":
            raise Unsupported(f"This model takes no {name}.", param=name)
        dropped.add(name)
    return {}


def _keep_one(values: JsonObject, dropped: Dropped) -> None:
    neutral = next((name for name in ("top_p", "temperature") if values[name] == 1), None)
    if neutral is None:
        raise Unsupported("This model takes temperature or top_p, not both.", param="top_p")
    del values[neutral]
    dropped.add(neutral)
