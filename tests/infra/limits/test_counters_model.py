"""Any sequence of reservations, settlements and expiries, against the simplest thing that could be right."""

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from infra.limits.counters import Charge, Granted, Refused
from infra.limits.sqlite import SqliteCounters
from tests.infra.limits.stores import NOW

SCOPE = "org/acme"
CEILINGS = {"tokens": 20, "money": 50, "parallel": 3}
LEASE = 30
LEASE_IDS = st.sampled_from([f"lease{number}" for number in range(8)])
AMOUNTS = st.integers(0, 25)


@dataclass
class Held:
    amounts: dict[str, int]
    expires_at: int
    returned: bool = False


@dataclass
class Model:
    """Counters as plain sums: of what is held, and of what was settled."""

    settled: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CEILINGS, 0))
    held: dict[str, Held] = field(default_factory=dict)

    def values(self) -> dict[str, int]:
        held = [one.amounts for one in self.held.values() if not one.returned]
        return {name: value + sum(one[name] for one in held) for name, value in self.settled.items()}

    def reserve(self, lease_id: str, amounts: dict[str, int], now: int) -> Granted | Refused:
        for one in self.held.values():
            one.returned = one.returned or one.expires_at <= now
        if lease_id in self.held and not self.held[lease_id].returned:
            return Granted(self.values())
        before = self.values()
        if any(before[name] + amounts[name] > ceiling for name, ceiling in CEILINGS.items()):
            return Refused(before)
        self.held[lease_id] = Held(amounts, now + LEASE)
        return Granted(self.values())

    def settle(self, lease_id: str, amounts: dict[str, int]) -> dict[str, int]:
        if self.held.pop(lease_id, None) is not None:
            self.settled = {name: value + amounts.get(name, 0) for name, value in self.settled.items()}
        return self.values()


class Agreement(RuleBasedStateMachine):
    """Both do the same, and say the same of every counter after every step."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self._loop = asyncio.new_event_loop()
        self._store = SqliteCounters(Path(self._folder.name) / "control.db")
        self._model = Model()
        self._now = NOW

    def teardown(self) -> None:
        self._do(self._store.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._folder.cleanup()

    @rule(lease_id=LEASE_IDS, tokens=AMOUNTS, money=AMOUNTS)
    def reserve(self, lease_id: str, tokens: int, money: int) -> None:
        amounts = {"tokens": tokens, "money": money, "parallel": 1}
        charges = [Charge(name, amounts[name], ceiling, None) for name, ceiling in CEILINGS.items()]
        answer = self._do(self._store.reserve(SCOPE, lease_id, charges, expires_at=self._now + LEASE, now=self._now))
        assert answer == self._model.reserve(lease_id, amounts, self._now)

    @rule(lease_id=LEASE_IDS, tokens=AMOUNTS, money=AMOUNTS)
    def settle(self, lease_id: str, tokens: int, money: int) -> None:
        amounts = {"tokens": tokens, "money": money, "parallel": 0}
        answer = self._do(self._store.settle(SCOPE, lease_id, amounts, now=self._now))
        assert answer == self._model.settle(lease_id, amounts)

    @rule(seconds=st.integers(1, LEASE))
    def pass_time(self, seconds: int) -> None:
        self._now += seconds

    @rule()
    def open_again(self) -> None:
        self._do(self._store.close())
        self._store = SqliteCounters(Path(self._folder.name) / "control.db")

    @invariant()
    def the_counters_are_the_sums(self) -> None:
        assert self._do(self._store.read(SCOPE, list(CEILINGS), now=self._now)) == self._model.values()

    def _do(self, work: Any) -> Any:
        return self._loop.run_until_complete(work)


TestAgreement = Agreement.TestCase
TestAgreement.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
