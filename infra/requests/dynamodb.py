"""The request log of a deployed Sabir, in its control table: the string keys `pk` and `sk`, TTL by `expires_at`.

- `REQ#<org>#<shard>`, `<request id>`: a record. `REQERR#…`: the same once more where it failed, so that "what failed
  last night" reads failures alone.
- `USAGE#<org>#<shard>`, `H#<hour>#<key>#<provider>#<model>` and `D#<day>#…`: sums.

A request's shard is told by its id. DynamoDB carries out 1000 write units a second for a partition key; a request costs
2 for its record and 2 for its sums, so four shards take about 2000 requests a second of one org.

No day in a record's partition: that would not spread anything, as all writes are today's. Ids sort by time, so the last
records are the ends of four partitions however long ago they came, and no day without requests is read. One record is
found by its id alone, and a page goes on from an id, in all shards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from infra.requests.cursor import cursor, span
from infra.requests.ids import began_at
from infra.requests.kept import document, kept
from infra.requests.merge import Merge
from infra.requests.rollup import cells, numbers, summed, times
from infra.requests.store import Page, RequestsFault
from infra.requests.wire import (
    SHARDS,
    addition,
    read_cells,
    read_found,
    read_record,
    record_item,
    record_key,
    records_query,
    search_of,
    sums_query,
)

if TYPE_CHECKING:
    from infra.control.store import Json
    from infra.requests.record import RequestRecord
    from infra.requests.rollup import Cell
    from infra.requests.store import Report, UsageRow, Wanted

Call: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]
"""Operation ("PutItem") and body in the DynamoDB JSON 1.0 wire form; returns the response body or raises anything."""

_T = TypeVar("_T")

# Items of a shard that a page's first round looks at: its part of them, and what chance may add to a shard.
_CHANCE: Final = 8
# Each round looks further back than the one before, until DynamoDB's own 1 MB ends it: about a thousand records.
_FURTHER: Final = 8
# So a page that finds little costs at most 20 reads, and is short.
_ROUNDS: Final = 5


class DynamoRequests:
    """`call` does the network; the store owns nothing, so `close` only ends its use."""

    def __init__(self, call: Call, table: str) -> None:
        self._call = call
        self._table = table
        self._closed = False

    async def put(self, record: RequestRecord, *, expires_at: int) -> None:
        """Whatever fails, the rest is written."""
        one, amounts, places = kept(record), numbers(record), cells(record)
        copies = (False, True) if one.failed else (False,)
        items = [record_item(one, expires_at, failures=failures) for failures in copies]
        await _all(
            *(self._send("PutItem", {"TableName": self._table, "Item": item}) for item in items),
            *(self._send("UpdateItem", addition(self._table, one, cell, amounts)) for cell in places),
        )

    async def get(self, org: str, request_id: str, *, now: int) -> Mapping[str, Json] | None:
        if began_at(request_id) is None:
            return None
        key = record_key(org, request_id)
        answer = await self._send("GetItem", {"TableName": self._table, "Key": key, "ConsistentRead": True})
        text = read_record(answer, now)
        return None if text is None else document(text)

    async def page(self, wanted: Wanted, *, now: int, limit: int = 100, after: str | None = None) -> Page:
        ids = span(wanted, limit, after)
        if not ids:
            return Page(())
        search = search_of(self._table, wanted, ids.start, now)
        merge = Merge(search.partitions, ids.start, ids.stop, limit)
        for further in range(_ROUNDS):
            behind = merge.behind()
            size = (limit // SHARDS + _CHANCE) * _FURTHER**further
            queries = [records_query(search, shard.partition, shard.known - 1, size) for shard in behind]
            answers = await _all(*(self._send("Query", query) for query in queries))
            for shard, answer in zip(behind, answers, strict=True):
                merge.add(shard, read_found(answer))
        texts, position = merge.page()
        return Page(tuple(map(document, texts)), None if position is None else cursor(wanted, position))

    async def usage(self, report: Report, *, now: int) -> list[UsageRow]:
        at = times(report, now)
        if not at:
            return []
        shards = await _all(*(self._cells(sums_query(self._table, report, at, shard)) for shard in range(SHARDS)))
        return summed(report, (found for shard in shards for found in shard))

    async def close(self) -> None:
        self._closed = True

    async def _cells(self, query: dict[str, Any]) -> list[tuple[Cell, dict[str, int]]]:
        found: list[tuple[Cell, dict[str, int]]] = []
        start: object = None
        while True:
            answer = await self._send("Query", query if start is None else {**query, "ExclusiveStartKey": start})
            found += read_cells(answer)
            start = answer.get("LastEvaluatedKey")
            if start is None:
                return found

    async def _send(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        if self._closed:
            raise RequestsFault("the DynamoDB request log is closed")
        try:
            return await self._call(operation, body)
        except Exception as error:
            # An `AwsError` says nothing of the request. Of any other one it is not known, and so it is only named.
            said = str(error) if hasattr(error, "code") else type(error).__name__
            raise RequestsFault(f"DynamoDB {operation} failed: {said}") from error


async def _all(*calls: Awaitable[_T]) -> list[_T]:
    """Each is done to its end, and then the first fault raised: none is left at work behind the caller's back."""
    results: list[_T] = []
    for result in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
        results.append(result)
    return results
