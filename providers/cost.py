"""What a request cost.

A cost that the provider reports is the one that it bills, discounts and tools included: it wins over the price list.
But a reported zero counts as not told where the list has a price, for resellers pass another's usage on and leave the
member at 0 (Azure's Grok does), and a budget must not take that for a gift.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Final

from providers.billed import billed, quantities, reported_usd, served

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.prices import ModelInfo, Price, Rate
    from providers.usage import Usage

_DAY: Final = 86_400
_EPOCH: Final = 719_468  # days from 0000-03-01 to 1970-01-01
_NOTHING_ASKED: Final[Mapping[str, str]] = {}


def cost(usage: Usage, info: ModelInfo | None, *, at: int, asked: Mapping[str, str] = _NOTHING_ASKED) -> int | None:
    """Nano-dollars (1e-9 USD), rounded up once; None where no price is known or no token was counted.

    `at`: epoch seconds of the request; the same as for its estimate, or a price may change in between. `asked`: what
    the request asked for, in the words of `Price.when` (see `providers.estimate.conditions`); what the answer says of
    how it was served goes before it.
    """
    told = reported_usd(usage.extra)
    if told:
        return nano(told)
    listed = None if info is None else _listed(usage, rates_at(info, at=at, asked={**asked, **served(usage.extra)}))
    return 0 if listed is None and told is not None else listed


def rates_at(info: ModelInfo, *, at: int, asked: Mapping[str, str]) -> dict[str, Rate]:
    """The rates that hold at a moment, by unit; none where the model has no price."""
    if not info.prices:
        return {}
    standard = next((price for price in reversed(info.prices) if _holds(price, at)), info.prices[0])
    rates: dict[str, Rate] = {}
    for variant in info.variants:
        if _holds(variant, at) and all(asked.get(name) == value for name, value in variant.when.items()):
            rates = {**variant.rates, **rates}
    return {**standard.rates, **rates}


def counted(rates: Mapping[str, Rate]) -> bool:
    """Whether these rates are by what a chat's usage tells: tokens or requests, and not hours, pages or characters."""
    return any(unit.endswith("_mtok") or unit == "requests_kcount" for unit in rates)


def usd_per_one(rate: Rate, unit: str, prompt: int) -> Decimal:
    """Dollars for one token, request or search. `prompt`: all input tokens of the request, which choose the tier."""
    tier = next((amount for above, amount in reversed(rate.tiers) if prompt > above), rate.base)
    return tier.scaleb(-6 if unit.endswith("_mtok") else -3)


def nano(usd: Decimal) -> int:
    return int(usd.scaleb(9).to_integral_value(ROUND_CEILING))


def _listed(usage: Usage, rates: Mapping[str, Rate]) -> int | None:
    """A bucket that the model has no rate for, nor for what it is part of, costs nothing: an embedding's output."""
    paid = billed(usage)
    buckets = (paid.input, paid.output, paid.cache_read, paid.cache_write, paid.reasoning)
    if not counted(rates) or all(bucket is None for bucket in (*buckets, paid.audio_input, paid.audio_output)):
        return None
    total = Decimal(0)
    for quantity in quantities(paid):
        unit = next((unit for unit in quantity.units if unit in rates), None)
        if unit is not None and quantity.count:
            total += quantity.count * usd_per_one(rates[unit], unit, paid.prompt)
    return nano(total)


def _holds(price: Price, at: int) -> bool:
    if price.since is not None and at // _DAY < _day(price.since):
        return False
    if price.daily is None:
        return True
    begin, end = price.daily
    now = _time_of_day(at)
    return begin <= now < end if begin <= end else now >= begin or now < end


def _day(iso: str) -> int:
    """Days since 1970 of `2026-11-23`. A year is counted from March, so that a leap day is its last."""
    year, month, day = map(int, iso.split("-"))
    if month < 3:
        year -= 1
    leap_days = year // 4 - year // 100 + year // 400
    before_month = (153 * ((month + 9) % 12) + 2) // 5
    return 365 * year + leap_days + before_month + day - 1 - _EPOCH


def _time_of_day(at: int) -> str:
    """In UTC, `16:30:00`: text of one width, which compares as time does."""
    minutes, seconds = divmod(at % _DAY, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
