"""Budgets under attack: what a client sends and leaves, what a provider says that it used, and many processes at once."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.control.records import Limits
from tests.attacks.hostile import DONE, STREAM_HEAD, asked, bearer, chunk, completion, saying, streaming
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import sabir_over, serve_process
from tests.simulator import Simulator

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir

Before = Any
CENT: Final = 10_000_000
ALL: Final = Limits(
    requests_per_minute=1000,
    tokens_per_minute=10**9,
    parallel_requests=5,
    nano_usd_per_day=10**12,
    nano_usd_per_month=10**12,
)


def counters(folder: Path) -> dict[str, int]:
    """Of the keys, in the file; none where nobody was ever counted."""
    return dict(_rows(folder, "SELECT counter, value FROM limits_counters WHERE scope LIKE 'key/%'"))


def leases(folder: Path) -> int:
    return len(_rows(folder, "SELECT lease_id FROM limits_leases WHERE given_back = 0"))


def _rows(folder: Path, query: str) -> list[Any]:
    file = sqlite3.connect(folder / "control.db")
    try:
        counted = file.execute("SELECT 1 FROM components WHERE name = 'limits'").fetchone()
        return file.execute(query).fetchall() if counted else []
    finally:
        file.close()


def used(folder: Path, kind: str) -> int:
    return sum(value for counter, value in counters(folder).items() if counter.startswith(kind))


async def an_acme(sabir: Sabir, limits: Limits = ALL) -> tuple[TestOrg, str]:
    acme = await an_org(sabir, [endpoint("openai")])
    return acme, await acme.key(limits=limits)


LIES: Final = [
    {"prompt_tokens": -10_000_000, "completion_tokens": -10_000_000, "total_tokens": -20_000_000},
    {"prompt_tokens": 10**40, "completion_tokens": 10**40, "total_tokens": 10**40},
    {"prompt_tokens": 1.5, "completion_tokens": 2.5},
    {"prompt_tokens": "many", "completion_tokens": None},
    {"prompt_tokens": True, "completion_tokens": [1]},
    {"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10**6}},
    {"prompt_tokens": 5, "completion_tokens": 5, "cost": -1000},
    {"prompt_tokens": 5, "completion_tokens": 5, "cost": 1e300},
    {"prompt_tokens": 5, "completion_tokens": 5, "cost": "nan"},
    {"prompt_tokens": 5, "completion_tokens": 5, "cost": {"total_cost": -5}},
    [],
    "usage",
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("lie", LIES, ids=[str(number) for number in range(len(LIES))])
async def test_a_provider_that_lies_about_usage_gives_no_money_back_and_breaks_nothing(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path, lie: Any, stream: bool
) -> None:
    said = json.dumps({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": lie}).encode()
    pieces = (chunk({"role": "assistant", "content": "It is fine."}), chunk({}, "stop"), b"data: " + said + b"\n\n")
    answer = streaming(*pieces, DONE) if stream else saying({**completion(), "usage": lie})
    sabir, _ = await before(answer, org_env(tmp_path))
    _, key = await an_acme(sabir)
    async with http.post(sabir.completions, json=asked(stream=stream), headers=bearer(key)) as told:
        assert told.status in (200, 502)
        await told.read()
    record = await sabir.log.last(1)
    assert record.bug == ()
    assert (used(tmp_path, "parallel"), leases(tmp_path)) == (0, 0)
    assert used(tmp_path, "tokens") >= 0
    assert used(tmp_path, "nano_usd") >= 0


@pytest.mark.parametrize(
    "members",
    [
        {"max_tokens": 0},
        {"max_tokens": -5},
        {"max_tokens": 10**18},
        {"max_tokens": 10**40},
        {"n": 0},
        {"n": -3},
        {"n": 10**12, "max_tokens": 10**12},
        {"max_completion_tokens": 10**30, "n": 10**30},
        {"max_tokens": 1.5},
        {"max_tokens": "9"},
        {"n": 1e308},
    ],
    ids=str,
)
async def test_what_a_client_asks_for_neither_breaks_nor_slips_under_a_budget(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path, members: dict[str, Any]
) -> None:
    sabir, heard = await before(
        saying({**completion(), "usage": {"prompt_tokens": 9, "completion_tokens": 9}}), org_env(tmp_path)
    )
    _, key = await an_acme(sabir, Limits(tokens_per_minute=10_000, nano_usd_per_day=CENT, parallel_requests=1))
    async with http.post(sabir.completions, json=asked(**members), headers=bearer(key)) as told:
        assert told.status in (200, 400, 402, 429)
        await told.read()
    record = await sabir.log.last(1)
    assert record.bug == ()
    if told.status != 200:
        assert heard == []
        assert (used(tmp_path, "tokens"), used(tmp_path, "nano_usd")) == (0, 0)
    assert (used(tmp_path, "parallel"), leases(tmp_path)) == (0, 0)


@pytest.mark.parametrize("moment", ["before the head", "after the head", "in the hold", "in the midst"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_a_client_that_leaves_at_any_moment_leaves_nothing_reserved(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path, moment: str, stream: bool
) -> None:
    reached = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: object) -> None:
        if moment != "before the head":
            writer.write(STREAM_HEAD)
        if moment == "in the hold":
            writer.write(chunk({"role": "assistant"}))
        if moment == "in the midst":
            writer.write(chunk({"role": "assistant", "content": "It is "}))
        await writer.drain()
        reached.set()
        await reader.read()

    sabir, _ = await before(answer, org_env(tmp_path))
    _, key = await an_acme(sabir)

    async def client() -> None:
        async with http.post(sabir.completions, json=asked(stream=stream), headers=bearer(key)) as told:
            await told.read()

    running = asyncio.create_task(client())
    await asyncio.wait_for(reached.wait(), 20)
    running.cancel()
    record = await sabir.log.last(1)
    assert (record.error, record.bug) == ("client_gone", ())
    assert (used(tmp_path, "parallel"), leases(tmp_path)) == (0, 0)
    assert used(tmp_path, "requests") == 1


async def test_a_stand_in_that_is_dearer_is_reserved_for_before_anything_is_asked(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    from providers.routing.virtual import Candidate, VirtualModel

    sabir, heard = await before(saying({"error": {"message": "no"}}, status="500 Oh"), org_env(tmp_path))
    acme, key = await an_acme(sabir, Limits(nano_usd_per_day=CENT // 10))
    chain = VirtualModel("chain", (Candidate("gpt-4o-mini"), Candidate("gpt-4")), "priority", frozenset())
    await acme.change(models=(chain,))
    key = await acme.key(limits=Limits(nano_usd_per_day=CENT // 10))
    body = asked(model="chain", max_tokens=100)
    async with http.post(sabir.completions, json=body, headers=bearer(key)) as told:
        assert (told.status, heard) == (402, [])
    async with http.post(sabir.completions, json={**body, "model": "gpt-4o-mini"}, headers=bearer(key)) as told:
        assert told.status != 402


async def test_a_budget_holds_over_several_processes_on_one_file(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    budget = CENT
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator())
        env = {**simulator.environment(), **org_env(tmp_path), "SABIR_CACHE_PATH": str(tmp_path / "cache.db")}
        maker = await stack.enter_async_context(sabir_over(simulator, env))
        _, key = await an_acme(maker, Limits(nano_usd_per_month=budget))
        served = [await stack.enter_async_context(serve_process("--quiet", env=env)) for _ in range(3)]
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "max_tokens": 50}

        async def ask(number: int) -> tuple[int, dict[str, Any]]:
            url = served[number % len(served)][0] + "/chat/completions"
            async with http.post(url, json=body, headers=bearer(key)) as told:
                return told.status, await told.json()

        answers = [*await asyncio.gather(*map(ask, range(45)))]
        for number in range(30):  # one by one, until what is left is less than one request may take
            answers += [await ask(number)]
    assert {status for status, _ in answers} == {200, 402}
    paid = [told["usage"] for status, told in answers if status == 200]
    assert len(paid) == simulator.calls()
    # gpt-4: 30 and 60 dollars for a million tokens.
    spent = sum(usage["prompt_tokens"] * 30_000 + usage["completion_tokens"] * 60_000 for usage in paid)
    assert 0 < spent <= budget
    assert used(tmp_path, "nano_usd") == spent
    assert leases(tmp_path) == 0
