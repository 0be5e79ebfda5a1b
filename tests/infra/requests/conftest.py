"""The request log in each of its stores; DynamoDB's over real HTTP on both emulators."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.dynamodb import DynamoRequests
from infra.requests.sqlite import SqliteRequests
from tests.infra.limits.front import front_of
from tests.infra.limits.stores import client_of, fresh_table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from infra.requests.store import RequestStore
    from tests.infra.limits.stores import Place


@asynccontextmanager
async def _opened(place: Place) -> AsyncIterator[DynamoRequests]:
    async with client_of(place.url) as client:
        yield DynamoRequests(client.call, place.table)


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("moto", marks=pytest.mark.slow),
        pytest.param("ministack", marks=pytest.mark.slow),
    ]
)
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[RequestStore]]:
    """Two of the same, over the same records."""
    if request.param == "sqlite":
        sqlite = [SqliteRequests(tmp_path / "sabir.db") for _ in range(2)]
        yield [*sqlite]
        for store in sqlite:
            await store.close()
        return
    place = await fresh_table(request.param, request.getfixturevalue(f"{request.param}_url"))
    async with AsyncExitStack() as stack:
        if request.param == "moto":
            # As DynamoDB, and unlike moto, carries out the writes on an item: one after the other.
            place = replace(place, url=(await stack.enter_async_context(front_of(place.url))).url)
        yield [await stack.enter_async_context(_opened(place)) for _ in range(2)]


@pytest.fixture
def store(stores: list[RequestStore]) -> RequestStore:
    return stores[0]


class Ledger:
    """A `call` that hands on to an emulator and notes what it was asked and what came back."""

    def __init__(self, call: Any, table: str) -> None:
        self._call = call
        self.table = table
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: list[dict[str, Any]] = []

    async def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, body))
        answer: dict[str, Any] = await self._call(operation, body)
        self.answers.append(answer)
        return answer

    def operations(self) -> list[str]:
        return sorted(operation for operation, _ in self.asked)

    def looked_at(self) -> int:
        """Items that the queries went over, whether or not they were handed out."""
        return sum(answer["ScannedCount"] for answer in self.answers if "ScannedCount" in answer)

    def forget(self) -> None:
        self.asked.clear()
        self.answers.clear()

    async def put(self, item: dict[str, Any]) -> None:
        await self._call("PutItem", {"TableName": self.table, "Item": item})

    async def items(self) -> list[dict[str, Any]]:
        return list((await self._call("Scan", {"TableName": self.table}))["Items"])


@pytest.fixture(params=["moto", "ministack"])
async def ledger(request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    place = await fresh_table(request.param, request.getfixturevalue(f"{request.param}_url"))
    async with client_of(place.url) as client:
        yield Ledger(client.call, place.table)
