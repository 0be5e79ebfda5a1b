"""Which counters a request is charged to, and what a refusal means. Pure: `now` is an argument.

Windows are fixed, not sliding: minutes aligned to the epoch, days and months in UTC. So a window is a number in a
counter's name, one conditional write needs no history, and a report of a month is one attribute. The price is known:
around a minute's end up to two minutes' worth may pass within sixty seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, assert_never

from infra.limits.counters import Charge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.control.records import Limits

LimitName: TypeAlias = Literal[
    "requests_per_minute", "tokens_per_minute", "parallel_requests", "nano_usd_per_day", "nano_usd_per_month"
]

RETRY_PARALLEL: Final = 1.0
"""Seconds. When another request ends is not known; this is short beside an answer's time, long beside a round trip."""

_MINUTE: Final = 60
_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Need:
    """What a request may take at most (to reserve) or took (to settle). Requests are counted, not needed."""

    tokens: int
    nano_usd: int


@dataclass(frozen=True, slots=True)
class Bound:
    """One limit of a scope at one moment. `until`: the epoch second in which its window ends."""

    limit: LimitName
    ceiling: int
    counter: str
    amount: int
    until: int | None

    @property
    def charge(self) -> Charge:
        return Charge(self.counter, self.amount, self.ceiling, self.until)

    @property
    def fits_an_empty_counter(self) -> bool:
        return self.amount <= self.ceiling

    def remaining(self, value: int) -> int:
        """Never below 0: what was really used may lie above what was reserved, and above the limit."""
        return max(0, self.ceiling - value)

    def used(self, need: Need) -> int:
        """The amount to settle on: the request stays counted, its place among the parallel ones is free again."""
        match self.limit:
            case "requests_per_minute":
                return self.amount
            case "parallel_requests":
                return 0
            case "tokens_per_minute":
                return need.tokens
            case "nano_usd_per_day" | "nano_usd_per_month":
                return need.nano_usd
            case _:
                assert_never(self.limit)


@dataclass(frozen=True, slots=True)
class Refusal:
    """`retry_after`: seconds until it may fit; None where it never can, as it needs more than the whole limit."""

    limit: LimitName
    retry_after: float | None


def bounds(limits: Limits, need: Need, now: float) -> tuple[Bound, ...]:
    """One for each limit that is set."""
    wanted: tuple[tuple[LimitName, int | None, int], ...] = (
        ("requests_per_minute", limits.requests_per_minute, 1),
        ("tokens_per_minute", limits.tokens_per_minute, need.tokens),
        ("parallel_requests", limits.parallel_requests, 1),
        ("nano_usd_per_day", limits.nano_usd_per_day, need.nano_usd),
        ("nano_usd_per_month", limits.nano_usd_per_month, need.nano_usd),
    )
    return tuple(_bound(limit, ceiling, amount, now) for limit, ceiling, amount in wanted if ceiling is not None)


def hit_bounds(limits: Limits, now: float) -> tuple[Bound, ...]:
    """A cache hit takes no tokens, no money and no time at a provider; that it was asked for counts."""
    return tuple(bound for bound in bounds(limits, Need(0, 0), now) if bound.limit == "requests_per_minute")


def window_of(limit: LimitName, now: float) -> tuple[str, int | None]:
    """The counter that the limit is charged to at `now`, and the epoch second in which its window ends."""
    minute, day = int(now // _MINUTE), int(now // _DAY)
    match limit:
        case "requests_per_minute":
            return f"requests/{minute}", (minute + 1) * _MINUTE
        case "tokens_per_minute":
            return f"tokens/{minute}", (minute + 1) * _MINUTE
        case "parallel_requests":
            return "parallel", None
        case "nano_usd_per_day":
            return f"nano_usd/day/{datetime.fromtimestamp(now, UTC):%Y-%m-%d}", (day + 1) * _DAY
        case "nano_usd_per_month":
            month = datetime.fromtimestamp(now, UTC)
            return f"nano_usd/month/{month:%Y-%m}", _next_month(month)
        case _:
            assert_never(limit)


def refusal(asked: Sequence[Bound], values: Mapping[str, int], now: float) -> Refusal:
    """Of several limits in the way the one that is in the way longest: who waits for another is refused again."""
    over = [bound for bound in asked if bound.amount + values[bound.counter] > bound.ceiling]
    if not over:
        # What was in the way has gone between the refusal and the look at the counters.
        nearest = min(asked, key=lambda bound: bound.ceiling - bound.amount - values[bound.counter])
        return Refusal(nearest.limit, RETRY_PARALLEL)
    waits = [(_wait(bound, now), bound.limit) for bound in over]
    wait, limit = max(waits)
    return Refusal(limit, None if wait == inf else wait)


def _bound(limit: LimitName, ceiling: int, amount: int, now: float) -> Bound:
    counter, until = window_of(limit, now)
    return Bound(limit, ceiling, counter, amount, until)


def _wait(bound: Bound, now: float) -> float:
    if not bound.fits_an_empty_counter:
        return inf
    return RETRY_PARALLEL if bound.until is None else bound.until - now


def _next_month(day: datetime) -> int:
    years, month = divmod(day.month, 12)
    return int(datetime(day.year + years, month + 1, 1, tzinfo=UTC).timestamp())
