from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from blockbuster import blockbuster_ctx

from tests.contract.rig import Sabir, sabir_over
from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from pathlib import Path


@pytest.fixture(autouse=True)
def nothing_blocks_the_loop() -> Iterator[None]:
    """A call of ours that blocks the event loop raises: one slow disk would hold up every other request."""
    with blockbuster_ctx(scanned_modules=["handlers", "providers", "cache", "infra"]) as guard:
        for function in guard.functions.values():
            # Once in the life of a process: the list of models, at the first name, that of prices, at the first cost,
            # the providers, at the first name that is unknown; and the master key, when a local Sabir starts.
            function.can_block_in("providers/catalog.py", "_catalogue")
            function.can_block_in("providers/registry.py", "names")
            function.can_block_in("providers/prices.py", "_text")
            function.can_block_in("infra/secrets/master_key.py", "load_or_make")
        yield


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """For tests in which bytes matter."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
def cache_file(tmp_path: Path) -> Path:
    return tmp_path / "cache.db"


@pytest.fixture
async def start(simulator: Simulator, cache_file: Path) -> AsyncIterator[Callable[..., Awaitable[Sabir]]]:
    """Starts a Sabir of the test's own settings; they all share the simulator and the cache file."""
    async with AsyncExitStack() as stack:

        async def started(env: Mapping[str, str] | None = None, **options: Any) -> Sabir:
            # Generous: a busy machine must not turn a hit into a miss. What the deadline does has tests of its own.
            env = {"SABIR_CACHE_PATH": str(cache_file), "SABIR_CACHE_READ_MS": "10000", **(env or {})}
            return await stack.enter_async_context(sabir_over(simulator, env, **options))

        yield started


@pytest.fixture
async def sabir(start: Callable[..., Awaitable[Sabir]]) -> Sabir:
    return await start()
