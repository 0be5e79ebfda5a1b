"""Limits that hold for many real processes at once, on SQLite and on DynamoDB over real HTTP."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.limits.counters import Counters, Granted, Refused
from tests.infra.limits.stores import LATER, NOW, Place, charge
from tests.infra.limits.worker import END_OF_DAY, MONEY, SCOPE

ROOT = Path(__file__).parents[3]
WORKERS = 6

pytestmark = pytest.mark.slow


@asynccontextmanager
async def _worker(job: str, place: Place, name: str, *arguments: object) -> AsyncIterator[Process]:
    command = [sys.executable, "-m", "tests.infra.limits.worker", job, place.text, name, *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        _, complaints = await process.communicate()
        # Shown beside a failed test; a worker that did as it should says nothing.
        sys.stderr.write(complaints.decode())


async def _line(process: Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode().strip()


async def _together(job: str, place: Place, arguments: Sequence[Sequence[object]]) -> list[dict[str, Any]]:
    """What each worker says it did, all of them having begun at the same moment."""
    async with _crew(job, place, arguments) as workers:
        assert [await _line(worker) for worker in workers] == ["ready"] * len(workers)
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"go\n")
        return [json.loads(line) for line in await asyncio.gather(*map(_line, workers))]


@asynccontextmanager
async def _crew(job: str, place: Place, arguments: Sequence[Sequence[object]]) -> AsyncIterator[list[Process]]:
    if not arguments:
        yield []
        return
    async with (
        _worker(job, place, f"w{len(arguments)}", *arguments[0]) as first,
        _crew(job, place, arguments[1:]) as rest,
    ):
        yield [first, *rest]


async def test_pitfall_38_a_budget_is_spent_to_the_last_grant_and_never_exceeded(
    shared: Place, counters: Counters
) -> None:
    price, affordable = 7, 100
    budget = affordable * price + price - 1
    done = await _together("spend", shared, [(30, price, budget)] * WORKERS)
    assert sum(one["granted"] for one in done) == affordable
    assert max(one["highest"] for one in done) == affordable * price
    assert await counters.read(SCOPE, [MONEY], now=NOW) == {MONEY: affordable * price}


async def test_pitfall_38_no_more_than_the_limit_are_ever_inside_at_once(
    shared: Place, counters: Counters, tmp_path: Path
) -> None:
    crowd = tmp_path / "crowd"
    crowd.write_text("0")
    places = 3
    done = await _together("churn", shared, [(30, places, crowd)] * WORKERS)
    assert max(one["most"] for one in done) <= places
    assert sum(one["granted"] for one in done) >= 30
    assert crowd.read_text() == "0"
    assert await counters.read(SCOPE, ["parallel"], now=NOW) == {"parallel": 0}


async def test_pitfall_38_settlements_are_exact_whoever_else_settles(shared: Place, counters: Counters) -> None:
    done = await _together("trade", shared, [(20, worker) for worker in range(WORKERS)])
    spent = sum(one["spent"] for one in done)
    assert spent > 0
    assert await counters.read(SCOPE, [MONEY, "parallel"], now=NOW) == {MONEY: spent, "parallel": 0}


async def test_pitfall_38_what_a_killed_process_reserved_comes_back_once_its_lease_has_expired(
    shared: Place, counters: Counters
) -> None:
    async with _worker("hold", shared, "dead", 500) as process:
        assert await _line(process) == "ready"
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        assert json.loads(await _line(process)) == {"granted": True}
        process.kill()
        assert await process.wait() == -9
    asked = [charge(MONEY, 500, 500, END_OF_DAY), charge("parallel", 1, 1)]
    early = await counters.reserve(SCOPE, "next", asked, expires_at=LATER, now=NOW + 899)
    assert early == Refused({MONEY: 500, "parallel": 1})
    late = await counters.reserve(SCOPE, "next", asked, expires_at=LATER, now=NOW + 900)
    assert late == Granted({MONEY: 500, "parallel": 1})
