import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from cache.errors import CacheFault
from cache.sealed import SealedEntry
from cache.stores.sqlite import SqliteStore

Seal = Callable[..., SealedEntry]

NOW = 1_800_000_000

WRITER = """
import asyncio, os, sys
from pathlib import Path
from cache.sealed import CacheEntry, SealContext, Sealer
from cache.stores.sqlite import SqliteStore

async def main(path, writer, count):
    store, sealer = SqliteStore(Path(path), busy_timeout_ms=30_000), Sealer(lambda: os.urandom(12))
    sys.stdin.read(1)
    for number in range(count):
        item_id = bytes([writer]) * 16 + number.to_bytes(16, "big")
        entry = CacheEntry(b"%d/%d" % (writer, number) * 50, 1_800_000_000, 1_800_003_600)
        await store.put(item_id, sealer.seal(bytes(32), entry, SealContext(item_id, b"key")), now=1_800_000_000)
        assert await store.get(item_id, now=1_800_000_000) is not None
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
"""


def _ids(path: Path) -> list[bytes]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM entries ORDER BY id")]


def _id(number: int) -> bytes:
    return number.to_bytes(32, "big")


async def test_entries_survive_a_restart(tmp_path: Path, seal: Seal) -> None:
    sealed = seal(10_000)
    first = SqliteStore(tmp_path / "cache.db")
    await first.put(_id(1), sealed, now=NOW)
    await first.close()
    second = SqliteStore(tmp_path / "cache.db")
    found = await second.get(_id(1), now=NOW)
    assert found is not None
    assert found.stored == sealed.stored
    await second.close()


async def test_nothing_is_opened_before_the_first_use_and_nothing_is_left_to_close(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "new" / "cache.db")
    await store.close()
    assert not (tmp_path / "new").exists()


async def test_the_files_are_readable_for_their_owner_alone(tmp_path: Path, seal: Seal) -> None:
    store = SqliteStore(tmp_path / "new" / "cache.db")
    await store.put(_id(1), seal(), now=NOW)
    files = sorted((tmp_path / "new").iterdir())
    assert [file.name for file in files] == ["cache.db", "cache.db-shm", "cache.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    await store.close()


async def test_the_event_loop_is_never_blocked(tmp_path: Path, seal: Seal) -> None:
    store = SqliteStore(tmp_path / "new" / "cache.db")
    with blockbuster_ctx():
        await store.put(_id(1), seal(), now=NOW)
        assert await store.get(_id(1), now=NOW) is not None
        await store.close()


@pytest.mark.slow
def test_several_processes_start_and_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    writers, count = 6, 30
    path = tmp_path / "cache.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(writer), str(count)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for writer in range(writers)
    ]
    with ThreadPoolExecutor(writers) as pool:
        outputs = list(pool.map(lambda process: process.communicate(b"go", 90), processes))
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, outputs, strict=True)] == (
        [(0, b"")] * writers
    )
    assert len(_ids(path)) == writers * count
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_a_put_clears_expired_rows_away_a_bounded_number_at_a_time(tmp_path: Path, seal: Seal) -> None:
    store = SqliteStore(tmp_path / "cache.db")
    for number in range(100):
        await store.put(_id(number), seal(expires_at=NOW + 1 + number), now=NOW)
    await store.put(_id(1000), seal(expires_at=NOW + 9_999), now=NOW + 90)
    await store.close()
    # 64 of the 90 expired ones are gone, those that expired first.
    assert _ids(tmp_path / "cache.db") == [_id(number) for number in [*range(64, 100), 1000]]


async def test_the_pages_in_use_stay_below_the_limit_and_the_soonest_to_expire_go(tmp_path: Path, seal: Seal) -> None:
    limit = 300_000
    store = SqliteStore(tmp_path / "cache.db", max_bytes=limit)
    for number in range(60):
        await store.put(_id(number), seal(9_000, expires_at=NOW + 1000 + number), now=NOW)
    await store.close()
    left = _ids(tmp_path / "cache.db")
    assert 5 < len(left) < 60
    assert left == [_id(number) for number in range(60 - len(left), 60)]
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        size = connection.execute("PRAGMA page_size").fetchone()[0]
    assert (pages - free) * size <= limit


