"""The file that all embedded stores share: its thread, its transactions, its components and its modes."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx

from infra.sqlite import Component, SqliteFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NUMBERS = Component("numbers", 1, ("CREATE TABLE numbers_all (n INTEGER NOT NULL)",))
WORDS = Component("words", 4, ("CREATE TABLE words_all (w TEXT NOT NULL)", "CREATE INDEX words_by_w ON words_all (w)"))

WRITER = """
import asyncio, sys
from pathlib import Path
from infra.sqlite import Component, SqliteFile

async def main(path, component, count):
    schema = (f"CREATE TABLE {component}_all (n INTEGER NOT NULL)",)
    file = SqliteFile(Path(path), Component(component, 1, schema), RuntimeError, busy_timeout_ms=30_000)
    sys.stdin.read(1)
    for _ in range(count):
        await file.write(lambda connection: connection.execute(
            f"INSERT INTO {component}_all SELECT coalesce(max(n), 0) + 1 FROM {component}_all"))
    await file.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


class Fault(Exception):
    pass


def insert(*numbers: int) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.executemany("INSERT INTO numbers_all VALUES (?)", [(number,) for number in numbers])

    return work


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def everything(connection: sqlite3.Connection) -> list[int]:
    return [row[0] for row in connection.execute("SELECT n FROM numbers_all ORDER BY n")]


async def test_what_was_written_survives_a_restart(tmp_path: Path) -> None:
    first = SqliteFile(tmp_path / "control.db", NUMBERS, Fault)
    await first.write(insert(1, 2))
    await first.close()
    second = SqliteFile(tmp_path / "control.db", NUMBERS, Fault)
    assert await second.read(everything) == [1, 2]
    await second.close()


async def test_nothing_is_opened_before_the_first_use_and_nothing_is_left_to_close(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "new" / "control.db", NUMBERS, Fault)
    await file.close()
    await file.close()
    assert not (tmp_path / "new").exists()
    with pytest.raises(Fault, match="the SQLite store of numbers is closed"):
        await file.read(everything)


async def test_the_files_are_readable_for_their_owner_alone(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "new" / "control.db", NUMBERS, Fault)
    await file.write(insert(1))
    assert _modes(tmp_path / "new") == {"control.db": 0o600, "control.db-shm": 0o600, "control.db-wal": 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    await file.close()


async def test_a_file_that_was_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "control.db").touch(mode=0o600)
    (tmp_path / "control.db").chmod(0o640)
    file = SqliteFile(tmp_path / "control.db", NUMBERS, Fault)
    await file.write(insert(1))
    assert _modes(tmp_path) == {"control.db": 0o640, "control.db-shm": 0o640, "control.db-wal": 0o640}
    await file.close()


async def test_the_event_loop_is_never_blocked(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "new" / "control.db", NUMBERS, Fault)
    with blockbuster_ctx():
        await file.write(insert(1))
        assert await file.read(everything) == [1]
        await file.close()


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 1)])
async def test_a_write_is_on_the_disk_unless_that_is_not_wanted(
    tmp_path: Path, durable: bool, synchronous: int
) -> None:
    file = SqliteFile(tmp_path / "control.db", NUMBERS, Fault, durable=durable)
    assert await file.read(lambda connection: connection.execute("PRAGMA synchronous").fetchone()) == (synchronous,)
    await file.close()


async def test_components_share_a_file_and_each_has_its_version(tmp_path: Path) -> None:
    numbers, words = (SqliteFile(tmp_path / "control.db", component, Fault) for component in (NUMBERS, WORDS))
    await asyncio.gather(
        numbers.write(insert(7)),
        words.write(lambda connection: connection.execute("INSERT INTO words_all VALUES ('seven')")),
    )
    assert await numbers.read(everything) == [7]
    assert await words.read(lambda connection: connection.execute("SELECT w FROM words_all").fetchall()) == [("seven",)]
    await numbers.close()
    await words.close()
    with closing(sqlite3.connect(tmp_path / "control.db")) as connection:
        assert connection.execute("SELECT * FROM components ORDER BY name").fetchall() == [("numbers", 1), ("words", 4)]


async def test_another_version_of_a_component_is_a_fault_and_the_others_go_on(tmp_path: Path) -> None:
    old = SqliteFile(tmp_path / "control.db", NUMBERS, Fault)
    await old.write(insert(1))
    new = SqliteFile(tmp_path / "control.db", Component("numbers", 2, NUMBERS.schema), Fault)
    for _ in range(2):
        with pytest.raises(Fault, match="numbers is of version 1; this Sabir knows 2"):
            await new.read(everything)
    words = SqliteFile(tmp_path / "control.db", WORDS, Fault)
    assert await words.read(lambda connection: connection.execute("SELECT w FROM words_all").fetchall()) == []
    assert await old.read(everything) == [1]
    for file in (old, new, words):
        await file.close()


async def test_an_exception_of_the_work_undoes_it_all_and_comes_out_as_it_is(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "control.db", NUMBERS, Fault)
    await file.write(insert(1))

    def half(connection: sqlite3.Connection) -> None:
        insert(2)(connection)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        await file.write(half)
    assert await file.read(everything) == [1]
    await file.write(insert(3))
    assert await file.read(everything) == [1, 3]
    await file.close()


