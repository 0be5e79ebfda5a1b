import asyncio
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.errors import CacheFault
from cache.identity import Json, request_identity
from cache.keyring import EntryKeys, derive
from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer
from cache.sidecar import DEFAULT_TTL, MAX_SIZE, Counters, Found, Note, Sidecar
from cache.stores.base import Store
from cache.stores.memory import MemoryStore
from cache.stores.sqlite import SqliteStore

NOW = 1_800_000_000
ROOT = b"sk-caller-key"
NAME: dict[str, Json] = {"tool_call_id": "call_1", "name": "weather", "arguments": {"city": "Bari"}}
THINKING = b'["The harbour, then the weather."]'


class BrokenStore(MemoryStore):
    """Raises, at each use or at the get that has the number `nth`, and counts what it is asked."""

    def __init__(self, error: Exception, nth: int | None = None) -> None:
        super().__init__()
        self.error = error
        self.nth = nth
        self.gets = 0

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        self.gets += 1
        number = self.gets
        await asyncio.sleep(0)  # a turn of the loop: others ask meanwhile
        if self.nth in (None, number):
            raise self.error
        return await super().get(item_id, now=now)

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        if self.nth is None:
            raise self.error
        await super().put(item_id, sealed, now=now)


class WorseningStore(MemoryStore):
    """Fails each read with another fault, once several are under way."""

    gets = 0

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        self.gets += 1
        fault = CacheFault(f"fault {self.gets}")
        await asyncio.sleep(0)
        raise fault


class HangingStore(MemoryStore):
    """Hangs on one id, or on all of them where `on` is None, until it is cancelled."""

    def __init__(self, on: bytes | None = None) -> None:
        super().__init__()
        self.on = on
        self.asked = asyncio.Event()
        self.cancelled = 0

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        await self._hang(item_id)
        return await super().get(item_id, now=now)

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await self._hang(item_id)
        await super().put(item_id, sealed, now=now)

    async def _hang(self, item_id: bytes) -> None:
        if self.on not in (None, item_id):
            return
        self.asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


class CrowdedStore(MemoryStore):
    """Takes its time over a read, and counts how many are under way at once."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0
        self.most = 0

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        for _ in range(20):
            await asyncio.sleep(0)
        self.waiting -= 1
        return await super().get(item_id, now=now)


class CarelessStore(MemoryStore):
    """An attacker's table, or one that is late to delete: the first entry answers every question, at any time."""

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        return SealedEntry.from_stored(next(iter(self._entries.values())))


def make_sidecar(store: Store, **options: Any) -> Sidecar:
    return Sidecar(store, Sealer(lambda: os.urandom(12)), **options)


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    store: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "cache.db")
    yield store
    await store.close()


@pytest.fixture
def sidecar(store: Store) -> Sidecar:
    return make_sidecar(store, read_deadline=5, write_deadline=20)


def _name(number: int) -> dict[str, Json]:
    return {**NAME, "tool_call_id": f"call_{number}"}


def _keys(name: dict[str, Json]) -> EntryKeys:
    return derive(ROOT, request_identity({"sidecar": 1, "of": name}))


def _hold(sidecar: Sidecar, payload: bytes = THINKING, **changed: Any) -> Note:
    note = sidecar.hold(
        changed.get("root", ROOT), changed.get("name", NAME), payload, scope=changed.get("scope", b"key")
    )
    assert note is not None
    return note


async def _keep(sidecar: Sidecar, payload: bytes = THINKING, **changed: Any) -> None:
    assert await sidecar.put(_hold(sidecar, payload, **changed), now=NOW) == ""


async def _find(sidecar: Sidecar, **changed: Any) -> Found:
    return await sidecar.find(
        changed.get("root", ROOT),
        changed.get("names", [NAME]),
        now=changed.get("now", NOW),
        scope=changed.get("scope", b"key"),
    )