async def test_evictions_of_one_put_are_bounded_too(tmp_path: Path, seal: Seal) -> None:
    # Not even an empty database fits into one page, so there is always something to evict.
    store = SqliteStore(tmp_path / "cache.db", max_bytes=2_000)
    await store.put(_id(1), seal(10), now=NOW)
    assert await store.get(_id(1), now=NOW) is None
    await store.close()


async def test_an_entry_larger_than_the_limit_is_not_kept_and_evicts_nobody(tmp_path: Path, seal: Seal) -> None:
    store = SqliteStore(tmp_path / "cache.db", max_bytes=100_000)
    await store.put(_id(1), seal(), now=NOW)
    await store.put(_id(2), seal(200_000), now=NOW)
    assert await store.get(_id(1), now=NOW) is not None
    assert await store.get(_id(2), now=NOW) is None
    await store.close()


@pytest.mark.parametrize("content", [b"this is no database" * 100, os.urandom(8192)])
async def test_a_file_that_is_no_database_is_a_fault_and_is_left_alone(
    tmp_path: Path, seal: Seal, content: bytes
) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(content)
    store = SqliteStore(path)
    with pytest.raises(CacheFault, match="not a database"):
        await store.get(_id(1), now=NOW)
    with pytest.raises(CacheFault, match="not a database"):
        await store.put(_id(1), seal(), now=NOW)
    await store.close()
    assert path.read_bytes() == content


async def test_a_file_damaged_in_use_is_a_fault_and_not_a_crash(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "cache.db"
    store = SqliteStore(path)
    for number in range(20):
        await store.put(_id(number), seal(5_000), now=NOW)
    await store.close()
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = os.urandom(len(damaged) - 4096)
    path.write_bytes(damaged)
    again = SqliteStore(path)
    with pytest.raises(CacheFault):
        await again.get(_id(1), now=NOW)
    await again.close()


@pytest.mark.parametrize(
    "script",
    ["CREATE TABLE notes (x)", "PRAGMA user_version = 2", "CREATE TABLE entries (id); PRAGMA user_version = 9"],
)
async def test_a_database_of_somebody_else_or_another_version_is_a_fault(tmp_path: Path, script: str) -> None:
    path = tmp_path / "cache.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    store = SqliteStore(path)
    with pytest.raises(CacheFault, match="something else or another version"):
        await store.get(_id(1), now=NOW)
    await store.close()


async def test_a_row_that_holds_no_entry_is_a_fault(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "cache.db"
    store = SqliteStore(path)
    await store.put(_id(1), seal(), now=NOW)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE entries SET sealed = 12345")
        connection.commit()
    with pytest.raises(CacheFault, match="could not be opened"):
        await store.get(_id(1), now=NOW)
    await store.close()


@pytest.mark.parametrize("path", ["a-file/cache.db", "a-folder"])
async def test_a_path_that_cannot_be_opened_is_a_fault(tmp_path: Path, path: str) -> None:
    (tmp_path / "a-file").touch()
    (tmp_path / "a-folder").mkdir()
    store = SqliteStore(tmp_path / path)
    with pytest.raises(CacheFault, match="the SQLite cache failed"):
        await store.get(_id(1), now=NOW)
    await store.close()


async def test_a_write_ahead_log_that_cannot_be_made_is_a_fault_at_once(tmp_path: Path) -> None:
    (tmp_path / "cache.db-wal").mkdir()
    store = SqliteStore(tmp_path / "cache.db")
    with pytest.raises(CacheFault, match="disk I/O error"):
        await store.get(_id(1), now=NOW)
    await store.close()


async def test_a_file_locked_at_the_start_is_a_fault_until_it_is_free(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "cache.db"
    store = SqliteStore(path, busy_timeout_ms=40)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CacheFault, match="locked"):
            await store.put(_id(1), seal(), now=NOW)
    await store.put(_id(1), seal(), now=NOW)
    assert await store.get(_id(1), now=NOW) is not None
    await store.close()


async def test_a_writer_of_another_process_delays_no_reader(tmp_path: Path, seal: Seal) -> None:
    path = tmp_path / "cache.db"
    store = SqliteStore(path, busy_timeout_ms=40)
    await store.put(_id(1), seal(), now=NOW)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        assert await store.get(_id(1), now=NOW) is not None
        with pytest.raises(CacheFault, match="locked"):
            await store.put(_id(2), seal(), now=NOW)
    await store.put(_id(2), seal(), now=NOW)
    assert await store.get(_id(2), now=NOW) is not None
    await store.close()
