"""Opens a store of counters, in the tests' process or in a worker's."""

import itertools
import json
import os
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import aiohttp

from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import DYNAMODB, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials
from infra.limits.counters import Charge, Counters
from infra.limits.dynamodb import DynamoCounters
from infra.limits.sqlite import SqliteCounters

NOW = 1_800_000_000
"""In the middle of nothing: 08:00 UTC, a Friday, at the very start of a minute."""
LATER = NOW + 600

_table_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """Where counters are: an SQLite file, or a table of the emulator at a URL."""

    path: str = ""
    emulator: str = ""
    url: str = ""
    table: str = ""

    @property
    def text(self) -> str:
        return json.dumps(asdict(self))


@asynccontextmanager
async def client_of(url: str, *, attempts: int = 3) -> AsyncIterator[AwsJsonClient]:
    async with aiohttp.ClientSession() as session:
        yield AwsJsonClient(
            session,
            StaticCredentials(AwsCredentials("AKIAEXAMPLE", "example-secret", "example-token")),
            DYNAMODB,
            region="eu-central-1",
            endpoint=f"{url}/",
            clock=time.time,
            jitter=random.random,
            timeout=30,
            attempts=attempts,
        )


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Counters]:
    if place.path:
        sqlite = SqliteCounters(Path(place.path))
        try:
            yield sqlite
        finally:
            await sqlite.close()
    else:
        async with client_of(place.url) as client:
            yield DynamoCounters(client.call, place.table)


async def fresh_table(emulator: str, url: str) -> Place:
    table = f"sabir-limits-{os.getpid()}-{next(_table_numbers)}"
    async with client_of(url) as client:
        await client.call(
            "CreateTable",
            {
                "TableName": table,
                "AttributeDefinitions": [
                    {"AttributeName": "pk", "AttributeType": "S"},
                    {"AttributeName": "sk", "AttributeType": "S"},
                ],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        )
    return Place(emulator=emulator, url=url, table=table)


def charge(counter: str, amount: int, ceiling: int | None = None, until: int | None = None) -> Charge:
    return Charge(counter, amount, ceiling, until)
