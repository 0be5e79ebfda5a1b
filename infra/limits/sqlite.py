"""Counters in the embedded store: one SQLite file, for any number of processes on one machine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.limits.counters import Charge, CountersFault, Granted, Refused
from infra.limits.retention import FORGET_AFTER, REMEMBER_RETURNED
from infra.sqlite import Component, SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

_COMPONENT: Final = Component(
    "limits",
    1,
    (
        """CREATE TABLE limits_counters (scope TEXT NOT NULL, counter TEXT NOT NULL, value INTEGER NOT NULL,
        until INTEGER, PRIMARY KEY (scope, counter)) WITHOUT ROWID""",
        """CREATE TABLE limits_leases (scope TEXT NOT NULL, lease_id TEXT NOT NULL, amounts TEXT NOT NULL,
        expires_at INTEGER NOT NULL, given_back INTEGER NOT NULL, PRIMARY KEY (scope, lease_id)) WITHOUT ROWID""",
        "CREATE INDEX limits_leases_by_expiry ON limits_leases (scope, given_back, expires_at)",
    ),
)


class SqliteCounters:
    """Shares the file at `path` with the other stores. Each method is one transaction that has the file to itself.

    Amounts of a lease are JSON: counter -> [amount, until].
    """

    def __init__(self, path: Path) -> None:
        # A write that the power takes away gives a few requests back: not worth a flush to the disk for each.
        self._file = SqliteFile(path, _COMPONENT, CountersFault, durable=False)

    async def reserve(
        self, scope: str, lease_id: str, charges: Sequence[Charge], *, expires_at: int, now: int
    ) -> Granted | Refused:
        return await self._file.write(
            lambda connection: _Scope(connection, scope, now).reserve(lease_id, charges, expires_at)
        )

    async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
        return await self._file.write(lambda connection: _Scope(connection, scope, now).settle(lease_id, amounts))

    async def read(self, scope: str, counters: Sequence[str], *, now: int) -> Mapping[str, int]:
        return await self._file.read(lambda connection: _Scope(connection, scope, now).values(counters))

    async def close(self) -> None:
        await self._file.close()


class _Scope:
    """A scope's counters inside a transaction."""

    def __init__(self, connection: sqlite3.Connection, scope: str, now: int) -> None:
        self._connection = connection
        self._scope = scope
        self._now = now

    def reserve(self, lease_id: str, charges: Sequence[Charge], expires_at: int) -> Granted | Refused:
        self._sweep()
        lease = self._lease(lease_id)
        if lease is not None and not lease[1]:
            return Granted(self.values(charge.counter for charge in charges))
        before = self.values(charge.counter for charge in charges)
        if any(_exceeds(charge, before[charge.counter]) for charge in charges):
            return Refused(before)
        for charge in charges:
            self._add(charge.counter, charge.amount, charge.until)
        amounts = json.dumps({charge.counter: [charge.amount, charge.until] for charge in charges})
        self._connection.execute(
            "REPLACE INTO limits_leases VALUES (?, ?, ?, ?, 0)", (self._scope, lease_id, amounts, expires_at)
        )
        return Granted(self.values(before))

    def settle(self, lease_id: str, amounts: Mapping[str, int]) -> Mapping[str, int]:
        lease = self._lease(lease_id)
        if lease is None:
            return self.values(amounts)
        reserved, given_back = lease
        for counter, (amount, until) in reserved.items():
            self._add(counter, amounts.get(counter, 0) - (0 if given_back else amount), until)
        self._connection.execute("DELETE FROM limits_leases WHERE scope = ? AND lease_id = ?", (self._scope, lease_id))
        return self.values({**reserved, **amounts})

    def values(self, counters: Iterable[str]) -> dict[str, int]:
        rows = self._connection.execute("SELECT counter, value FROM limits_counters WHERE scope = ?", (self._scope,))
        found = dict(rows.fetchall())
        return {counter: found.get(counter, 0) for counter in counters}

    def _sweep(self) -> None:
        """Give back what expired, and forget windows and leases that nobody asks for any more."""
        for lease_id, text in self._connection.execute(
            "SELECT lease_id, amounts FROM limits_leases WHERE scope = ? AND given_back = 0 AND expires_at <= ?",
            (self._scope, self._now),
        ).fetchall():
            for counter, (amount, until) in json.loads(text).items():
                self._add(counter, -amount, until)
            self._connection.execute(
                "UPDATE limits_leases SET given_back = 1 WHERE scope = ? AND lease_id = ?", (self._scope, lease_id)
            )
        self._connection.execute(
            "DELETE FROM limits_leases WHERE scope = ? AND given_back = 1 AND expires_at <= ?",
            (self._scope, self._now - REMEMBER_RETURNED),
        )
        self._connection.execute(
            "DELETE FROM limits_counters WHERE scope = ? AND until <= ?", (self._scope, self._now - FORGET_AFTER)
        )

    def _lease(self, lease_id: str) -> tuple[dict[str, tuple[int, int | None]], bool] | None:
        """What it reserved, and whether that was given back."""
        row = self._connection.execute(
            "SELECT amounts, given_back FROM limits_leases WHERE scope = ? AND lease_id = ?", (self._scope, lease_id)
        ).fetchone()
        return None if row is None else (json.loads(row[0]), bool(row[1]))

    def _add(self, counter: str, amount: int, until: int | None) -> None:
        """Not to a window that was forgotten: it would begin again, without what else was in it."""
        if until is None or until > self._now - FORGET_AFTER:
            self._connection.execute(
                "INSERT INTO limits_counters VALUES (?, ?, ?, ?)"
                " ON CONFLICT (scope, counter) DO UPDATE SET value = value + excluded.value",
                (self._scope, counter, amount, until),
            )


def _exceeds(charge: Charge, value: int) -> bool:
    return charge.ceiling is not None and value > charge.ceiling - charge.amount
