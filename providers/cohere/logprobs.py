"""Cohere's log probabilities in OpenAI's form.

Cohere gives them for chunks of text, each of one token or more. A chunk is one entry: its log probability is the sum of
those of its tokens, which stand beside it as they came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.events import Event, ProviderFields
from providers.jsonwalk import text, without

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeGuard

    from providers.jsonwalk import Json, JsonObject


def logprobs(items: Iterable[JsonObject]) -> list[Event]:
    """The member `logprobs` of the choice, as far as these items go; nothing where there are none."""
    entries: list[Json] = [_entry(item) for item in items]
    return [ProviderFields({"logprobs": {"content": entries}}, "choice")] if entries else []


def _entry(item: JsonObject) -> JsonObject:
    token = text(item, "text") or ""
    given = item.get("logprobs")
    return {
        "token": token,
        "logprob": sum((each for each in given if _is_finite(each)), 0.0) if isinstance(given, list) else 0.0,
        "bytes": [*token.encode("utf-8", "replace")],
        "top_logprobs": [],
        **without(item, "text"),
    }


def _is_finite(value: Json) -> TypeGuard[int | float]:
    """JSON has numbers that no float can hold, and a sum must not fail on them."""
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e300 < value < 1e300
