from collections.abc import Callable

from cache.sealed import SealedEntry
from cache.stores.memory import MemoryStore

NOW = 1_800_000_000


async def test_the_entry_put_longest_ago_makes_room(seal: Callable[..., SealedEntry]) -> None:
    store = MemoryStore(max_entries=2)
    await store.put(b"a", seal(), now=NOW)
    await store.put(b"b", seal(), now=NOW)
    await store.put(b"a", seal(), now=NOW)
    await store.put(b"c", seal(), now=NOW)
    assert [await store.get(item_id, now=NOW) is not None for item_id in (b"a", b"b", b"c")] == [True, False, True]
