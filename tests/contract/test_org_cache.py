"""An org's shared cache: its keys see each other's answers, and nobody else does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.org_rig import CACHE_KEY, TOKEN_KEY, an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.rig import Sabir

Start = Any
CHAT: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "seed": 1}


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


async def verdict(sabir: Sabir, http: aiohttp.ClientSession, key: str) -> str:
    done = len(sabir.log.records)
    async with http.post(sabir.completions, json=CHAT, headers={"authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 200
        await answer.read()
    await sabir.log.records_of(done + 1)
    return answer.headers["x-bt-cached"]


async def test_keys_of_an_org_that_shares_its_cache_see_each_others_answers(
    sabir: Sabir, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai")], share_cache=True)
    other = await an_org(sabir, [endpoint("openai")], "other", share_cache=True)
    assert await verdict(sabir, http, await acme.key()) == "MISS"
    assert await verdict(sabir, http, await acme.key()) == "HIT"
    assert await verdict(sabir, http, await other.key()) == "MISS"


async def test_keys_of_an_org_that_does_not_share_have_a_cache_each(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    acme = await an_org(sabir, [endpoint("openai")])
    first, second = await acme.key(), await acme.key()
    assert await verdict(sabir, http, first) == "MISS"
    assert await verdict(sabir, http, second) == "MISS"
    assert await verdict(sabir, http, first) == "HIT"


@pytest.mark.parametrize("share", [False, True])
async def test_a_purge_forgets_everything_at_once(sabir: Sabir, http: aiohttp.ClientSession, share: bool) -> None:
    acme = await an_org(sabir, [endpoint("openai")], share_cache=share)
    key = await acme.key()
    assert await verdict(sabir, http, key) == "MISS"
    assert await verdict(sabir, http, key) == "HIT"
    await acme.change(cache_epoch=1)
    sabir.clock.now += sabir.services.settings.key_seconds
    assert await verdict(sabir, http, key) == "MISS"
    assert (await sabir.log.records_of(3))[2].cache_reason == "absent"
    assert await verdict(sabir, http, key) == "HIT"


async def test_a_key_whose_copy_of_the_cache_key_does_not_open_has_a_cache_of_its_own(
    sabir: Sabir, http: aiohttp.ClientSession
) -> None:
    acme = await an_org(sabir, [endpoint("openai")], share_cache=True)
    assert await verdict(sabir, http, await acme.key()) == "MISS"
    broken = await acme.key(wrapped_cache_key=b"\1" + bytes(60))
    assert await verdict(sabir, http, broken) == "MISS"
    assert await verdict(sabir, http, broken) == "HIT"


async def test_a_stolen_copy_of_every_table_opens_nothing(
    sabir: Sabir, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    acme = await an_org(sabir, [endpoint("openai")], share_cache=True)
    key = await acme.key()
    assert await verdict(sabir, http, key) == "MISS"
    assert await verdict(sabir, http, key) == "HIT"
    stolen = await asyncio.to_thread(_tables, tmp_path)
    record = acme.records[key]
    assert record.key_id.encode() in stolen, "the tables were not read"
    secret = key.rpartition("_")[2]
    for mark in (key, secret, "secret-of-openai", "Say it", CACHE_KEY, TOKEN_KEY):
        assert (mark if isinstance(mark, bytes) else mark.encode()) not in stolen


def _tables(folder: Path) -> bytes:
    """All that is kept, but for the master key, which Secrets Manager stands for on AWS."""
    files = [file for file in folder.iterdir() if file.name != "master.key"]
    assert {"cache.db", "control.db"} <= {file.name for file in files}
    return b"".join(file.read_bytes() for file in files)
