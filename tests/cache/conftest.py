"""Entries to store, and DynamoDB over real HTTP: two emulators, of which each is strict where the other is not."""

import itertools
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer
from cache.stores.base import Store
from cache.stores.dynamodb import DynamoStore
from cache.stores.memory import MemoryStore
from cache.stores.sqlite import SqliteStore
from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import DYNAMODB, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials

NOW = 1_800_000_000

_STARTUP_SECONDS = 60.0
_table_numbers = itertools.count(1)

Seal = Callable[..., SealedEntry]
Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]


@pytest.fixture
def dynamo() -> Dynamo:
    """Opens a client and a fresh table on the emulator at a URL."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[tuple[AwsJsonClient, str]]:
        async with aiohttp.ClientSession() as session:
            client = AwsJsonClient(
                session,
                StaticCredentials(AwsCredentials("AKIAEXAMPLE", "example-secret", "example-token")),
                DYNAMODB,
                region="eu-central-1",
                endpoint=f"{url}/",
                clock=time.time,
                jitter=random.random,
                timeout=20,
            )
            table = f"sabir-cache-{next(_table_numbers)}"
            await client.call(
                "CreateTable",
                {
                    "TableName": table,
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "B"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                },
            )
            yield client, table

    return opened


@pytest.fixture
def seal() -> Seal:
    """Seals random bytes, which do not compress, so that `size` is about what gets stored."""

    def sealed(size: int = 100, *, expires_at: int = NOW + 3600, item_id: bytes = b"i" * 32) -> SealedEntry:
        entry = CacheEntry(os.urandom(size), NOW, expires_at)
        return Sealer(lambda: os.urandom(12)).seal(os.urandom(32), entry, SealContext(item_id, b"key"))

    return sealed


@pytest.fixture(
    params=[
        "memory",
        "sqlite",
        pytest.param("moto", marks=pytest.mark.slow),
        pytest.param("ministack", marks=pytest.mark.slow),
    ]
)
async def store(request: pytest.FixtureRequest, tmp_path: Path, dynamo: Dynamo) -> AsyncIterator[Store]:
    """Each of those that there are."""
    made: Store
    match request.param:
        case "memory":
            made = MemoryStore()
        case "sqlite":
            made = SqliteStore(tmp_path / "cache.db")
        case emulator:
            async with dynamo(request.getfixturevalue(f"{emulator}_url")) as (client, table):
                made = DynamoStore(client.call, table)
                yield made
                await made.close()
                return
    yield made
    await made.close()
