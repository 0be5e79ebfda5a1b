"""What only the SQLite control store does: it is its own TTL, and lives on in its file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx

from infra.control.sqlite import SqliteControlStore
from infra.control.store import Conflict, ControlFault, Delete, Item, ItemKey, Put

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_800_000_000
ORG = ItemKey("ORG#acme", "ORG")


async def test_items_survive_a_restart_and_no_call_blocks_the_event_loop(tmp_path: Path) -> None:
    with blockbuster_ctx():
        first = SqliteControlStore(tmp_path / "control.db")
        await first.write([Put(ORG, {"n": 1}, 0)], now=NOW)
        await first.close()
        second = SqliteControlStore(tmp_path / "control.db")
        assert await second.get([ORG], now=NOW) == {ORG: Item(ORG, {"n": 1}, 1)}
        assert await second.page("ORG#acme", "", now=NOW) == [Item(ORG, {"n": 1}, 1)]
        await second.close()


async def test_a_write_clears_expired_rows_away_a_bounded_number_at_a_time(tmp_path: Path) -> None:
    store = SqliteControlStore(tmp_path / "control.db")
    for batch in range(4):
        keys = [ItemKey("P", f"{batch * 25 + number:03}") for number in range(25)]
        await store.write([Put(key, {}, 0, NOW + 1 + int(key.sort)) for key in keys], now=NOW)
    await store.write([Delete(ORG, None)], now=NOW + 90)
    await store.close()
    # 64 of the 90 expired ones are gone, those that expired first.
    with closing(sqlite3.connect(tmp_path / "control.db")) as connection:
        rows = connection.execute("SELECT sort FROM control_items ORDER BY sort").fetchall()
    assert rows == [(f"{number:03}",) for number in range(64, 100)]


async def test_a_conflict_brings_back_what_the_write_had_cleared_away(tmp_path: Path) -> None:
    store = SqliteControlStore(tmp_path / "control.db")
    await store.write([Put(ItemKey("P", "old"), {}, 0, NOW + 1), Put(ORG, {}, 0)], now=NOW)
    with pytest.raises(Conflict):
        await store.write([Put(ORG, {}, 0)], now=NOW + 1)
    assert len(await store.page("P", "", now=NOW)) == 1
    await store.close()


@pytest.mark.parametrize("text", ["{", "[]", "null", '"hush"'])
async def test_a_row_that_holds_no_document_is_a_fault_which_names_it(tmp_path: Path, text: str) -> None:
    store = SqliteControlStore(tmp_path / "control.db")
    await store.write([Put(ORG, {}, 0)], now=NOW)
    with closing(sqlite3.connect(tmp_path / "control.db")) as connection, connection:
        connection.execute("UPDATE control_items SET document = ?", (text,))
    for ask in (store.get([ORG], now=NOW), store.page("ORG#acme", "", now=NOW)):
        with pytest.raises(ControlFault, match="the item ORG#acme ORG holds no JSON object"):
            await ask
    await store.close()


async def test_pitfall_39_a_file_that_is_no_database_is_a_fault_and_never_empty(tmp_path: Path) -> None:
    (tmp_path / "control.db").write_bytes(b"not a database at all" * 100)
    store = SqliteControlStore(tmp_path / "control.db")
    for ask in (store.get([ORG], now=NOW), store.page("P", "", now=NOW), store.write([Put(ORG, {}, 0)], now=NOW)):
        with pytest.raises(ControlFault, match="the SQLite store of control failed"):
            await ask
    await store.close()
