"""The control store of a deployed Sabir: one DynamoDB table with the string keys `pk` and `sk`.

`call` tries again whenever an answer was lost, and the first try may have been carried out. So that this is no conflict
with oneself, each write leaves its random id in the item, and a refused one first looks whether it was done already. A
deletion leaves nothing, so one with a condition goes as a transaction, whose token DynamoDB knows for ten minutes.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from infra.control.item import check_keys, check_page, check_writes, expired
from infra.control.store import Conflict, ControlFault, Item, ItemKey, Write
from infra.control.wire import Stored, action, holds, key_attributes, read_stored

Call: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Operation ("GetItem") and body in the DynamoDB JSON 1.0 wire form; returns the response body or raises anything."""

_ROUNDS: Final = 5
_PAUSE_BASE: Final = 0.05
# A condition that does not hold, or another transaction at work on the same item.
_REFUSALS: Final = frozenset(
    {"ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"}
)


class _Refused(ControlFault):
    """DynamoDB did nothing, and it is to be found out why."""


class DynamoControlStore:
    """`call` does the network; the store owns nothing, so `close` only ends its use.

    `jitter`: a number from 0 to 1 that scales each pause.
    """

    def __init__(self, call: Call, table: str, *, jitter: Callable[[], float] = random.random) -> None:
        self._call = call
        self._table = table
        self._jitter = jitter
        self._closed = False

    async def get(self, keys: Sequence[ItemKey], *, now: int) -> dict[ItemKey, Item]:
        check_keys(keys)
        found = await self._read(keys)
        return {key: stored.item for key, stored in found.items() if not expired(stored.item.expires_at, now)}

    async def page(
        self,
        partition: str,
        prefix: str,
        *,
        now: int,
        limit: int = 100,
        after: str | None = None,
        order: Literal["ascending", "descending"] = "ascending",
    ) -> list[Item]:
        check_page(prefix, limit, after)
        query = _query(self._table, partition, prefix) | {"Limit": limit, "ScanIndexForward": order == "ascending"}
        start: object = None if after is None else key_attributes(ItemKey(partition, after))
        items: list[Item] = []
        while len(items) < limit:
            answer = await self._send("Query", query if start is None else {**query, "ExclusiveStartKey": start})
            page = [read_stored(attributes).item for attributes in _listed(answer, "Items")]
            # TTL deletes what has expired within days, not seconds; until then it takes places in DynamoDB's pages.
            items += [item for item in page if not expired(item.expires_at, now)]
            start = answer.get("LastEvaluatedKey")
            if start is None:
                break
        return items[:limit]

    async def write(self, writes: Sequence[Write], *, now: int) -> None:
        """A write refused though its versions hold met another one's transaction, and is tried again. One that never
        gets through is a fault and no `Conflict`: to read again, as that one asks for, would show nothing new.

        After any other fault the write may have happened or not. And where an answer was lost and another writer came
        before the second try, the `Conflict` is true of what is there, though for a moment this write was.
        """
        check_writes(writes)
        if not writes:
            return
        write_id = _random_id()
        for attempt in range(_ROUNDS):
            if attempt:
                await self._pause(attempt)
            try:
                await self._send(*self._operation(writes, write_id, now))
            except _Refused as refusal:
                if await self._was_done(writes, write_id, now):
                    return
                last = refusal
            else:
                return
        raise ControlFault(f"{last}; {_ROUNDS} times, though the versions hold") from last

    async def close(self) -> None:
        self._closed = True

    def _operation(self, writes: Sequence[Write], write_id: str, now: int) -> tuple[str, dict[str, Any]]:
        actions = [action(write, table=self._table, write_id=write_id, now=now) for write in writes]
        kind, body = actions[0]
        if len(actions) == 1 and (kind != "Delete" or "ConditionExpression" not in body):
            return f"{kind}Item", body
        # A token of its own for each attempt: one that was cancelled is not worth remembering.
        return "TransactWriteItems", {
            "ClientRequestToken": _random_id(),
            "TransactItems": [{kind: body} for kind, body in actions],
        }

    async def _was_done(self, writes: Sequence[Write], write_id: str, now: int) -> bool:
        """Whether a refused write had been carried out before; raises `Conflict` where it cannot be any more."""
        found = await self._read([write.key for write in writes])
        # All or none were written, and each may be overwritten since: one that is ours shows it.
        if any(stored.write_id == write_id for stored in found.values()):
            return True
        for write in writes:
            if not holds(write, found.get(write.key), now):
                raise Conflict(f"the item {write.key.partition} {write.key.sort} is of another version")
        return False

    async def _read(self, keys: Sequence[ItemKey]) -> dict[ItemKey, Stored]:
        """Expired ones too. A key of which nothing is known in the end is a fault: it must not pass for absent."""
        wanted = [key_attributes(key) for key in dict.fromkeys(keys)]
        if not wanted:
            return {}
        if len(wanted) == 1:
            answer = await self._send("GetItem", {"TableName": self._table, "Key": wanted[0], "ConsistentRead": True})
            return _by_key([answer["Item"]] if "Item" in answer else [])
        asked: Any = {self._table: {"Keys": wanted, "ConsistentRead": True}}
        found: list[Mapping[str, Any]] = []
        for attempt in range(_ROUNDS):
            if attempt:
                await self._pause(attempt)
            answer = await self._send("BatchGetItem", {"RequestItems": asked})
            found += _listed(answer.get("Responses"), self._table)
            asked = answer.get("UnprocessedKeys")
            if not asked:
                return _by_key(found)
        raise ControlFault(f"DynamoDB left keys of a BatchGetItem unread {_ROUNDS} times")

    async def _send(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise ControlFault("the DynamoDB control store is closed")
        try:
            return await self._call(operation, body)
        except Exception as error:
            # By attribute and not by its class AwsError, which would bring aiohttp into an import of this module.
            refused = getattr(error, "code", None) in _REFUSALS
            raise (_Refused if refused else ControlFault)(f"DynamoDB {operation} failed: {error}") from error

    async def _pause(self, attempt: int) -> None:
        await asyncio.sleep(self._jitter() * _PAUSE_BASE * 2**attempt)


def _query(table: str, partition: str, prefix: str) -> dict[str, Any]:
    condition, names, values = "#pk = :pk", {"#pk": "pk"}, {":pk": {"S": partition}}
    # An empty string is no value for a key, so it cannot be what one begins with either.
    if prefix:
        condition += " AND begins_with(#sk, :prefix)"
        names["#sk"] = "sk"
        values[":prefix"] = {"S": prefix}
    return {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _by_key(found: Sequence[Mapping[str, Any]]) -> dict[ItemKey, Stored]:
    return {stored.item.key: stored for stored in map(read_stored, found)}


def _listed(answer: Any, name: str) -> list[Any]:
    """An answer without its list tells nothing; as an empty list it would say that there is nothing."""
    listed = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise ControlFault("DynamoDB gave an answer that lists nothing")
    return listed


def _random_id() -> str:
    """128 bits, as long as a ClientRequestToken may be (36 characters)."""
    return os.urandom(16).hex()
