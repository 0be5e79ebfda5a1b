"""One SQLite file for all that a local Sabir keeps: each component has tables of its own there, and a version of them.

SQLite blocks, so each user of the file has one thread that does all of its work, and the event loop only waits for that
thread's answers. In WAL mode a reader is never held up by a writer, of this process or of another one.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DEFAULT_BUSY_TIMEOUT_MS: Final = 5_000

# "Sabr" in ASCII. SQLite keeps it in the file's header, for programs to know their own files by.
_APPLICATION_ID: Final = 0x53616272
_WAL_PAUSE_MS: Final = 20

_R = TypeVar("_R")


@dataclass(frozen=True, slots=True)
class Component:
    """A component's tables and indexes. `version` says which `schema` (one SQL statement each) it is.

    Components that share a file must not share names; so each table's name starts with the component's.
    """

    name: str
    version: int
    schema: tuple[str, ...]


class SqliteFile:
    """One component's connection to the file at `path`, opened at the first use.

    What it makes, file and folder, its owner alone can read; a file that is there keeps its mode, and gives it to the
    files that SQLite puts beside it. A file that is damaged, not Sabir's, or of another version of the component is a
    fault at each use, never deleted: it may be somebody's file given by mistake.

    Whatever goes wrong with the file is raised as `fault`, whose text may name the path and never quotes a row.
    `durable`: a write is on the disk when it returns; without it a loss of power may take the last moments away.
    """

    def __init__(
        self,
        path: Path,
        component: Component,
        fault: type[Exception],
        *,
        durable: bool = True,
        busy_timeout_ms: int = DEFAULT_BUSY_TIMEOUT_MS,
    ) -> None:
        self._path = path
        self._component = component
        self._fault = fault
        self._durable = durable
        self._busy_timeout_ms = busy_timeout_ms
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sabir-{component.name}")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def read(self, work: Callable[[sqlite3.Connection], _R]) -> _R:
        """What `work` returns, on the file's thread; all of its queries see the same moment."""
        return await self._run("BEGIN", work)

    async def write(self, work: Callable[[sqlite3.Connection], _R]) -> _R:
        """The same with the right to write, which no one else has meanwhile. An exception of `work` undoes it all.

        As the caller may be cancelled while the thread works on, a cancelled write may or may not have happened.
        """
        # IMMEDIATE takes the write lock at once and waits for it: a later upgrade would fail instead of waiting.
        return await self._run("BEGIN IMMEDIATE", work)

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._on_thread(self._disconnect)
            self._thread.shutdown(wait=False)

    async def _run(self, begin: str, work: Callable[[sqlite3.Connection], _R]) -> _R:
        if self._closed:
            raise self._fault(f"the SQLite store of {self._component.name} is closed")
        return await self._on_thread(partial(self._in_transaction, begin, work))

    async def _on_thread(self, work: Callable[[], _R]) -> _R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise self._fault(f"the SQLite store of {self._component.name} failed: {error}") from error

    # Everything below runs on the file's own thread.

    def _in_transaction(self, begin: str, work: Callable[[sqlite3.Connection], _R]) -> _R:
        connection = self._open()
        with _transaction(connection, begin):
            return work(connection)

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made here and not by SQLite, whose mode would be the umask's; the -wal and -shm files inherit it.
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path, timeout=self._busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        self._enter_wal(connection)
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'NORMAL'}")
        # What is deleted is overwritten too: a revoked key's row must not live on in a free page.
        connection.execute("PRAGMA secure_delete = ON")
        with _transaction(connection, "BEGIN IMMEDIATE"):
            self._claim(connection)
            self._bring_schema(connection)

    def _enter_wal(self, connection: sqlite3.Connection) -> None:
        """The change to WAL wants the file to itself, and SQLite does not run the busy handler for it.

        So those who start together meet "database is locked" at once; the first one through settles it for all.
        """
        for _ in range(1 + self._busy_timeout_ms // _WAL_PAUSE_MS):
            try:
                connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                threading.Event().wait(_WAL_PAUSE_MS / 1000)
            else:
                return
        raise self._fault(
            f"the SQLite store of {self._component.name} could not enter WAL mode: the file stayed locked"
        )

    def _claim(self, connection: sqlite3.Connection) -> None:
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        if owner == _APPLICATION_ID:
            return
        if owner != 0 or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise self._fault(f"the SQLite file of {self._component.name} was written by something else")
        connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        connection.execute("CREATE TABLE components (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL)")

    def _bring_schema(self, connection: sqlite3.Connection) -> None:
        component = self._component
        row = connection.execute("SELECT version FROM components WHERE name = ?", (component.name,)).fetchone()
        if row is None:
            for statement in component.schema:
                connection.execute(statement)
            connection.execute("INSERT INTO components VALUES (?, ?)", (component.name, component.version))
        elif row[0] != component.version:
            raise self._fault(
                f"the SQLite store of {component.name} is of version {row[0]}; this Sabir knows {component.version}"
            )

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    with connection:
        yield
