"""The control table over real HTTP: two emulators, of which each is strict where the other is not."""

from __future__ import annotations

import itertools
import random
import time
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import DYNAMODB, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import TypeAlias

    ControlTable: TypeAlias = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]
    LosingAnswers: TypeAlias = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, list[str]]]]

__all__ = ["control_table", "losing_answers"]

_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
_table_numbers = itertools.count(1)


@pytest.fixture
def control_table() -> ControlTable:
    """Opens a client and a fresh control table on the emulator at a URL."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[tuple[AwsJsonClient, str]]:
        async with aiohttp.ClientSession() as session:
            client = _client(session, url)
            table = f"sabir-control-{next(_table_numbers)}"
            await client.call(
                "CreateTable",
                {
                    "TableName": table,
                    "AttributeDefinitions": [
                        {"AttributeName": "pk", "AttributeType": "S"},
                        {"AttributeName": "sk", "AttributeType": "S"},
                    ],
                    "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"},
                        {"AttributeName": "sk", "KeyType": "RANGE"},
                    ],
                    "BillingMode": "PAY_PER_REQUEST",
                },
            )
            yield client, table

    return opened


@pytest.fixture
def losing_answers() -> LosingAnswers:
    """Opens a client of the emulator at a URL whose every write is carried out, but whose first answer to each kind of
    write is lost on the way; and the operations that came by.
    """

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[tuple[AwsJsonClient, list[str]]]:
        seen: list[str] = []

        async def forward(request: web.Request) -> web.Response:
            operation = request.headers["x-amz-target"].partition(".")[2]
            async with session.post(url, data=await request.read(), headers=request.headers) as answer:
                body = await answer.read()
            seen.append(operation)
            if operation in _WRITES and seen.count(operation) == 1:
                assert answer.status == 200
                assert request.transport is not None
                request.transport.close()
            return web.Response(status=answer.status, body=body, content_type="application/x-amz-json-1.0")

        app = web.Application()
        app.router.add_post("/", forward)
        runner = web.AppRunner(app)
        async with aiohttp.ClientSession() as session:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            try:
                yield _client(session, f"http://127.0.0.1:{runner.addresses[0][1]}"), seen
            finally:
                await runner.cleanup()

    return opened


def _client(session: aiohttp.ClientSession, url: str) -> AwsJsonClient:
    return AwsJsonClient(
        session,
        StaticCredentials(AwsCredentials("AKIAEXAMPLE", "example-secret", "example-token")),
        DYNAMODB,
        region="eu-central-1",
        endpoint=f"{url}/",
        clock=time.time,
        jitter=random.random,
        timeout=20,
    )
