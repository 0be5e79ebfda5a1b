"""What a model costs and how much it reads, as genai-prices has it (see tests/catalog/generate.py).

The file is valid JSON with one model a line. It is searched, not parsed: a look-up decodes the one line that it is
about, 0.1 ms instead of 7 ms for the whole, and nothing is kept in memory but the text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Rate:
    """US dollars. `tiers` are `(above, rate)`, ascending by input tokens of the request, cached ones included.

    Crossing a threshold changes the rate of **all** tokens, input and output, not only of those beyond it.
    """

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """Rates by genai-prices' unit, and when they hold.

    The unit tells the quantity: `input_mtok`, `cache_read_mtok`, `output_audio_mtok` … per million tokens,
    `web_searches_kcount` and `requests_kcount` per thousand, `audio_hours`, `input_mchars`, `input_document_kpages`.
    A bucket without a unit of its own (`cache_read`, `reasoning`, audio) is billed as the `input` or `output` it is
    part of.

    `since`: the first day, ISO 8601 in UTC. `daily`: from and to, UTC times of day; to is exclusive and may lie
    before from, past midnight. `when`: what the request must have asked for (`service_tier: flex`).
    """

    rates: Mapping[str, Rate]
    since: str | None = None
    daily: tuple[str, str] | None = None
    when: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """`prices`: the last one whose condition holds counts, and the first one where none does.

    `variants` replace single rates of it: for each unit the first whose conditions hold. `context_window` in tokens.
    `price_version` names the edition of the price list, so that a stored cost can be told from a later one.
    """

    provider: str
    model: str
    context_window: int | None
    deprecated: bool
    prices: tuple[Price, ...]
    variants: tuple[Price, ...]
    price_version: str


def price_of(provider: str, model: str) -> ModelInfo | None:
    """By our provider id and the canonical model id, both exactly as `catalog` has them."""
    row = _member(f"{provider}/{model}")
    if row is None:
        return None
    return ModelInfo(
        provider=provider,
        model=model,
        context_window=row.get("context"),
        deprecated=row.get("deprecated", False),
        prices=tuple(map(_price, row["prices"])),
        variants=tuple(map(_price, row.get("variants", ()))),
        price_version=_member("source"),
    )


def _member(key: str) -> Any:
    """One member of the file's object, or None. Each is a line `"key": value,`."""
    text, opening = _text(), f"\n{json.dumps(key)}: "
    start = text.find(opening)
    if start < 0:
        return None
    start += len(opening)
    return json.loads(text[start : text.index("\n", start)].removesuffix(","))


@cache
def _text() -> str:
    return Path(__file__).with_name("prices.json").read_text("utf-8")


def _price(row: Mapping[str, Any]) -> Price:
    daily = row.get("daily")
    return Price(
        rates={unit: _rate(value) for unit, value in row["rates"].items()},
        since=row.get("since"),
        daily=(daily[0], daily[1]) if daily else None,
        when=row.get("when", {}),
    )


def _rate(value: str | list[Any]) -> Rate:
    if isinstance(value, str):
        return Rate(Decimal(value))
    base, *tiers = value
    return Rate(Decimal(base), tuple((above, Decimal(rate)) for above, rate in tiers))
