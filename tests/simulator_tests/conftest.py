from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from anthropic import AsyncAnthropic
from openai import AsyncOpenAI

from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
async def openai(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.url("openai"), api_key="sk-test", max_retries=0) as client:
        yield client


@pytest.fixture
async def perplexity(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=simulator.url("perplexity"), api_key="pplx-test", max_retries=0) as client:
        yield client


@pytest.fixture
async def anthropic(simulator: Simulator) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=simulator.url("anthropic"), api_key="sk-ant-test", max_retries=0) as client:
        yield client