# -- kept and found -------------------------------------------------------------------------------------------------


async def test_a_note_that_was_put_is_found_by_another_process(sidecar: Sidecar, store: Store) -> None:
    await _keep(sidecar)
    assert sidecar.counters == Counters(kept=1)
    other = make_sidecar(store, read_deadline=5)
    assert await _find(other, names=[_name(2), NAME]) == Found((None, THINKING))
    assert other.counters == Counters(found=1, absent=1)


async def test_a_note_is_found_in_this_process_before_the_store_has_it() -> None:
    sidecar = make_sidecar(BrokenStore(AssertionError("the store was asked")))
    _hold(sidecar)
    assert await _find(sidecar) == Found((THINKING,))
    assert sidecar.counters == Counters(found=1)


async def test_a_note_that_is_held_is_another_scopes_and_another_keys_as_little_as_one_that_was_put() -> None:
    sidecar = make_sidecar(MemoryStore())
    _hold(sidecar)
    assert await _find(sidecar, scope=b"org:1:1") == Found((None,))
    assert await _find(sidecar, root=b"sk-other") == Found((None,))


async def test_a_note_is_held_no_longer_once_it_was_put_and_lost(sidecar: Sidecar) -> None:
    broken = make_sidecar(BrokenStore(CacheFault("DynamoDB PutItem failed")))
    assert await broken.put(_hold(broken), now=NOW) == "DynamoDB PutItem failed"
    assert await _find(broken) == Found((None,), "DynamoDB PutItem failed")
    await _keep(sidecar)
    assert await _find(sidecar, now=NOW + DEFAULT_TTL) == Found((None,))


async def test_a_newer_note_of_one_name_stays_held_when_the_older_one_is_put(sidecar: Sidecar) -> None:
    older = _hold(sidecar, b"older")
    newer = _hold(sidecar, b"newer")
    assert await sidecar.put(older, now=NOW) == ""
    assert await _find(sidecar) == Found((b"newer",))
    assert await sidecar.put(newer, now=NOW) == ""
    assert await _find(sidecar) == Found((b"newer",))


async def test_a_note_ends_with_its_ttl(sidecar: Sidecar) -> None:
    await _keep(sidecar)
    assert await _find(sidecar, now=NOW + 86_399) == Found((THINKING,))
    assert await _find(sidecar, now=NOW + 86_400) == Found((None,))


async def test_a_note_that_a_careless_store_gives_after_its_time_is_none() -> None:
    sidecar = make_sidecar(CarelessStore(), ttl=10)
    await _keep(sidecar)
    assert await _find(sidecar, now=NOW + 9) == Found((THINKING,))
    assert await _find(sidecar, now=NOW + 10) == Found((None,))


@pytest.mark.parametrize(
    "changed",
    [{"root": b"sk-other"}, {"scope": b"org:1:1"}, {"names": [{**NAME, "arguments": {"city": "Lecce"}}]}],
    ids=["key", "scope", "call"],
)
async def test_another_key_scope_or_call_finds_nothing(sidecar: Sidecar, changed: dict[str, Any]) -> None:
    await _keep(sidecar)
    assert (await _find(sidecar, **changed)).payloads == (None,)


async def test_another_version_neither_finds_nor_is_found(sidecar: Sidecar, store: Store) -> None:
    keys = derive(ROOT, request_identity({"sidecar": 2, "of": NAME}))
    sealed = Sealer(lambda: bytes(12)).seal(
        keys.data_key, CacheEntry(b"of tomorrow", NOW, NOW + 60), SealContext(keys.item_id, b"key")
    )
    await store.put(keys.item_id, sealed, now=NOW)
    assert await _find(sidecar) == Found((None,))
    await _keep(sidecar)
    assert await store.get(keys.item_id, now=NOW) is not None
    assert await _find(sidecar) == Found((THINKING,))


