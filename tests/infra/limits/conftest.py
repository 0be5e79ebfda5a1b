"""Counters in each of their stores; DynamoDB's over real HTTP on both emulators."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.limits.counters import Counters
from tests.infra.limits.front import front_of
from tests.infra.limits.stores import Place, fresh_table, opened


@pytest.fixture(params=["sqlite", "moto", "ministack"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "sqlite":
        return Place(path=str(tmp_path / "control.db"))
    return await fresh_table(request.param, request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["moto", "ministack"])
async def table(request: pytest.FixtureRequest) -> Place:
    return await fresh_table(request.param, request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def counters(place: Place) -> AsyncIterator[Counters]:
    async with opened(place) as store:
        yield store


@pytest.fixture
async def shared(place: Place) -> AsyncIterator[Place]:
    """The place for many processes at once.

    moto answers in threads that check a condition and write without a lock, so that two of them may both find room. As
    DynamoDB carries out the writes on an item one after the other, a front lets one request through at a time.
    """
    if place.emulator != "moto":
        yield place
        return
    async with front_of(place.url) as front:
        yield replace(place, url=front.url)
