"""The deployed form end to end: official SDK, gateway, bundle, provider and an emulated DynamoDB, all over real HTTP.

Nothing here sleeps: the provider, and the table's front, wait until the test says that it has seen what it waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3
import openai
import pytest
from aiohttp import ClientSession, web
from moto.server import ThreadedMotoServer
from openai import AsyncOpenAI

from infra.gateway import Function, Gateway, Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    BuiltBundle = Any

pytestmark = pytest.mark.slow

TABLE = "sabir-cache"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
QUESTION: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a proxy?"}], "seed": 1}


@contextlib.asynccontextmanager
async def serving(handle: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@dataclass
class Provider:
    """Speaks OpenAI's stream; after the first token it waits to be let on."""

    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    breaks_off: bool = False
    calls: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        await self._say(response, {"role": "assistant", "content": "A "}, None)
        await self.go_on.wait()
        if self.breaks_off:
            if request.transport is not None:
                request.transport.abort()
            return response
        await self._say(response, {"content": "middleman."}, None)
        await self._say(response, {}, "stop")
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    async def _say(self, response: web.StreamResponse, delta: dict[str, str], finish: str | None) -> None:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1700000000,
            "model": "gpt-4o-2024-08-06",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


@dataclass
class TableFront:
    """Passes every call on to the emulator; a write has to wait until it is allowed."""

    emulator: str
    client: ClientSession
    put_asked: asyncio.Event = field(default_factory=asyncio.Event)
    put_allowed: asyncio.Event = field(default_factory=asyncio.Event)
    operations: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        operation = request.headers["x-amz-target"].partition(".")[2]
        self.operations.append(operation)
        if operation == "PutItem":
            self.put_asked.set()
            await self.put_allowed.wait()
        kept = {name: request.headers[name] for name in ("x-amz-target", "content-type", "authorization", "x-amz-date")}
        async with self.client.post(self.emulator, data=await request.read(), headers=kept) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)


@dataclass
class Stack:
    gateway: Gateway
    provider: Provider
    table: TableFront
    sdk: AsyncOpenAI


@pytest.fixture(scope="module")
def dynamodb() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def make_table(endpoint: str) -> None:
    client = boto3.client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
    )
    with contextlib.suppress(client.exceptions.ResourceNotFoundException):
        client.delete_table(TableName=TABLE)
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "B"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    client.close()


@pytest.fixture
async def stack(bundle: BuiltBundle, dynamodb: str) -> AsyncIterator[Stack]:
    await asyncio.to_thread(make_table, dynamodb)
    async with contextlib.AsyncExitStack() as opened:
        client = await opened.enter_async_context(ClientSession())
        provider, table = Provider(), TableFront(dynamodb, client)
        provider_url = await opened.enter_async_context(serving(provider.handle))
        table_url = await opened.enter_async_context(serving(table.handle))
        env = {
            **CREDENTIALS,
            "SABIR_CACHE_TABLE": TABLE,
            # The default of 50 ms is for DynamoDB; the emulator on a busy test machine may take longer.
            "SABIR_CACHE_READ_MS": "10000",
            "AWS_ENDPOINT_URL": table_url,
            "OPENAI_BASE_URL": f"{provider_url}/v1",
        }
        gateway = await opened.enter_async_context(Gateway(Function(bundle.path, bundle.interpreter, env=env)))
        sdk = AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="sk-of-the-caller", max_retries=0)
        await opened.enter_async_context(sdk)
        yield Stack(gateway, provider, table, sdk)


async def test_the_first_token_arrives_while_the_provider_still_waits_to_go_on(stack: Stack) -> None:
    stack.table.put_allowed.set()
    stream = await stack.sdk.chat.completions.create(**QUESTION, stream=True)
    tokens = []
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            tokens.append(chunk.choices[0].delta.content)
            # Not before the token is here may the provider send the next.
            stack.provider.go_on.set()
    assert tokens == ["A ", "middleman."]


async def test_the_entry_is_stored_after_the_clients_last_byte_and_before_the_next_event(stack: Stack) -> None:
    stack.provider.go_on.set()
    await stack.gateway.journal.seen(Moment.NEXT_ASKED)
    stream = await stack.sdk.chat.completions.create(**QUESTION, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]) == "A middleman."
    await stack.gateway.journal.seen(Moment.LAST_BYTE_OUT)
    # The client has everything, the write is under way, and the sandbox has not asked for more.
    await stack.table.put_asked.wait()
    assert len(stack.gateway.journal.of(Moment.NEXT_ASKED)) == 1
    stack.table.put_allowed.set()
    await stack.gateway.journal.seen(Moment.NEXT_ASKED, times=2)

    again = await stack.sdk.chat.completions.with_raw_response.create(**QUESTION)
    assert again.headers["x-bt-cached"] == "HIT"
    assert again.parse().choices[0].message.content == "A middleman."
    assert stack.provider.calls == 1


async def test_an_error_after_the_first_byte_is_an_error_to_the_sdk_and_nothing_is_stored(stack: Stack) -> None:
    stack.provider.breaks_off = True
    stream = await stack.sdk.chat.completions.create(**QUESTION, stream=True)
    with pytest.raises(openai.APIError):  # noqa: PT012 - the error comes from the iteration
        async for chunk in stream:
            assert chunk.choices[0].delta.content in {"A ", None, ""}
            stack.provider.go_on.set()
    await stack.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
    assert "PutItem" not in stack.table.operations
    # The application has put the error into the stream, so the runtime has nothing to add to it.
    assert not stack.gateway.journal.of(Moment.ANSWER_CUT)


async def test_a_client_that_goes_away_does_no_harm(stack: Stack) -> None:
    stack.table.put_allowed.set()
    stream = await stack.sdk.chat.completions.create(**QUESTION, stream=True)
    assert (await anext(aiter(stream))).choices
    await stream.close()
    stack.provider.go_on.set()
    await stack.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
    answer = await stack.sdk.chat.completions.create(**QUESTION, stream=True)
    text = [chunk.choices[0].delta.content or "" async for chunk in answer if chunk.choices]
    assert "".join(text) == "A middleman."
    assert not stack.gateway.journal.of(Moment.SANDBOX_EXITED)
