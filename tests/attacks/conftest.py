from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.attacks.hostile import Heard, provider
from tests.contract.rig import Sabir, sabir_over

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from tests.attacks.hostile import Answer


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
async def before(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[tuple[Sabir, list[Heard]]]]]:
    """Starts a Sabir whose OpenAI, Anthropic and Perplexity are one provider that answers as the test says."""
    async with AsyncExitStack() as stack:

        async def started(
            answer: Answer, env: Mapping[str, str] | None = None, **options: Any
        ) -> tuple[Sabir, list[Heard]]:
            url, heard = await stack.enter_async_context(provider(answer))
            names = ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "PERPLEXITY_BASE_URL")
            settings = {"SABIR_CACHE_PATH": str(tmp_path / "cache.db"), "SABIR_CACHE_READ_MS": "10000"}
            env = {**dict.fromkeys(names, url), **settings, **(env or {})}
            return await stack.enter_async_context(sabir_over(None, env, **options)), heard

        yield started
