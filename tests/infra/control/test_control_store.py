"""What every control store must do, run against each: SQLite, and DynamoDB on two emulators over real HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

import pytest

from infra.control.dynamodb import DynamoControlStore
from infra.control.sqlite import SqliteControlStore
from infra.control.store import Conflict, ControlFault, Delete, Item, ItemKey, Put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from infra.aws.json_client import AwsJsonClient
    from infra.control.store import ControlStore, Write

NOW = 1_800_000_000
ORG = ItemKey("ORG#acme", "ORG")
KEY = ItemKey("ORG#acme", "KEY#7f3kq2mz4a")


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("moto", marks=pytest.mark.slow),
        pytest.param("ministack", marks=pytest.mark.slow),
    ]
)
async def stores(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    control_table: Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]],
) -> AsyncIterator[list[ControlStore]]:
    """Two of the same, over the same items."""
    if request.param == "sqlite":
        sqlite = [SqliteControlStore(tmp_path / "control.db") for _ in range(2)]
        yield [*sqlite]
        for store in sqlite:
            await store.close()
        return
    async with control_table(request.getfixturevalue(f"{request.param}_url")) as (client, table):
        yield [DynamoControlStore(client.call, table) for _ in range(2)]


@pytest.fixture
def store(stores: list[ControlStore]) -> ControlStore:
    return stores[0]


async def written(store: ControlStore, *writes: Write, now: int = NOW) -> None:
    await store.write(writes, now=now)


async def one(store: ControlStore, key: ItemKey, *, now: int = NOW) -> Item | None:
    return (await store.get([key], now=now)).get(key)


async def sorts(store: ControlStore, partition: str, prefix: str, *, now: int = NOW, **how: Any) -> list[str]:
    return [item.key.sort for item in await store.page(partition, prefix, now=now, **how)]


async def test_what_was_never_written_is_absent(store: ControlStore) -> None:
    assert await store.get([ORG], now=NOW) == {}
    assert await store.get([ORG, KEY], now=NOW) == {}
    assert await store.get([], now=NOW) == {}
    assert await store.page("ORG#acme", "", now=NOW) == []


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"name": 'Ægir\'s "team" \N{PILE OF POO} \ud800', "": None, "nothing": []},
        {"whole": 2**63, "negative": -1, "fraction": 0.1, "yes": True, "no": False, "deep": [[{"a": [1, "x", None]}]]},
        {"long": "x" * 100_000},
    ],
)
async def test_a_document_comes_back_as_it_was(store: ControlStore, document: dict[str, Any]) -> None:
    await written(store, Put(ORG, document, 0, NOW + 60))
    assert await one(store, ORG) == Item(ORG, document, 1, NOW + 60)


async def test_several_are_got_at_once_each_as_often_as_it_is_there(store: ControlStore) -> None:
    keys = [ItemKey(f"ORG#{number % 3}", f"KEY#{number}") for number in range(25)]
    await written(store, *(Put(key, {"name": key.sort}, 0) for key in keys[:20]))
    found = await store.get(keys, now=NOW)
    assert found == {key: Item(key, {"name": key.sort}, 1) for key in keys[:20]}
    assert await store.get([keys[0], keys[0], keys[24]], now=NOW) == {keys[0]: found[keys[0]]}
    assert await store.get([keys[0], keys[0]], now=NOW) == {keys[0]: found[keys[0]]}


async def test_a_version_counts_the_writes_and_each_must_name_the_one_before(store: ControlStore) -> None:
    for version in range(3):
        await written(store, Put(ORG, {"write": version}, version))
        assert await one(store, ORG) == Item(ORG, {"write": version}, version + 1)
    for stale in (0, 1, 2, 4):
        with pytest.raises(Conflict, match="ORG#acme ORG"):
            await written(store, Put(ORG, {"write": "stale"}, stale))
    assert await one(store, ORG) == Item(ORG, {"write": 2}, 3)


async def test_what_is_absent_has_no_version_but_zero(store: ControlStore) -> None:
    for write in (Put(ORG, {}, 1), Delete(ORG, 1)):
        with pytest.raises(Conflict):
            await written(store, write)
    await written(store, Delete(ORG, 0))
    assert await one(store, ORG) is None


async def test_a_write_of_any_version_always_goes_through_and_counts_on(store: ControlStore) -> None:
    await written(store, Delete(ORG, None))
    await written(store, Put(ORG, {"n": 1}, None, NOW + 60))
    assert await one(store, ORG) == Item(ORG, {"n": 1}, 1, NOW + 60)
    await written(store, Put(ORG, {"n": 2}, None))
    assert await one(store, ORG, now=NOW + 600) == Item(ORG, {"n": 2}, 2)
    await written(store, Put(ORG, {"n": 3}, 2), Put(KEY, {"n": 3}, None))
    assert await store.get([ORG, KEY], now=NOW) == {ORG: Item(ORG, {"n": 3}, 3), KEY: Item(KEY, {"n": 3}, 1)}
    await written(store, Delete(ORG, None))
    assert await one(store, ORG) is None


async def test_a_deletion_too_may_ask_for_a_version(store: ControlStore) -> None:
    others = [ItemKey("ORG#other", "ORG"), KEY]
    await written(store, Put(ORG, {}, 0), *(Put(key, {}, 0) for key in others))
    for stale in (0, 2):
        with pytest.raises(Conflict):
            await written(store, Delete(ORG, stale))
    assert await one(store, ORG) is not None
    await written(store, Delete(ORG, 1))
    assert list(await store.get([ORG, *others], now=NOW)) == others
    await written(store, Put(ORG, {"again": True}, 0))
    assert await one(store, ORG) == Item(ORG, {"again": True}, 1)


async def test_all_writes_happen_or_none(store: ControlStore) -> None:
    others = [ItemKey("ORG#acme", f"KEY#{number}") for number in range(23)]
    await written(store, Put(ORG, {"n": 1}, 0), *(Put(key, {"n": 1}, 0) for key in others))
    late = (Put(KEY, {"n": 2}, 0), Delete(others[0], 1), Put(others[1], {"n": 2}, None), Delete(others[2], None))
    for stale in (Put(ORG, {"n": 2}, 0), Delete(ORG, 2)):
        with pytest.raises(Conflict, match="ORG#acme ORG"):
            await written(store, *late, stale)
    assert await store.get([KEY, *others, ORG], now=NOW) == {key: Item(key, {"n": 1}, 1) for key in [*others, ORG]}
    await written(store, *late, Put(ORG, {"n": 2}, 1))
    assert await store.get([KEY, *others[:4], ORG], now=NOW) == {
        KEY: Item(KEY, {"n": 2}, 1),
        others[1]: Item(others[1], {"n": 2}, 2),
        others[3]: Item(others[3], {"n": 1}, 1),
        ORG: Item(ORG, {"n": 2}, 2),
    }


async def test_nothing_to_write_is_no_fault(store: ControlStore) -> None:
    await store.write([], now=NOW)


async def test_an_item_is_gone_from_the_very_second_in_which_it_expires(store: ControlStore) -> None:
    await written(store, Put(KEY, {}, 0, NOW + 10), Put(ORG, {}, 0))
    for now, there in ((NOW + 9, [KEY, ORG]), (NOW + 10, [ORG]), (NOW + 11, [ORG])):
        assert sorted(await store.get([ORG, KEY], now=now), key=lambda key: key.sort) == there
        assert (await one(store, KEY, now=now) is not None) == (KEY in there)
        assert [item.key for item in await store.page("ORG#acme", "", now=now)] == there


@pytest.mark.parametrize("writes", [(), (Put(ORG, {}, None),)], ids=["alone", "among others"])
async def test_what_has_expired_counts_as_absent_for_a_write(store: ControlStore, writes: tuple[Write, ...]) -> None:
    await written(store, Put(KEY, {"n": 1}, 0, NOW + 10))
    refusals: dict[int, list[Write]] = {
        NOW + 9: [Put(KEY, {}, 0), Delete(KEY, 0)],
        NOW + 10: [Put(KEY, {}, 1), Delete(KEY, 1)],
    }
    for now, refused in refusals.items():
        for write in refused:
            with pytest.raises(Conflict):
                await written(store, *writes, write, now=now)
    await written(store, *writes, Put(KEY, {"n": 2}, 0), now=NOW + 10)
    assert await one(store, KEY, now=NOW + 999) == Item(KEY, {"n": 2}, 1)
    await written(store, *writes, Put(KEY, {"n": 3}, 1, NOW + 10))
    await written(store, *writes, Delete(KEY, 0), now=NOW + 10)
    assert await one(store, KEY) is None


async def test_an_item_written_too_late_replaces_the_older_one_and_is_gone(store: ControlStore) -> None:
    await written(store, Put(KEY, {}, 0))
    await written(store, Put(KEY, {}, 1, NOW))
    assert await one(store, KEY) is None


async def test_a_page_is_what_begins_so_in_the_order_of_its_bytes(store: ControlStore) -> None:
    names = ["A", "B", "KEY#", "KEY#%", "KEY#B", "KEY#_", "KEY#a", "KEY#é", "KEY#\uffff", "KEY#\U0001f600", "KEZ", "Z"]
    for name in reversed(names):
        await written(store, Put(ItemKey("ORG#acme", name), {}, 0), Put(ItemKey("ORG#other", name), {}, 0))
    keys = [name for name in names if name.startswith("KEY#")]
    assert await sorts(store, "ORG#acme", "KEY#") == keys
    assert await sorts(store, "ORG#acme", "KEY#", order="descending") == keys[::-1]
    assert await sorts(store, "ORG#acme", "") == names
    assert await sorts(store, "ORG#acme", "KEY#_") == ["KEY#_"]
    assert await sorts(store, "ORG#acme", "KEY#%") == ["KEY#%"]
    assert await sorts(store, "ORG#acme", "k") == []
    assert await sorts(store, "ORG", "") == []


@pytest.mark.parametrize("order", ["ascending", "descending"])
async def test_pages_follow_one_another_without_a_gap(
    store: ControlStore, order: Literal["ascending", "descending"]
) -> None:
    audit = [f"AUDIT#{number:03}" for number in range(25)]
    await written(store, *(Put(ItemKey("ORG#acme", sort), {"n": 1}, 0) for sort in audit))
    expected = audit if order == "ascending" else audit[::-1]
    for limit in (1, 7, 24, 25, 26):
        seen: list[str] = []
        while page := await sorts(
            store, "ORG#acme", "AUDIT#", limit=limit, after=seen[-1] if seen else None, order=order
        ):
            assert len(page) == min(limit, 25 - len(seen))
            seen += page
        assert seen == expected


async def test_a_page_starts_after_a_key_that_is_no_more(store: ControlStore) -> None:
    await written(store, *(Put(ItemKey("P", f"A#{number}"), {}, 0) for number in (1, 3, 5)))
    assert await sorts(store, "P", "A#", after="A#2") == ["A#3", "A#5"]
    assert await sorts(store, "P", "A#", after="A#4", order="descending") == ["A#3", "A#1"]


async def test_the_expired_take_no_place_in_a_page(store: ControlStore) -> None:
    keys = [ItemKey("ORG#acme", f"AUDIT#{number:03}") for number in range(25)]
    await written(store, *(Put(key, {}, 0, None if place % 8 == 7 else NOW) for place, key in enumerate(keys)))
    assert await sorts(store, "ORG#acme", "AUDIT#", limit=2) == ["AUDIT#007", "AUDIT#015"]
    assert await sorts(store, "ORG#acme", "AUDIT#", limit=2, after="AUDIT#007") == ["AUDIT#015", "AUDIT#023"]
    assert await sorts(store, "ORG#acme", "AUDIT#", limit=3, order="descending") == [
        "AUDIT#023",
        "AUDIT#015",
        "AUDIT#007",
    ]
    # The first two are expired and the rest not: a store that reads three at a time has one, and then four.
    await written(store, *(Put(ItemKey("P", f"A#{place}"), {}, 0, NOW if place < 2 else None) for place in range(6)))
    assert await sorts(store, "P", "A#", limit=3) == ["A#2", "A#3", "A#4"]


async def test_of_many_who_write_at_once_each_version_has_one_writer(stores: list[ControlStore]) -> None:
    async def raise_by_one(store: ControlStore) -> int:
        conflicts = 0
        while True:
            item = await one(store, ORG)
            document, version = ({"n": 0}, 0) if item is None else (item.document, item.version)
            number = document["n"]
            assert isinstance(number, int)
            try:
                await written(store, Put(ORG, {"n": number + 1}, version))
            except Conflict:
                conflicts += 1
            else:
                return conflicts

    conflicts = await asyncio.gather(*(raise_by_one(store) for store in stores * 5))
    assert await one(stores[0], ORG) == Item(ORG, {"n": 10}, 10)
    assert sum(conflicts) > 0


async def test_every_store_sees_what_another_wrote_before(stores: list[ControlStore]) -> None:
    first, second = stores
    assert await one(second, ORG) is None
    await written(first, Put(ORG, {"n": 1}, 0))
    assert await one(second, ORG) == Item(ORG, {"n": 1}, 1)
    await written(second, Delete(ORG, 1))
    assert await one(first, ORG) is None


async def test_what_no_caller_may_ask_is_a_bug_and_no_outage(store: ControlStore) -> None:
    keys = [ItemKey("P", str(number)) for number in range(26)]
    with pytest.raises(ValueError, match="26 keys"):
        await store.get(keys, now=NOW)
    with pytest.raises(ValueError, match="26 items"):
        await written(store, *(Put(key, {}, 0) for key in keys))
    with pytest.raises(ValueError, match="same item twice"):
        await written(store, Put(ORG, {}, 0), Delete(ORG, 0))
    with pytest.raises(ValueError, match="at least one"):
        await store.page("P", "", now=NOW, limit=0)
    with pytest.raises(ValueError, match="same prefix"):
        await store.page("P", "A#", now=NOW, after="B#1")
    with pytest.raises(ValueError, match="JSON"):
        await written(store, Put(ORG, {"n": float("nan")}, 0))
    assert await one(store, ORG) is None


async def test_pitfall_39_a_closed_store_is_a_fault_and_never_empty(store: ControlStore) -> None:
    await written(store, Put(ORG, {}, 0))
    await store.close()
    await store.close()
    for ask in (store.get([ORG], now=NOW), store.get([ORG, KEY], now=NOW), store.page("P", "", now=NOW)):
        with pytest.raises(ControlFault, match="closed"):
            await ask
    with pytest.raises(ControlFault, match="closed"):
        await written(store, Put(ORG, {}, None))
