import asyncio
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.directives import CacheDirectives, parse_directives
from cache.errors import CacheFault
from cache.identity import request_identity
from cache.keyring import derive
from cache.policy import CachePolicy, Outcome, RequestFacts
from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer
from cache.sealed_cache import Hit, Miss, NotStored, ResponseCache, Stored
from cache.stores.base import Store
from cache.stores.memory import MemoryStore
from cache.stores.sqlite import SqliteStore

NOW = 1_800_000_000
ROOT = b"sk-caller-key"
IDENTITY = request_identity({"body": {"model": "m", "seed": 1}})
FACTS = RequestFacts(deterministic=True)
AUTO = CacheDirectives()
PAYLOAD = b'{"content":"A proxy acts for another."}'
DONE = Outcome(status=200, complete=True, storable_finish=True, size=len(PAYLOAD))


class BrokenStore:
    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        raise self.error

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        raise self.error

    async def close(self) -> None:
        raise self.error


class HangingStore:
    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        await asyncio.get_running_loop().create_future()
        return None

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await asyncio.get_running_loop().create_future()

    async def close(self) -> None: ...


class SwappingStore(MemoryStore):
    """An attacker's table, which answers every question with the same entry."""

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        return SealedEntry.from_stored(next(iter(self._entries.values())))


def make_cache(store: Store, **deadlines: float) -> ResponseCache:
    return ResponseCache(store, Sealer(lambda: os.urandom(12)), CachePolicy(), **deadlines)


@pytest.fixture
async def cache(tmp_path: Path) -> AsyncIterator[ResponseCache]:
    cache = make_cache(SqliteStore(tmp_path / "cache.db"), read_deadline=5, write_deadline=20)
    yield cache
    await cache.close()


async def _miss(cache: ResponseCache, directives: CacheDirectives = AUTO, **changed: Any) -> Miss:
    answer = await cache.look_up(
        changed.get("root", ROOT),
        changed.get("identity", IDENTITY),
        directives,
        changed.get("facts", FACTS),
        now=changed.get("now", NOW),
        scope=changed.get("scope", b"key"),
    )
    assert isinstance(answer, Miss)
    return answer


async def _fill(cache: ResponseCache, directives: CacheDirectives = AUTO) -> None:
    miss = await _miss(cache, directives)
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == Stored(directives.ttl)


async def test_a_miss_then_a_put_then_a_hit_with_its_age(cache: ResponseCache) -> None:
    miss = await _miss(cache)
    assert (miss.reason, miss.forward, miss.may_forward, miss.fault) == ("absent", "miss", True, "")
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW + 3) == Stored(604_800)
    hit = await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW + 10)
    assert hit == Hit(CacheEntry(PAYLOAD, NOW + 3, NOW + 3 + 604_800), age=7, remaining=604_800 - 7)
    assert (cache.counters.hits, cache.counters.misses, cache.counters.stored) == (1, 1, 1)


async def test_the_ttl_that_the_caller_gave_ends_the_entry(cache: ResponseCache) -> None:
    await _fill(cache, parse_directives("always", "60", None))
    assert isinstance(await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW + 59), Hit)
    assert (await _miss(cache, now=NOW + 60)).reason == "absent"


async def test_an_entry_that_a_careless_store_gives_after_its_time_is_stale() -> None:
    store = SwappingStore()
    await store.put(b"x", _sealed_for_caller(NOW + 10), now=NOW)
    miss = await _miss(make_cache(store), now=NOW + 10)
    assert (miss.reason, miss.forward) == ("expired", "stale")


def _sealed_for_caller(expires_at: int) -> SealedEntry:
    keys = derive(ROOT, IDENTITY)
    entry = CacheEntry(PAYLOAD, NOW, expires_at)
    return Sealer(lambda: bytes(12)).seal(keys.data_key, entry, SealContext(keys.item_id, b"key"))


