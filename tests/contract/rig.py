"""Sabir as its users meet it: the real application behind a real uvicorn on loopback, with the simulator as its world.

async with sabir_over(simulator, env) as sabir:
    client = sabir.openai("sk-test")
    await client.chat.completions.create(...)
    await sabir.log.records_of(1)     # the request is over, the cache written
    sabir.clock.now += 3600           # and an hour passes at once
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI
from uvicorn.server import ServerState

from handlers.app import create_app
from handlers.record import JsonLines
from handlers.services import build_services
from tests.simulator.news import News

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    import aiohttp
    from starlette.types import ASGIApp

    from handlers.services import Services
    from infra.requests.record import RequestRecord
    from tests.simulator import Simulator

# Longer than anything on loopback takes, shorter than the runner's limit, whose report would say less.
_PATIENCE: Final = 20.0

START: Final = 1_800_000_000.0

KEYS: Final = {
    "openai": "sk-openai-key-of-a-test",
    "anthropic": "sk-ant-key-of-a-test",
    "perplexity": "pplx-key-of-a-test",
}
STORY: Final = {"openai": "gpt-3.5-turbo", "anthropic": "claude-instant-1.2", "perplexity": "mistral-7b-instruct"}
PROVIDERS: Final = tuple(STORY)

BEARER: Final = {"authorization": f"Bearer {KEYS['openai']}"}
GOOD: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}]}


def body_of(provider: str, *, stream: bool) -> dict[str, Any]:
    return {
        "model": STORY[provider],
        "messages": [{"role": "user", "content": "Say it"}],
        "stream": stream,
        "seed": 1,
    }


def bearer(provider: str) -> dict[str, str]:
    return {"authorization": f"Bearer {KEYS[provider]}"}


async def refused(
    http: aiohttp.ClientSession, url: str, data: Any, headers: dict[str, str] = BEARER, method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    async with http.request(method, url, data=data, headers=headers) as answer:
        body = json.loads(await answer.read())
        assert answer.headers["content-type"] == "application/json"
        assert set(body) == {"error"}
        assert set(body["error"]) == {"message", "type", "param", "code"}
        return answer.status, body["error"]


@dataclass(slots=True)
class Clock:
    """Epoch seconds that pass only when a test says so."""

    now: float = START

    def __call__(self) -> float:
        return self.now


class Records:
    """The request log, kept as records and as the lines that CloudWatch would get."""

    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self._lines = io.StringIO()
        self._json = JsonLines(self._lines, service="sabir")
        self._news = News()

    def write(self, record: RequestRecord) -> None:
        self.records.append(record)
        self._json.write(record)
        self._news.tell()

    @property
    def text(self) -> str:
        return self._lines.getvalue()

    async def records_of(self, count: int) -> list[RequestRecord]:
        """Waits until `count` requests are over, with all that follows their last byte."""
        await asyncio.wait_for(self._news.until(lambda: len(self.records) >= count), _PATIENCE)
        return self.records

    async def of(self, request_id: str) -> RequestRecord:
        """Waits until this very request is over, with all that follows its last byte."""

        def found() -> RequestRecord | None:
            return next((record for record in self.records if record.request_id == request_id), None)

        await asyncio.wait_for(self._news.until(lambda: found() is not None), _PATIENCE)
        record = found()
        assert record is not None
        return record

    async def last(self, count: int) -> RequestRecord:
        return (await self.records_of(count))[count - 1]


@dataclass(slots=True)
class Sabir:
    origin: str
    services: Services
    log: Records
    clock: Clock
    _stack: AsyncExitStack = field(repr=False)
    _clients: dict[tuple[object, ...], AsyncOpenAI] = field(default_factory=dict)
    _messages: dict[tuple[object, ...], AsyncAnthropic] = field(default_factory=dict)

    def url(self, prefix: str = "/v1") -> str:
        return self.origin + prefix

    @property
    def completions(self) -> str:
        return self.url() + "/chat/completions"

    def openai(self, key: str, *, prefix: str = "/v1", headers: Mapping[str, str] | None = None) -> AsyncOpenAI:
        """The official SDK, pointed here by its base URL alone; no retries, so that each call is one request."""
        wanted = (key, prefix, tuple((headers or {}).items()))
        if wanted not in self._clients:
            client = AsyncOpenAI(base_url=self.url(prefix), api_key=key, max_retries=0, default_headers=headers)
            self._stack.push_async_callback(client.close)
            self._clients[wanted] = client
        return self._clients[wanted]

    def anthropic(self, key: str, *, path: str = "", headers: Mapping[str, str] | None = None) -> AsyncAnthropic:
        """The same of Anthropic's, whose base URL is an origin."""
        wanted = (key, path, tuple((headers or {}).items()))
        if wanted not in self._messages:
            client = AsyncAnthropic(base_url=self.origin + path, api_key=key, max_retries=0, default_headers=headers)
            self._stack.push_async_callback(client.close)
            self._messages[wanted] = client
        return self._messages[wanted]

    def client_of(self, provider: str) -> AsyncOpenAI:
        return self.openai(KEYS[provider])


