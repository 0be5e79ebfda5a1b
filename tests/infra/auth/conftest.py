from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.infra.auth.desk import Clock, TokenDesk, token_desk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def desk() -> AsyncIterator[TokenDesk]:
    async with token_desk() as desk:
        yield desk


@pytest.fixture
def clock() -> Clock:
    return Clock()