@pytest.mark.parametrize(
    ("cache_control", "reason", "forward"),
    [("max-age=5", "max-age", "request"), ("min-fresh=999999", "min-fresh", "request")],
)
async def test_an_entry_that_is_not_what_the_caller_wants_is_a_miss_and_replaced(
    cache: ResponseCache, cache_control: str, reason: str, forward: str
) -> None:
    await _fill(cache)
    miss = await _miss(cache, parse_directives(None, None, cache_control), now=NOW + 6)
    assert (miss.reason, miss.forward) == (reason, forward)
    assert miss.handle is not None
    await cache.put(miss.handle, PAYLOAD, DONE, now=NOW + 6)
    hit = await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW + 7)
    assert isinstance(hit, Hit)
    assert hit.age == 1


@pytest.mark.parametrize(
    ("use_cache", "cache_control", "deterministic", "reason", "forward"),
    [
        ("never", None, True, "never", "bypass"),
        ("auto", "no-store", True, "no-store", "bypass"),
        ("auto", None, False, "not-deterministic", "bypass"),
    ],
)
async def test_a_request_that_is_none_of_the_caches_business_reads_and_writes_nothing(
    use_cache: str, cache_control: str | None, deterministic: bool, reason: str, forward: str
) -> None:
    cache = make_cache(BrokenStore(AssertionError("the store was asked")))
    directives = parse_directives(use_cache, None, cache_control)
    miss = await _miss(cache, directives, facts=RequestFacts(deterministic))
    assert (miss.reason, miss.forward, miss.handle, miss.fault) == (reason, forward, None, "")
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == NotStored("no-handle")
    assert (cache.counters.skips, cache.counters.misses, cache.counters.read_faults) == (1, 0, 0)


async def test_no_cache_does_not_look_but_stores_the_new_answer(cache: ResponseCache) -> None:
    await _fill(cache)
    miss = await _miss(cache, parse_directives(None, None, "no-cache"), now=NOW + 5)
    assert (miss.reason, miss.forward) == ("no-cache", "request")
    assert await cache.put(miss.handle, b"newer", DONE, now=NOW + 5) == Stored(604_800)
    hit = await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW + 6)
    assert isinstance(hit, Hit)
    assert hit.entry.payload == b"newer"


async def test_only_if_cached_forbids_the_upstream_call_on_every_miss(cache: ResponseCache) -> None:
    only = parse_directives(None, None, "only-if-cached")
    assert not (await _miss(cache, only)).may_forward
    assert not (await _miss(cache, parse_directives("never", None, "only-if-cached"))).may_forward
    await _fill(cache)
    assert isinstance(await cache.look_up(ROOT, IDENTITY, only, FACTS, now=NOW), Hit)


async def test_an_answer_that_must_not_be_kept_is_discarded_with_the_reason(cache: ResponseCache) -> None:
    miss = await _miss(cache)
    cut = Outcome(200, complete=False, storable_finish=True, size=1)
    assert await cache.put(miss.handle, PAYLOAD, cut, now=NOW) == NotStored("incomplete")
    assert (await _miss(cache)).reason == "absent"
    assert cache.counters.discarded == 1


@pytest.mark.parametrize(
    "changed", [{"root": b"sk-other"}, {"identity": b"{}"}, {"scope": b"org:1"}], ids=["key", "request", "scope"]
)
async def test_another_key_request_or_scope_gets_no_answer(cache: ResponseCache, changed: dict[str, Any]) -> None:
    await _fill(cache)
    assert (await _miss(cache, **changed)).handle is not None


