"""What of an answer's usage is paid for, and at which unit's rate.

`Usage` has the buckets that every provider counts. What else bears on the bill stands in `Usage.extra` under the
provider's own name, and is read here by that name, whoever sends it:

- a cost: `cost_in_usd_ticks`, 1e-10 USD (https://docs.x.ai/developers/cost-tracking); `cost`, USD, to which a caller's
  own key at the router adds `cost_details.upstream_inference_cost`
  (https://openrouter.ai/docs/use-cases/usage-accounting); `cost.total_cost`, USD (Perplexity);
- other counts than those of the model's work: `billed_units` (https://docs.cohere.com/reference/chat);
- the part of a bucket that has a rate of its own: by modality (Google's `…TokensDetails`, OpenAI's `…_tokens_details`),
  by lifetime in the prompt cache (`cache_creation`, Bedrock's `cacheDetails`);
- what is no token: `server_tool_use.web_search_requests`, `num_search_queries`;
- the tier that served, which may be another than the one asked for: `service_tier`, `serviceTier`, `speed`.

Web searches that Google and OpenAI run for a model are paid for and not told in the usage: they are not here.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from providers.jsonwalk import Json, JsonObject, child, children, integer, text
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MODALITIES: Final = ("image", "video")


@dataclass(frozen=True, slots=True)
class Quantity:
    """`units`: of `providers.prices`. The first one that the model has a rate for is the one that is paid."""

    count: int
    units: tuple[str, ...]


def reported_usd(extra: Mapping[str, Json]) -> Decimal | None:
    """The cost as the provider tells it; None where it does not, or in another currency, or only a part of it."""
    ticks = _amount(extra.get("cost_in_usd_ticks"))
    if ticks is not None:
        return ticks.scaleb(-10)
    said = extra.get("cost")
    if isinstance(said, dict):
        return _amount(said.get("total_cost")) if said.get("currency", "USD") == "USD" else None
    charged = _amount(said)
    if charged is None or extra.get("is_byok") is not True:
        return charged
    paid = _amount(child(extra, "cost_details").get("upstream_inference_cost"))
    return None if paid is None else charged + paid


def served(extra: Mapping[str, Json]) -> dict[str, str]:
    """How the request was served, in the words of `Price.when`."""
    said = {"service_tier": text(extra, "service_tier") or text(extra, "serviceTier"), "speed": text(extra, "speed")}
    return {name: value.lower() for name, value in said.items() if value}


def billed(usage: Usage) -> Usage:
    """The usage that is paid for: `billed_units` in place of the model's own counts, no count below zero."""
    units = child(usage.extra, "billed_units")
    read, written = integer(units, "input_tokens"), integer(units, "output_tokens")
    if read is not None or written is not None:
        return Usage(input=_least(read), output=_least(written))
    return Usage(
        _least(usage.input),
        _least(usage.output),
        _least(usage.cache_read),
        _least(usage.cache_write),
        _least(usage.reasoning),
        _least(usage.audio_input),
        _least(usage.audio_output),
        usage.extra,
    )


def quantities(usage: Usage) -> Iterator[Quantity]:
    """Each token of `billed` usage once, each request, each search."""
    extra = usage.extra
    yield from _read(usage)
    yield from _cached(usage)
    yield from _written(usage)
    yield from _answered(usage)
    yield Quantity(_count(extra, "citation_tokens"), ("output_citation_mtok",))
    searches = _count(child(extra, "server_tool_use"), "web_search_requests") or _count(extra, "num_search_queries")
    yield Quantity(searches, ("web_searches_kcount",))
    yield Quantity(1, ("requests_kcount",))


def _read(usage: Usage) -> Iterator[Quantity]:
    left = usage.input or 0
    for kind in _MODALITIES:
        count = min(left, max(0, _prompted(usage.extra, kind) - _from_cache(usage.extra, kind)))
        left -= count
        yield Quantity(count, (f"input_{kind}_mtok", "input_mtok"))
    yield Quantity(left, ("input_mtok",))
    yield Quantity(usage.audio_input or 0, ("input_audio_mtok", "input_mtok"))


def _cached(usage: Usage) -> Iterator[Quantity]:
    left = usage.cache_read or 0
    for kind in ("audio", *_MODALITIES):
        count = min(left, _from_cache(usage.extra, kind))
        left -= count
        yield Quantity(count, (f"cache_{kind}_read_mtok", "cache_read_mtok", f"input_{kind}_mtok", "input_mtok"))
    yield Quantity(left, ("cache_read_mtok", "input_mtok"))


def _written(usage: Usage) -> Iterator[Quantity]:
    left = usage.cache_write or 0
    kept = _count(child(usage.extra, "cache_creation"), "ephemeral_1h_input_tokens") + sum(
        _count(row, "inputTokens") for row in children(usage.extra, "cacheDetails") if text(row, "ttl") == "1h"
    )
    kept = min(left, kept)
    yield Quantity(kept, ("cache_write_1h_mtok", "cache_write_mtok", "input_mtok"))
    yield Quantity(left - kept, ("cache_write_mtok", "input_mtok"))


def _answered(usage: Usage) -> Iterator[Quantity]:
    left = usage.output or 0
    for kind in _MODALITIES:
        count = min(left, _drawn(usage.extra, kind))
        left -= count
        yield Quantity(count, (f"output_{kind}_mtok", "output_mtok"))
    yield Quantity(left, ("output_mtok",))
    yield Quantity(usage.reasoning or 0, ("output_reasoning_mtok", "output_mtok"))
    yield Quantity(usage.audio_output or 0, ("output_audio_mtok", "output_mtok"))


def _prompted(extra: JsonObject, kind: str) -> int:
    """Tokens of a modality in the whole prompt, those from the cache included."""
    return _listed(extra, "promptTokensDetails", kind) or _count(
        child(extra, "prompt_tokens_details"), f"{kind}_tokens"
    )


def _from_cache(extra: JsonObject, kind: str) -> int:
    details = child(child(extra, "prompt_tokens_details"), "cached_tokens_details")
    return _listed(extra, "cacheTokensDetails", kind) or _count(details, f"{kind}_tokens")


def _drawn(extra: JsonObject, kind: str) -> int:
    details = child(extra, "completion_tokens_details")
    return _listed(extra, "candidatesTokensDetails", kind) or _count(details, f"{kind}_tokens")


def _listed(extra: JsonObject, name: str, kind: str) -> int:
    rows = (row for row in children(extra, name) if text(row, "modality") == kind.upper())
    return sum(_count(row, "tokenCount") for row in rows)


def _count(source: Mapping[str, Json], name: str) -> int:
    return max(0, integer(source, name) or 0)


def _least(count: int | None) -> int | None:
    return None if count is None else max(0, count)


def _amount(value: Json) -> Decimal | None:
    """A price as it was written: `repr` of a float is the shortest text that reads as it, not its binary tail."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    amount = Decimal(repr(value))
    return amount if amount.is_finite() and amount >= 0 else None
