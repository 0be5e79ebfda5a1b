"""Stores that fail, in every way there is: the client sees nothing of it, the log says it (pitfall 28)."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from cache.errors import CacheFault
from cache.policy import CachePolicy
from cache.sealed import CacheEntry, Sealer
from cache.sealed_cache import Hit, ResponseCache
from cache.stores.memory import MemoryStore
from tests.contract.rig import KEYS, asked

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import aiohttp

    from cache.sealed import SealedEntry
    from cache.sealed_cache import Answer
    from handlers.services import Services
    from tests.simulator import Simulator

Start = Any


class Broken:
    """A store whose gets and puts do what they should not."""

    def __init__(self, get: Callable[[], Awaitable[Any]], put: Callable[[], Awaitable[None]]) -> None:
        self._get, self._put = get, put

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        found: SealedEntry | None = await self._get()
        return found

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await self._put()

    async def close(self) -> None:
        pass


async def fault() -> None:
    raise CacheFault("the table is on fire")


async def bug() -> None:
    raise RuntimeError("a bug that quotes sk-openai-key-of-a-test and Say it")


async def hang() -> None:
    await asyncio.Event().wait()


async def nothing() -> None:
    return None


async def garbage() -> Any:
    return "not an entry at all"


# What is read, what is written, and what the log says of it.
STORES: Final[dict[str, tuple[Broken, str, str, str]]] = {
    "get-raises": (Broken(fault, nothing), "fault", "stored", "the table is on fire"),
    "get-has-a-bug": (Broken(bug, nothing), "fault", "stored", "unexpected RuntimeError"),
    "get-hangs": (Broken(hang, nothing), "timeout", "stored", "the cache did not answer in time"),
    "get-returns-garbage": (Broken(garbage, nothing), "fault", "stored", "unexpected AttributeError"),
    "put-raises": (Broken(nothing, fault), "absent", "fault", "the table is on fire"),
    "put-has-a-bug": (Broken(nothing, bug), "absent", "fault", "unexpected RuntimeError"),
    "put-hangs": (Broken(nothing, hang), "absent", "timeout", "the cache did not take the entry in time"),
}


@pytest.mark.parametrize("broken", STORES)
@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_28_a_broken_store_changes_nothing_for_the_client(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession, broken: str, stream: bool
) -> None:
    store, reason, stored, said = STORES[broken]

    def over(services: Services) -> Services:
        cache = ResponseCache(
            store, Sealer(lambda: os.urandom(12)), CachePolicy(), read_deadline=0.02, write_deadline=0.02
        )
        return replace(services, cache=cache)

    sabir = await start(change=over)
    for _ in range(2):
        verdict, status, body = await asked(sabir, http, stream=stream)
        assert (verdict, status) == ("MISS", f"sabir; fwd=miss; detail={reason}")
        if stream:
            assert body.endswith(b"data: [DONE]\n\n")
        else:
            assert json.loads(body)["choices"][0]["finish_reason"] == "stop"
        record = sabir.log.records[-1]
        assert (record.status, record.error, record.bug, record.stored) == (200, None, (), stored)
        assert record.cache_fault == said
    assert simulator.calls() == 2


class Unreadable(ResponseCache):
    """What a broken release may have left: entries that open, and hold nothing that can be read."""

    async def look_up(self, *asked: Any, **more: Any) -> Answer:
        return Hit(CacheEntry(b"not events", 0, 2**40), age=1, remaining=1)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_entry_that_opens_and_cannot_be_read_is_a_miss(
    start: Start, http: aiohttp.ClientSession, stream: bool
) -> None:
    def over(services: Services) -> Services:
        return replace(services, cache=Unreadable(MemoryStore(), Sealer(lambda: os.urandom(12)), CachePolicy()))

    sabir = await start(change=over)
    verdict, status, body = await asked(sabir, http, stream=stream)
    assert (verdict, status) == ("MISS", "sabir; fwd=miss; detail=fault")
    assert b"finish_reason" in body
    assert sabir.log.records[-1].cache_fault == "the stored answer could not be read"


async def test_pitfall_28_the_client_has_its_last_byte_before_a_hanging_put_is_given_up(
    start: Start, http: aiohttp.ClientSession
) -> None:
    released = asyncio.Event()

    async def held() -> None:
        await released.wait()

    def over(services: Services) -> Services:
        return replace(
            services, cache=ResponseCache(Broken(nothing, held), Sealer(lambda: os.urandom(12)), CachePolicy())
        )

    sabir = await start(change=over)
    for stream in (False, True):
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "seed": 1, "stream": stream}
        async with http.post(
            sabir.completions, json=body, headers={"authorization": f"Bearer {KEYS['openai']}"}
        ) as answer:
            assert await answer.read()
    assert sabir.log.records == []
    released.set()
    assert [record.stored for record in await sabir.log.records_of(2)] == ["stored", "stored"]


@pytest.mark.parametrize("damage", ["garbage", "folder", "other-database"])
async def test_pitfall_28_a_cache_file_that_is_none_is_a_miss_each_time(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "damaged.db"
    if damage == "garbage":
        path.write_bytes(os.urandom(8192))
    elif damage == "folder":
        path.mkdir()
    else:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE somebody_elses (data TEXT)")
        connection.commit()
        connection.close()
    sabir = await start({"SABIR_CACHE_PATH": str(path)})
    for _ in range(2):
        verdict, status, body = await asked(sabir, http)
        assert (verdict, status) == ("MISS", "sabir; fwd=miss; detail=fault")
        assert b'"finish_reason": "stop"' in body
        assert sabir.log.records[-1].stored == "fault"


async def test_an_entry_that_was_tampered_with_is_a_miss_and_is_replaced(
    start: Start, http: aiohttp.ClientSession, cache_file: Path
) -> None:
    sabir = await start()
    await asked(sabir, http)
    connection = sqlite3.connect(cache_file)
    (sealed,) = connection.execute("SELECT sealed FROM entries").fetchone()
    flipped = bytes((*sealed[:-1], sealed[-1] ^ 1))
    connection.execute("UPDATE entries SET sealed = ?", (flipped,))
    connection.commit()
    connection.close()
    assert (await asked(sabir, http))[1] == "sabir; fwd=miss; detail=fault"
    assert (await asked(sabir, http))[0] == "HIT"
