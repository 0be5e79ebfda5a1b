"""What every store must do, run against each: in memory, SQLite, and DynamoDB on two emulators over real HTTP."""

import asyncio
import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import get_type_hints

import pytest

from cache.errors import CacheFault
from cache.sealed import SealedEntry
from cache.stores.base import Store
from infra.aws.json_client import AwsJsonClient

Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]
Seal = Callable[..., SealedEntry]

NOW = 1_800_000_000
ITEM = bytes(range(224, 256))


async def test_what_was_never_put_is_absent(store: Store) -> None:
    assert await store.get(ITEM, now=NOW) is None


@pytest.mark.parametrize("size", [0, 1, 5_000, 200_000])
async def test_what_was_put_comes_back_to_the_last_byte(store: Store, seal: Seal, size: int) -> None:
    sealed = seal(size)
    await store.put(ITEM, sealed, now=NOW)
    found = await store.get(ITEM, now=NOW)
    assert found is not None
    assert found.stored == sealed.stored
    assert found.expires_at == NOW + 3600


async def test_entries_do_not_leak_into_one_another(store: Store, seal: Seal) -> None:
    ids = [b"\0" * 32, b"\xff" * 32, b"\0" * 31 + b"\x01", os.urandom(32)]
    entries = {item_id: seal() for item_id in ids}
    for item_id, sealed in entries.items():
        await store.put(item_id, sealed, now=NOW)
    for item_id, sealed in entries.items():
        found = await store.get(item_id, now=NOW)
        assert found is not None
        assert found.stored == sealed.stored


async def test_a_second_put_replaces_the_first(store: Store, seal: Seal) -> None:
    await store.put(ITEM, seal(5_000), now=NOW)
    second = seal(10)
    await store.put(ITEM, second, now=NOW)
    found = await store.get(ITEM, now=NOW)
    assert found is not None
    assert found.stored == second.stored


async def test_an_entry_is_gone_from_the_very_second_in_which_it_expires(store: Store, seal: Seal) -> None:
    await store.put(ITEM, seal(expires_at=NOW + 10), now=NOW)
    assert await store.get(ITEM, now=NOW + 9) is not None
    assert await store.get(ITEM, now=NOW + 10) is None
    assert await store.get(ITEM, now=NOW + 11) is None


async def test_an_entry_that_comes_too_late_still_replaces_the_older_one(store: Store, seal: Seal) -> None:
    await store.put(ITEM, seal(), now=NOW)
    await store.put(ITEM, seal(expires_at=NOW), now=NOW)
    assert await store.get(ITEM, now=NOW) is None


async def test_parallel_reads_and_writes_of_one_id_see_only_whole_entries(store: Store, seal: Seal) -> None:
    candidates = [seal(size) for size in (10, 1_000, 20_000, 60_000)]

    async def put_then_get(sealed: SealedEntry) -> SealedEntry | None:
        await store.put(ITEM, sealed, now=NOW)
        return await store.get(ITEM, now=NOW)

    found = await asyncio.gather(*(put_then_get(sealed) for sealed in candidates * 3))
    whole = {sealed.stored for sealed in candidates}
    assert all(sealed is not None and sealed.stored in whole for sealed in found)


async def test_a_closed_store_is_a_fault_and_closing_again_is_none(store: Store, seal: Seal) -> None:
    await store.put(ITEM, seal(), now=NOW)
    await store.close()
    await store.close()
    with pytest.raises(CacheFault, match="closed"):
        await store.get(ITEM, now=NOW)
    with pytest.raises(CacheFault, match="closed"):
        await store.put(ITEM, seal(), now=NOW)


async def test_pitfall_30_no_store_takes_plaintext(store: Store) -> None:
    assert get_type_hints(type(store).put)["sealed"] is SealedEntry
    plaintext = b'{"choices":[{"message":{"content":"What is a proxy?"}}]}'
    with pytest.raises(AttributeError):
        await store.put(ITEM, plaintext, now=NOW)  # type: ignore[arg-type]
    assert await store.get(ITEM, now=NOW) is None