async def test_a_note_is_kept_as_the_format_says(sidecar: Sidecar, store: Store) -> None:
    await _keep(sidecar)
    keys = _keys(NAME)
    sealed = await store.get(keys.item_id, now=NOW)
    assert sealed is not None
    entry = Sealer(lambda: bytes(12)).open(keys.data_key, sealed, SealContext(keys.item_id, b"key"))
    assert entry == CacheEntry(THINKING, NOW, NOW + 86_400)
    assert THINKING not in sealed.stored
    assert await store.get(derive(ROOT, request_identity(NAME)).item_id, now=NOW) is None


async def test_no_names_is_no_question() -> None:
    sidecar = make_sidecar(BrokenStore(AssertionError("the store was asked")))
    assert await _find(sidecar, names=[]) == Found(())
    assert sidecar.counters == Counters()


# -- refused --------------------------------------------------------------------------------------------------------


async def test_what_is_too_large_to_keep_is_refused_and_counted(sidecar: Sidecar) -> None:
    assert sidecar.hold(ROOT, NAME, os.urandom(MAX_SIZE + 1)) is None
    assert await _find(sidecar) == Found((None,))
    assert sidecar.counters == Counters(refused=1, absent=1)
    largest = os.urandom(MAX_SIZE)
    await _keep(sidecar, largest)
    assert await _find(sidecar) == Found((largest,))


async def test_a_name_that_is_not_json_is_refused_and_never_found(sidecar: Sidecar) -> None:
    endless: dict[str, Json] = {"arguments": float("inf")}
    assert sidecar.hold(ROOT, endless, THINKING) is None
    await _keep(sidecar)
    assert await _find(sidecar, names=[endless, NAME]) == Found((None, THINKING))
    assert sidecar.counters == Counters(refused=1, kept=1, found=1, absent=1)


async def test_an_empty_root_is_refused_loudly(sidecar: Sidecar) -> None:
    with pytest.raises(ValueError, match="empty"):
        sidecar.hold(b"", NAME, THINKING)
    with pytest.raises(ValueError, match="empty"):
        await _find(sidecar, root=b"")


# -- faults, deadlines, bounds --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CacheFault("DynamoDB failed"), "DynamoDB failed"),
        (RuntimeError("a bug that quotes sk-caller-key"), "unexpected RuntimeError"),
    ],
)
async def test_pitfall_28_a_store_that_fails_costs_the_note_and_nothing_else(error: Exception, words: str) -> None:
    sidecar = make_sidecar(BrokenStore(error))
    assert await sidecar.put(_hold(sidecar), now=NOW) == words
    assert await _find(sidecar) == Found((None,), words)
    assert sidecar.counters == Counters(write_faults=1, read_faults=1, absent=1)


async def test_after_the_first_fault_nothing_more_is_asked_of_the_store() -> None:
    store = BrokenStore(CacheFault("DynamoDB GetItem failed"), nth=1)
    sidecar = make_sidecar(store, read_deadline=5)
    for number in range(40):
        await _keep(sidecar, name=_name(number))
    found = await _find(sidecar, names=[_name(number) for number in range(40)])
    assert found == Found((None, *[THINKING] * 7, *[None] * 32), "DynamoDB GetItem failed")
    assert store.gets == 8
    assert sidecar.counters == Counters(kept=40, found=7, absent=33, read_faults=1)


async def test_of_several_faults_the_first_is_told() -> None:
    sidecar = make_sidecar(WorseningStore())
    assert await _find(sidecar, names=[_name(1), _name(2)]) == Found((None, None), "fault 1")
    assert sidecar.counters == Counters(absent=2, read_faults=2)


async def test_pitfall_28_a_store_that_hangs_costs_the_note_after_its_deadline() -> None:
    store = HangingStore()
    sidecar = make_sidecar(store, read_deadline=0.01, write_deadline=0.01)
    assert await sidecar.put(_hold(sidecar), now=NOW) == "the cache did not take a note in time"
    assert await _find(sidecar) == Found((None,), "the cache did not find the notes in time")
    assert sidecar.counters == Counters(write_timeouts=1, read_timeouts=1, absent=1)
    assert store.cancelled == 2


