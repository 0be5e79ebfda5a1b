"""A loopback HTTP server in front of an emulator: one request at a time, and answers that get lost on demand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web


class Front:
    """`asked`: the operations that came in. `lose(n, operation)`: n of them, after the next `after`, are done and not answered."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = ""
        self.asked: list[str] = []
        self.lost = 0
        self._behind = url
        self._session = session
        self._one_at_a_time = asyncio.Lock()
        self._to_lose: dict[str, list[bool]] = {}

    def lose(self, answers: int, operation: str, *, after: int = 0) -> None:
        self._to_lose[operation] = [False] * after + [True] * answers

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers["x-amz-target"].rpartition(".")[2]
        self.asked.append(operation)
        body = await request.read()
        headers = {
            name: request.headers[name] for name in ("authorization", "content-type", "x-amz-date", "x-amz-target")
        }
        async with (
            self._one_at_a_time,
            self._session.post(f"{self._behind}/", data=body, headers=headers) as response,
        ):
            answer = await response.read()
        plan = self._to_lose.get(operation)
        if plan and plan.pop(0):
            self.lost += 1
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=response.status, body=answer, content_type=response.content_type)


@asynccontextmanager
async def front_of(url: str) -> AsyncIterator[Front]:
    async with aiohttp.ClientSession() as session:
        front = Front(url, session)
        app = web.Application()
        app.router.add_post("/", front.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield front
        finally:
            await runner.cleanup()


class RefusalError(Exception):
    """An AWS error whose answer is kept, as a client may that reads the item of a refused condition."""

    def __init__(self, code: str, item: Any) -> None:
        super().__init__(code)
        self.code = code
        self.item = item


@asynccontextmanager
async def call_with_items(url: str) -> AsyncIterator[Any]:
    """A DynamoDB `call` that hands on the item of a refusal, where the project's client may not."""
    headers = {
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20270115/eu-central-1/dynamodb/aws4_request,"
        " SignedHeaders=host, Signature=0",
        "content-type": "application/x-amz-json-1.0",
        "x-amz-date": "20270115T080000Z",
    }
    async with aiohttp.ClientSession() as session:

        async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
            target = {"x-amz-target": f"DynamoDB_20120810.{operation}"}
            async with session.post(f"{url}/", data=json.dumps(body), headers=headers | target) as response:
                answer: dict[str, Any] = json.loads(await response.read())
            if response.status != 200:
                raise RefusalError(answer["__type"].rpartition("#")[2], answer.get("Item"))
            return answer

        yield call
