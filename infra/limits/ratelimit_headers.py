"""The `x-ratelimit-*` headers that OpenAI's clients read, and one of ours for money.

Names and formats: https://platform.openai.com/docs/guides/rate-limits, "Rate limits in headers". A time is written as
Go prints a `time.Duration`: `120ms`, `1s`, `1.167s`, `6m0s`, `57m41.658s`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.limits.windows import Bound, LimitName

_WINDOWED: Final[tuple[tuple[LimitName, str], ...]] = (
    ("requests_per_minute", "requests"),
    ("tokens_per_minute", "tokens"),
)
_MONEY: Final = frozenset({"nano_usd_per_day", "nano_usd_per_month"})
_BUDGET: Final = "x-sabir-budget-remaining-usd"


def headers(standing: Sequence[tuple[Bound, int]], now: float) -> dict[str, str]:
    """What is left of each limit that is set, of the scope where the least is left; the values are after the write."""
    written: dict[str, str] = {}
    for limit, word in _WINDOWED:
        of_it = [(bound.remaining(value), bound) for bound, value in standing if bound.limit == limit]
        if of_it:
            remaining, bound = min(of_it, key=lambda pair: (pair[0], pair[1].ceiling))
            written[f"x-ratelimit-limit-{word}"] = str(bound.ceiling)
            written[f"x-ratelimit-remaining-{word}"] = str(remaining)
            written[f"x-ratelimit-reset-{word}"] = duration((bound.until or now) - now)
    money = [bound.remaining(value) for bound, value in standing if bound.limit in _MONEY]
    if money:
        written[_BUDGET] = usd(min(money))
    return written


def duration(seconds: float) -> str:
    """Rounded up to a whole millisecond: who waits that long has waited long enough."""
    ms = max(0, -int(-seconds * 1000 // 1))
    if ms == 0:
        return "0s"
    if ms < 1000:
        return f"{ms}ms"
    minutes, ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(ms, 3)}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


def usd(nano_usd: int) -> str:
    """Nano-dollars as an exact decimal number: `12.5`, `0.000000001`, `3`."""
    return _decimal(nano_usd, 9)


def _decimal(number: int, digits: int) -> str:
    whole, fraction = divmod(number, 10**digits)
    return f"{whole}.{fraction:0{digits}}".rstrip("0").rstrip(".") if fraction else str(whole)