async def test_pitfall_29_one_entry_serves_every_spelling_of_the_request(cache: ResponseCache) -> None:
    spellings = [
        '{"model":"m","temperature":0,"messages":[{"role":"user","content":"é"}]}',
        '{ "messages": [ {"content":"\\u00e9", "role":"user"} ],\n"temperature": 0.0, "model":"m" }',
    ]
    identities = [request_identity({"endpoint": "chat", "body": json.loads(text)}) for text in spellings]
    miss = await _miss(cache, identity=identities[0])
    await cache.put(miss.handle, PAYLOAD, DONE, now=NOW)
    assert isinstance(await cache.look_up(ROOT, identities[1], AUTO, FACTS, now=NOW), Hit)
    beta = request_identity({"endpoint": "chat", "body": json.loads(spellings[0]), "anthropic-beta": "b"})
    assert isinstance(await cache.look_up(ROOT, beta, AUTO, FACTS, now=NOW), Miss)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CacheFault("DynamoDB GetItem failed"), "DynamoDB GetItem failed"),
        (RuntimeError("a bug that quotes sk-caller-key"), "unexpected RuntimeError"),
    ],
)
async def test_pitfall_28_a_store_that_fails_costs_a_miss_and_nothing_else(error: Exception, words: str) -> None:
    cache = make_cache(BrokenStore(error))
    miss = await _miss(cache)
    assert (miss.reason, miss.forward, miss.fault) == ("fault", "miss", words)
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == NotStored("fault", words)
    counters = cache.counters
    assert (counters.misses, counters.read_faults, counters.write_faults, counters.stored) == (1, 1, 1, 0)


async def test_pitfall_28_a_store_that_hangs_costs_a_miss_after_its_deadline() -> None:
    cache = make_cache(HangingStore(), read_deadline=0.01, write_deadline=0.01)
    miss = await _miss(cache)
    assert (miss.reason, miss.forward, miss.fault) == ("timeout", "miss", "the cache did not answer in time")
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == NotStored(
        "timeout", "the cache did not take the entry in time"
    )
    counters = cache.counters
    assert (counters.misses, counters.read_timeouts, counters.write_timeouts) == (1, 1, 1)


async def test_pitfall_28_a_broken_sealer_breaks_no_request() -> None:
    cache = ResponseCache(MemoryStore(), Sealer(lambda: b"short"), CachePolicy())
    miss = await _miss(cache)
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == NotStored("fault", "unexpected ValueError")


async def test_an_entry_swapped_in_the_table_is_a_counted_fault() -> None:
    store = SwappingStore()
    cache = make_cache(store)
    miss = await _miss(make_cache(MemoryStore()))
    assert await cache.put(miss.handle, PAYLOAD, DONE, now=NOW) == Stored(604_800)
    other = await _miss(cache, identity=request_identity({"body": "another"}))
    assert (other.reason, other.fault) == ("fault", "the stored entry could not be opened")
    assert cache.counters.read_faults == 1


@pytest.mark.parametrize(("size", "inline"), [(64 * 1024, True), (64 * 1024 + 1, False)])
async def test_a_large_answer_is_sealed_off_the_event_loop(size: int, inline: bool) -> None:
    sealing_threads: list[int] = []

    def nonces() -> bytes:
        sealing_threads.append(threading.get_ident())
        return os.urandom(12)

    cache = ResponseCache(MemoryStore(), Sealer(nonces), CachePolicy())
    miss = await _miss(cache)
    assert await cache.put(miss.handle, bytes(size), DONE, now=NOW) == Stored(604_800)
    assert [thread == threading.get_ident() for thread in sealing_threads] == [inline]
    hit = await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW)
    assert isinstance(hit, Hit)
    assert hit.entry.payload == bytes(size)


async def test_cancellation_is_the_only_thing_that_passes_through() -> None:
    cache = make_cache(HangingStore(), read_deadline=60)
    waiting = asyncio.ensure_future(cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_no_key_and_no_payload_shows_in_any_repr(cache: ResponseCache) -> None:
    miss = await _miss(cache)
    await _fill(cache)
    hit = await cache.look_up(ROOT, IDENTITY, AUTO, FACTS, now=NOW)
    assert "data_key" not in repr(miss)
    assert "proxy" not in repr(hit)


@given(st.binary(max_size=3000), st.binary(min_size=1, max_size=60), st.binary(max_size=200))
def test_whatever_goes_in_comes_out(payload: bytes, root: bytes, identity: bytes) -> None:
    async def round_trip() -> object:
        cache = make_cache(MemoryStore())
        miss = await _miss(cache, root=root, identity=identity)
        await cache.put(miss.handle, payload, DONE, now=NOW)
        return await cache.look_up(root, identity, AUTO, FACTS, now=NOW)

    assert asyncio.run(round_trip()) == Hit(CacheEntry(payload, NOW, NOW + 604_800), age=0, remaining=604_800)
