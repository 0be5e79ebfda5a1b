"""Counters for any number of sandboxes: one DynamoDB item per scope, and no write without its condition.

DynamoDB carries out the writes on an item one after the other and evaluates each one's condition within it, so nobody
reads, decides and then writes: that is how budgets are overspent. A refused write brings the item back. From it is seen
whether the lease is there already (the answer to an earlier try of ours was lost), and which leases have expired.

Who settles a lease that was given back meanwhile must be told from who settles twice: the former finds a tombstone
(`returned/<id>`), the latter nothing. Only the leases of crashes leave one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from infra.limits.counters import Charge, CountersFault, Granted, Refused
from infra.limits.counters_item import CountersItem, Holding, item_key, lease_for, read_item
from infra.limits.updates import GIVE_BACK_BATCH, MAX_LEASES, giving_back, reservation, settlement

Call: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Operation ("UpdateItem") and body in the DynamoDB JSON 1.0 wire form; returns the response body or raises anything.

Of an exception, `code` tells a refused condition from an outage, and `item`, where it is there, is the refusal's item.
"""

# A lease is taken, given back and settled: each of these may come between a look and a write once.
_ROUNDS: Final = 4
# Leases of this process whose settlement needs no read. More than a sandbox has requests at once; a lease that was
# never settled, or one that is not in here, costs a read and nothing else.
_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class _Written:
    item: CountersItem


@dataclass(frozen=True, slots=True)
class _Stood:
    """The condition did not hold; the item as it stood."""

    item: CountersItem


class DynamoCounters:
    """`call` does the network; the store owns nothing, so `close` only ends its use.

    The table is the control table, or any with the string keys `pk` and `sk` and the TTL attribute `expires_at`.
    """

    def __init__(self, call: Call, table: str) -> None:
        self._call = call
        self._table = table
        self._held: dict[tuple[str, str], Holding] = {}
        self._closed = False

    async def reserve(
        self, scope: str, lease_id: str, charges: Sequence[Charge], *, expires_at: int, now: int
    ) -> Granted | Refused:
        """Also raises `CountersFault` where `MAX_LEASES` requests of the scope are under way."""
        counters = [charge.counter for charge in charges]
        if any(charge.ceiling is not None and charge.amount > charge.ceiling for charge in charges):
            # No counter is low enough, not even one that is not there, which the condition would let pass.
            return Refused((await self._look(scope)).values(counters))
        body = reservation(self._table, scope, lease_for(lease_id, charges, expires_at), charges, now)
        item = (await self._update(scope, body)).item
        if lease_id not in item.leases and await self._give_back(scope, item, now):
            item = (await self._update(scope, body)).item
        held = item.holding(lease_id, now)
        if held is not None and not held.returned:
            self._remember(scope, held)
            return Granted(item.values(counters))
        if len(item.leases) >= MAX_LEASES:
            raise CountersFault(f"{MAX_LEASES} requests at once are reserved, more than one item can hold")
        return Refused(item.values(counters))

    async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
        held = self._held.pop((scope, lease_id), None)
        if held is None:
            item = await self._look(scope)
            held = item.holding(lease_id, now)
        for _ in range(_ROUNDS):
            if held is None:
                return item.values(amounts)
            outcome = await self._update(scope, settlement(self._table, scope, held, amounts, now))
            item = outcome.item
            if isinstance(outcome, _Written):
                # The request is over, so nobody waits for this; and what was to be settled is.
                with contextlib.suppress(CountersFault):
                    await self._give_back(scope, item, now)
                return item.values(dict.fromkeys([*held.counters, *amounts]))
            held = item.holding(lease_id, now)
        raise CountersFault("a lease changed hands between every look at it and every write")

    async def read(self, scope: str, counters: Sequence[str], *, now: int) -> Mapping[str, int]:  # noqa: ARG002
        return (await self._look(scope)).values(counters)

    async def close(self) -> None:
        self._closed = True

    async def _give_back(self, scope: str, item: CountersItem, now: int) -> bool:
        """Whether leases had expired. Where somebody else was faster, it is looked again at what is left to do."""
        body = giving_back(self._table, scope, item, now)
        found = body is not None
        for _ in range(MAX_LEASES // GIVE_BACK_BATCH):
            if body is None:
                break
            item = (await self._update(scope, body)).item
            body = giving_back(self._table, scope, item, now)
        return found

    def _remember(self, scope: str, held: Holding) -> None:
        if len(self._held) >= _REMEMBERED:
            del self._held[next(iter(self._held))]
        self._held[scope, held.lease.lease_id] = held

    async def _look(self, scope: str) -> CountersItem:
        answer = await self._send("GetItem", {"TableName": self._table, "Key": item_key(scope), "ConsistentRead": True})
        return read_item(answer.get("Item") or {})

    async def _update(self, scope: str, body: dict[str, Any]) -> _Written | _Stood:
        try:
            answer = await self._send("UpdateItem", body)
        except _ConditionFailed as refusal:
            # A client that does not hand on the item of a refusal costs a read, which may find what others did since.
            stood = refusal.item
            return _Stood(await self._look(scope) if stood is None else read_item(stood))
        return _Written(read_item(answer.get("Attributes") or {}))

    async def _send(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise CountersFault("the DynamoDB counters are closed")
        try:
            return await self._call(operation, body)
        except Exception as error:
            # By attribute and not by its class AwsError, which would bring aiohttp into an import of this module.
            if getattr(error, "code", None) == "ConditionalCheckFailedException":
                raise _ConditionFailed(getattr(error, "item", None)) from error
            raise CountersFault(f"DynamoDB {operation} failed: {error}") from error


class _ConditionFailed(CountersFault):
    def __init__(self, item: Mapping[str, Any] | None) -> None:
        super().__init__("the condition of a write did not hold")
        self.item = item
