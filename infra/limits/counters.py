"""What a store of counters must do. Both implementations pass tests/infra/limits/test_counters.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CountersFault(Exception):
    """The store failed or could not be reached. The text holds no secret."""


@dataclass(frozen=True, slots=True)
class Charge:
    """Add `amount` to a counter, if the sum stays within `ceiling` (None: any sum).

    A counter of a window has it in its name (`tokens/29384857`) and is forgotten some time after `until`, the epoch
    second in which the window ends; None is a counter that no window ends (`parallel`).
    """

    counter: str
    amount: int
    ceiling: int | None
    until: int | None


@dataclass(frozen=True, slots=True)
class Granted:
    """`values`: every charged counter after the write."""

    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was added. `values`: every charged counter as it stands."""

    values: Mapping[str, int]


class Counters(Protocol):
    """Counters of scopes (`key/acme/7f3k…`, `org/acme`). Every method raises `CountersFault` and nothing else.

    A lease is the right to what was reserved. Whoever holds it settles it; what a killed process left behind is given
    back by whoever meets it after `expires_at`. All of it is exact for any number of processes at once.
    """

    async def reserve(
        self, scope: str, lease_id: str, charges: Sequence[Charge], *, expires_at: int, now: int
    ) -> Granted | Refused:
        """All charges or none, in one conditional write; a repeat with the same `lease_id` adds nothing.

        Where a charge does not fit, expired leases of the scope are given back first and it is tried once more.
        """
        ...

    async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
        """Replace what the lease reserved by what it really took, counter by counter; 0 for those not named.

        The settled counters' values. A lease that was settled before adds nothing; one that was given back meanwhile
        is booked all the same, for the money is spent.
        """
        ...

    async def read(self, scope: str, counters: Sequence[str], *, now: int) -> Mapping[str, int]:
        """Values for reports; 0 for what was never charged."""
        ...

    async def close(self) -> None: ...
