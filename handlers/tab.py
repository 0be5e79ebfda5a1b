"""What a request runs up over all of its attempts: one that broke off was charged for, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from infra.limits.windows import Need
from infra.requests.record import BUCKETS
from providers import catalog
from providers.cost import cost
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from handlers.estimates import Estimate
    from infra.requests.record import RequestRecord
    from providers.routing.serving import Leg

# Of one attempt. A provider's numbers are its own affair, but no answer has given tokens back, and what no answer can
# have taken (a million dollars) would be more than a counter, a metric or the log's sums can hold.
_MOST_TOKENS: Final = 10**9
_MOST_NANO_USD: Final = 10**15


class Counted(NamedTuple):
    """`estimated`: the provider reported nothing, or not all of it."""

    usage: Usage
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Bill:
    """`need`: for the limits, within bounds. `nano_usd`: None where no price is known of any attempt."""

    need: Need
    usage: Usage | None = None
    estimated: bool = False
    nano_usd: int | None = None
    price_version: str | None = None


class Tab:
    """`at`: epoch seconds, which decide the price."""

    def __init__(self, estimate: Estimate, at: int) -> None:
        self.estimate = estimate
        self.at = at
        self._attempts: list[tuple[Leg, Callable[[], Counted | None]]] = []
        self._replayed: tuple[Leg, Callable[[], Counted | None]] | None = None
        self._bill: tuple[int, Bill] | None = None

    def add(self, leg: Leg, used: Callable[[], Counted | None]) -> None:
        """`used` is asked when the attempt is over; None: nothing was answered."""
        self._attempts.append((leg, used))

    def replay(self, leg: Leg, used: Callable[[], Counted | None]) -> None:
        """An answer from the cache takes nothing. `used`: what it took when it was new."""
        self._replayed = (leg, used)

    def bill(self) -> Bill:
        """Of the attempts that are over; reckoned once for as many of them."""
        if self._bill is None or self._bill[0] != len(self._attempts):
            self._bill = (len(self._attempts), self._reckoned(self._attempts))
        return self._bill[1]

    def note(self, record: RequestRecord) -> None:
        """For the log, when all is over."""
        bill = self.bill()
        record.usage, record.usage_estimated = bill.usage, bill.estimated
        record.cost_nano_usd, record.price_version = bill.nano_usd, bill.price_version
        if self._replayed is not None:
            saved = self._reckoned([self._replayed])
            record.cost_nano_usd, record.saved_nano_usd = 0, saved.nano_usd
            record.price_version = saved.price_version

    def _reckoned(self, attempts: Iterable[tuple[Leg, Callable[[], Counted | None]]]) -> Bill:
        tokens, money = 0, 0
        bill = Bill(Need(0, 0))
        for leg, used in attempts:
            counted = used()
            if counted is None:
                continue
            usage = _possible(counted.usage)
            tokens += min(usage.prompt + usage.completion, _MOST_TOKENS)
            info = catalog.find(leg.provider, leg.model)
            paid = cost(counted.usage, info, at=self.at, asked=self.estimate.conditions())
            money += min(max(0, paid or 0), _MOST_NANO_USD)
            known = paid is not None
            bill = Bill(
                Need(tokens, money),
                usage if bill.usage is None else bill.usage.plus(usage),
                bill.estimated or counted.estimated,
                money if known else bill.nano_usd,
                info.price_version if info is not None and known else bill.price_version,
            )
        return bill


def _possible(usage: Usage) -> Usage:
    """Each bucket within what an answer can have taken."""
    counts = {
        name: None if count is None else min(max(0, count), _MOST_TOKENS)
        for name in BUCKETS
        for count in [getattr(usage, name)]
    }
    return Usage(**counts, extra=usage.extra)