async def test_a_read_sees_one_moment_whatever_is_written_meanwhile(tmp_path: Path) -> None:
    reader, writer = (SqliteFile(tmp_path / "control.db", NUMBERS, Fault) for _ in range(2))
    await writer.write(insert(1))
    loop = asyncio.get_running_loop()

    def twice(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
        before = everything(connection)
        asyncio.run_coroutine_threadsafe(writer.write(insert(2)), loop).result(30)
        return before, everything(connection)

    assert await reader.read(twice) == ([1], [1])
    assert await reader.read(everything) == [1, 2]
    await reader.close()
    await writer.close()


async def test_a_write_has_the_file_to_itself_from_its_first_look(tmp_path: Path) -> None:
    first, second = (SqliteFile(tmp_path / "control.db", NUMBERS, Fault, busy_timeout_ms=20) for _ in range(2))
    await second.write(insert(1))
    loop = asyncio.get_running_loop()

    def look_then_write(connection: sqlite3.Connection) -> BaseException | None:
        seen = everything(connection)
        meanwhile = asyncio.run_coroutine_threadsafe(second.write(insert(5)), loop).exception(30)
        insert(len(seen) + 1)(connection)
        return meanwhile

    assert isinstance(await first.write(look_then_write), Fault)
    assert await first.read(everything) == [1, 2]
    await first.close()
    await second.close()


async def test_a_lock_that_is_held_too_long_is_a_fault(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "control.db", NUMBERS, Fault, busy_timeout_ms=20)
    await file.write(insert(1))
    with closing(sqlite3.connect(tmp_path / "control.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Fault, match="numbers failed: database is locked"):
            await file.write(insert(2))
        assert await file.read(everything) == [1]
    await file.write(insert(3))
    assert await file.read(everything) == [1, 3]
    await file.close()


async def test_a_file_kept_from_wal_mode_is_a_fault_after_a_bounded_wait(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE theirs (n)")
        other.execute("BEGIN EXCLUSIVE")
        file = SqliteFile(path, NUMBERS, Fault, busy_timeout_ms=40)
        with pytest.raises(Fault, match="WAL"):
            await file.read(everything)
        await file.close()


async def test_a_file_that_cannot_enter_wal_mode_is_a_fault_at_once(tmp_path: Path) -> None:
    (tmp_path / "control.db-wal").mkdir()
    file = SqliteFile(tmp_path / "control.db", NUMBERS, Fault, busy_timeout_ms=600_000)
    with pytest.raises(Fault, match="numbers failed: "):
        await file.read(everything)
    await file.close()


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
async def test_a_file_that_is_no_database_is_a_fault_and_stays_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(content)
    file = SqliteFile(path, NUMBERS, Fault)
    for _ in range(2):
        with pytest.raises(Fault, match="numbers failed"):
            await file.read(everything)
    await file.close()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "script", ["CREATE TABLE theirs (n)", "PRAGMA application_id = 7", "PRAGMA application_id = 7; CREATE TABLE t (n)"]
)
async def test_a_database_of_somebody_else_is_a_fault_and_gets_no_tables(tmp_path: Path, script: str) -> None:
    path = tmp_path / "control.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    file = SqliteFile(path, NUMBERS, Fault)
    with pytest.raises(Fault, match="written by something else"):
        await file.write(insert(1))
    await file.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == tables


async def test_a_path_that_cannot_be_is_a_fault_which_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    file = SqliteFile(tmp_path / "file" / "control.db", NUMBERS, Fault)
    with pytest.raises(Fault, match=r"the SQLite store of numbers failed: .*file"):
        await file.read(everything)
    await file.close()


async def test_what_was_deleted_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "control.db", WORDS, Fault)
    await file.write(lambda connection: connection.execute("INSERT INTO words_all VALUES ('wrapped-cache-key')"))
    await file.write(lambda connection: connection.execute("DELETE FROM words_all"))
    await file.close()
    assert list(_modes(tmp_path)) == ["control.db"]
    assert b"wrapped-cache-key" not in (tmp_path / "control.db").read_bytes()


@pytest.mark.slow
def test_several_processes_of_two_components_start_and_write_at_once_and_lose_nothing(tmp_path: Path) -> None:
    path, count = tmp_path / "control.db", 20
    components = ["numbers", "others"] * 2
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), component, str(count)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for component in components
    ]
    with ThreadPoolExecutor(len(processes)) as pool:
        outputs = list(pool.map(lambda process: process.communicate(b"go", 90), processes))
    assert [(process.returncode, errors) for process, (_, errors) in zip(processes, outputs, strict=True)] == (
        [(0, b"")] * len(processes)
    )
    with closing(sqlite3.connect(path)) as connection:
        for table in ("numbers_all", "others_all"):
            rows = connection.execute(f"SELECT n FROM {table} ORDER BY n").fetchall()  # noqa: S608 - of constants
            assert rows == [(number,) for number in range(1, 2 * count + 1)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
