"""A scope's item in DynamoDB, as it is read and as its attributes are named.

pk = `LIMIT#<scope>`, sk = `COUNTERS`, and at the top level, so that any of them may be absent and none has to be made
before another one:

- a number for each counter: `parallel`, `tokens/29384857@1763091480`; behind the @ the second in which its window ends
- `lease/<id>`, a text: `<expires_at> <counter>=<amount> …`, what is reserved and not settled
- `returned/<id>`, the same text, once the lease has expired and was given back
- `leases`, how many leases there are
- `expires_at`, for the table's TTL, later than anything in the item matters
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from infra.limits.counters import CountersFault
from infra.limits.retention import FORGET_AFTER, REMEMBER_RETURNED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.limits.counters import Charge

MAX_RETURNED: Final = 200
"""A crash leaves one each; this many are 30 KB, and the earliest go first."""

LEASES: Final = "leases"
EXPIRES_AT: Final = "expires_at"
_LEASE: Final = "lease/"
_RETURNED: Final = "returned/"


@dataclass(frozen=True, slots=True)
class Lease:
    """`amounts`: by attribute, not by counter. `text` is how it is stored, and what a condition compares with."""

    lease_id: str
    expires_at: int
    amounts: tuple[tuple[str, int], ...]

    @property
    def text(self) -> str:
        return " ".join([str(self.expires_at), *(f"{attribute}={amount}" for attribute, amount in self.amounts)])

    @property
    def attribute(self) -> str:
        return _LEASE + self.lease_id

    @property
    def returned_attribute(self) -> str:
        return _RETURNED + self.lease_id


@dataclass(frozen=True, slots=True)
class CountersItem:
    """`counters`: by attribute. All of it is empty for an item that is not there."""

    counters: Mapping[str, int]
    leases: Mapping[str, Lease]
    returned: Mapping[str, Lease]

    def values(self, counters: Iterable[str]) -> dict[str, int]:
        by_name = {counter_name(attribute): value for attribute, value in self.counters.items()}
        return {counter: by_name.get(counter, 0) for counter in counters}

    def expired(self, now: int) -> list[Lease]:
        """The earliest first."""
        over = [lease for lease in self.leases.values() if lease.expires_at <= now]
        return sorted(over, key=lambda lease: (lease.expires_at, lease.lease_id))

    def outlived(self, now: int) -> list[str]:
        """Attributes that nobody asks for any more, for the next write to remove."""
        windows = [attribute for attribute in self.counters if is_over(attribute, now)]
        returned = sorted(self.returned.values(), key=lambda lease: lease.expires_at)
        surplus = len(returned) - MAX_RETURNED
        forgotten = [
            lease.returned_attribute
            for index, lease in enumerate(returned)
            if index < surplus or lease.expires_at + REMEMBER_RETURNED <= now
        ]
        return windows + forgotten

    def holding(self, lease_id: str, now: int) -> Holding | None:
        lease = self.leases.get(lease_id)
        if lease is not None:
            return Holding(lease, self.outlived(now))
        lease = self.returned.get(lease_id)
        return None if lease is None else Holding(lease, self.outlived(now), returned=True)


@dataclass(frozen=True, slots=True)
class Holding:
    """What there is to know of an item to settle a lease: no more than this is kept in mind while a request lasts.

    `returned`: the lease expired and was given back. `outlived`: what the settlement may remove on its way.
    """

    lease: Lease
    outlived: Sequence[str]
    returned: bool = False

    @property
    def attribute(self) -> str:
        return self.lease.returned_attribute if self.returned else self.lease.attribute

    @property
    def counters(self) -> list[str]:
        return [counter_name(attribute) for attribute, _ in self.lease.amounts]


def counter_attribute(charge: Charge) -> str:
    return charge.counter if charge.until is None else f"{charge.counter}@{charge.until}"


def counter_name(attribute: str) -> str:
    return attribute.partition("@")[0]


def is_over(attribute: str, now: int) -> bool:
    until = attribute.partition("@")[2]
    return until != "" and int(until) + FORGET_AFTER <= now


def lease_for(lease_id: str, charges: Sequence[Charge], expires_at: int) -> Lease:
    return Lease(lease_id, expires_at, tuple((counter_attribute(charge), charge.amount) for charge in charges))


def item_key(scope: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": f"LIMIT#{scope}"}, "sk": {"S": "COUNTERS"}}


def read_item(attributes: Mapping[str, Mapping[str, Any]]) -> CountersItem:
    """Raises `CountersFault` for what no Sabir wrote."""
    counters: dict[str, int] = {}
    leases: dict[str, Lease] = {}
    returned: dict[str, Lease] = {}
    try:
        for name, value in attributes.items():
            if name.startswith(_LEASE):
                lease = _read_lease(name.removeprefix(_LEASE), value["S"])
                leases[lease.lease_id] = lease
            elif name.startswith(_RETURNED):
                lease = _read_lease(name.removeprefix(_RETURNED), value["S"])
                returned[lease.lease_id] = lease
            elif "N" in value and name not in {LEASES, EXPIRES_AT}:
                is_over(name, 0)  # raises ValueError where the end of the window is no number
                counters[name] = int(value["N"])
    except (AttributeError, KeyError, TypeError, ValueError):
        raise CountersFault("an item of counters cannot be read: it was written by something else") from None
    return CountersItem(counters, leases, returned)


def _read_lease(lease_id: str, text: str) -> Lease:
    expires_at, *pairs = text.split(" ")
    amounts = (pair.rpartition("=") for pair in pairs)
    return Lease(lease_id, int(expires_at), tuple((attribute, int(amount)) for attribute, _, amount in amounts))
