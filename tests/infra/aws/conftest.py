from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Answer], AbstractAsyncContextManager[str]]


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def serve() -> Serve:
    """A server on a free loopback port that answers every request with the given function; yields its URL."""

    @asynccontextmanager
    async def serving(answer: Answer) -> AsyncIterator[str]:
        async def handle(request: web.Request) -> web.StreamResponse:
            return await answer(request)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handle)
        async with TestServer(app) as server:
            yield f"http://127.0.0.1:{server.port}"

    return serving