async def test_what_was_found_when_time_is_up_is_the_answer() -> None:
    store = HangingStore(on=_keys(NAME).item_id)
    sidecar = make_sidecar(store, read_deadline=0.05)
    await _keep(sidecar, b"other", name=_name(2))
    found = await _find(sidecar, names=[NAME, _name(2)])
    assert found == Found((None, b"other"), "the cache did not find the notes in time")
    assert sidecar.counters == Counters(kept=1, found=1, absent=1, read_timeouts=1)


async def test_many_names_are_read_some_at_a_time_and_answered_in_their_order() -> None:
    store = CrowdedStore()
    sidecar = make_sidecar(store, read_deadline=5)
    for number in range(0, 30, 2):
        await _keep(sidecar, bytes([number]), name=_name(number))
    found = await _find(sidecar, names=[_name(number) for number in range(30)])
    assert found == Found(tuple(None if number % 2 else bytes([number]) for number in range(30)))
    assert store.most == 8


async def test_a_note_swapped_in_the_table_is_a_counted_fault() -> None:
    sidecar = make_sidecar(CarelessStore())
    await _keep(sidecar)
    assert await _find(sidecar, names=[_name(2)]) == Found((None,), "the stored entry could not be opened")
    assert sidecar.counters == Counters(kept=1, absent=1, read_faults=1)


async def test_pitfall_28_a_broken_sealer_breaks_no_request() -> None:
    sidecar = Sidecar(MemoryStore(), Sealer(lambda: b"short"))
    assert await sidecar.put(_hold(sidecar), now=NOW) == "unexpected ValueError"


@pytest.mark.parametrize(("size", "inline"), [(64 * 1024, True), (64 * 1024 + 1, False)])
async def test_long_thinking_is_sealed_off_the_event_loop(size: int, inline: bool) -> None:
    sealing_threads: list[int] = []

    def nonces() -> bytes:
        sealing_threads.append(threading.get_ident())
        return os.urandom(12)

    sidecar = Sidecar(MemoryStore(), Sealer(nonces), write_deadline=20)
    await _keep(sidecar, bytes(size))
    assert [thread == threading.get_ident() for thread in sealing_threads] == [inline]
    assert await _find(sidecar) == Found((bytes(size),))


async def test_cancellation_passes_through_and_lets_go_of_the_note() -> None:
    store = HangingStore()
    sidecar = make_sidecar(store, read_deadline=60, write_deadline=60)
    for doing in (sidecar.put(_hold(sidecar), now=NOW), _find(sidecar)):
        store.asked.clear()
        waiting = asyncio.ensure_future(doing)
        # The second one waits only where the first has let go: what is held is found without the store.
        await store.asked.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    assert store.cancelled == 2


async def test_no_key_and_no_thinking_shows_in_any_repr(sidecar: Sidecar) -> None:
    note = _hold(sidecar)
    shown = f"{note!r} {await _find(sidecar)!r} {sidecar!r} {sidecar.counters!r}"
    for secret in ("harbour", "sk-caller", "data_key", "item_id", "weather", "Bari"):
        assert secret not in shown


@given(st.binary(max_size=3000), st.binary(min_size=1, max_size=60), st.text(max_size=60))
def test_whatever_is_kept_is_found(payload: bytes, root: bytes, call_id: str) -> None:
    name: dict[str, Json] = {"tool_call_id": call_id}

    async def round_trip() -> Found:
        sidecar = make_sidecar(MemoryStore(), read_deadline=5)
        await _keep(sidecar, payload, root=root, name=name)
        return await _find(sidecar, root=root, names=[name])

    assert asyncio.run(round_trip()) == Found((payload,))
