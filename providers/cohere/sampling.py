"""Temperature, p, k, penalties, seed and stop sequences.

Nothing is clamped: a value outside of the range that Cohere documents is refused, with the client's own name for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import Unsupported

if TYPE_CHECKING:
    from providers.chat import ChatRequest
    from providers.jsonwalk import Json, JsonObject

_MOST_STOPS = 5

# The client's name, Cohere's, and the range, ends included.
_RANGES: tuple[tuple[str, str, float, float], ...] = (
    ("temperature", "temperature", 0, 1),
    ("top_p", "p", 0.01, 0.99),
    ("top_k", "k", 0, 500),
    ("frequency_penalty", "frequency_penalty", 0, 1),
    ("presence_penalty", "presence_penalty", 0, 1),
    ("seed", "seed", 0, 2**64 - 1),
)


def sampling(chat: ChatRequest) -> JsonObject:
    """Only what the client said; zeros are said."""
    values: JsonObject = {}
    for ours, theirs, least, most in _RANGES:
        value: float | int | None = getattr(chat, ours)
        if value is None:
            continue
        if not least <= value <= most:
            raise Unsupported(f"Cohere's {ours} goes from {least} to {most}.", param=ours)
        values[theirs] = value
    return values


def stop_sequences(chat: ChatRequest) -> list[Json] | None:
    if chat.stop is None:
        return None
    if len(chat.stop) > _MOST_STOPS:
        raise Unsupported(f"Cohere takes at most {_MOST_STOPS} stop sequences.", param="stop")
    return [*chat.stop]