async def asked(
    sabir: Sabir, http: aiohttp.ClientSession, provider: str = "openai", *, stream: bool = False
) -> tuple[str, str, bytes]:
    """The verdict and its reason, and the answer; when all that follows the last byte has happened."""
    done = len(sabir.log.records)
    body = {"model": STORY[provider], "messages": [{"role": "user", "content": "Say it"}], "seed": 1, "stream": stream}
    async with http.post(sabir.completions, json=body, headers={"authorization": f"Bearer {KEYS[provider]}"}) as answer:
        data = await answer.read()
        await sabir.log.records_of(done + 1)
        return answer.headers.get("x-bt-cached", "none"), answer.headers.get("cache-status", ""), data


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """uvicorn's protocol and lifespan, without its process manager: no test needs its signals, and none its pauses."""
    config = uvicorn.Config(
        app, lifespan="on", ws="none", log_level="warning", access_log=False, server_header=False, date_header=False
    )
    config.load()
    lifespan = config.lifespan_class(config)
    state = ServerState()
    protocol: Any = config.http_protocol_class
    await lifespan.startup()
    server = await asyncio.get_running_loop().create_server(
        lambda: protocol(config=config, server_state=state, app_state=lifespan.state), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in tuple(state.connections):
            connection.shutdown()
        if state.tasks:
            _, pending = await asyncio.wait(tuple(state.tasks), timeout=_PATIENCE)
            assert not pending, "a request is still being served at the end of the test"
        await lifespan.shutdown()
        await asyncio.sleep(0)  # a turn of the loop, in which the transports close


@asynccontextmanager
async def sabir_over(
    simulator: Simulator | None,
    env: Mapping[str, str],
    *,
    with_keys: bool = False,
    change: Callable[[Services], Services] = lambda services: services,
    clock: Clock | None = None,
) -> AsyncIterator[Sabir]:
    """`env`: what the operator sets besides the providers' base URLs. `change`: other parts than the real ones."""
    log, clock = Records(), clock or Clock()
    world = simulator.environment() if simulator else {}
    built = build_services({**world, **env}, with_keys=with_keys, log=log)
    services = change(replace(built, now=clock))
    async with serving(create_app(services)) as origin, AsyncExitStack() as stack:
        yield Sabir(origin, services, log, clock, stack)


@asynccontextmanager
async def serve_process(*args: str, env: Mapping[str, str]) -> AsyncIterator[tuple[str, asyncio.subprocess.Process]]:
    """`sabir serve` as a process of its own, on a free port: the base URL that it prints, once it answers."""
    command = [sys.executable, "-m", "handlers.cli", "serve", "--port", "0", *args]
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    try:
        said = b""
        while not (greeting := re.search(rb"Sabir serves (http://\S+)\n", said)):
            line = await asyncio.wait_for(process.stdout.readline(), _PATIENCE)
            assert line, f"sabir serve ended: {said.decode()}"
            said += line
        yield greeting[1].decode(), process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
