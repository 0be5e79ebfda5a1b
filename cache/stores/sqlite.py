"""The embedded store: one SQLite file, shared by any number of processes on one machine, surviving restarts.

SQLite blocks, so one thread of our own does all of it and the event loop only waits for that thread's answers. In WAL
mode a reader is never held up by a writer of another process.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from cache.errors import CacheFault
from cache.sealed import SealedEntry

DEFAULT_MAX_BYTES: Final = 512 * 1024 * 1024
DEFAULT_BUSY_TIMEOUT_MS: Final = 2_000

_SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE entries (id BLOB NOT NULL PRIMARY KEY, expires_at INTEGER NOT NULL, sealed BLOB NOT NULL);
CREATE INDEX entries_by_expiry ON entries (expires_at);
"""
# Rows that one put clears away: enough to keep ahead of what puts bring in, too few to hold the lock for long.
_SWEEP_BATCH: Final = 64
_EVICTION_BATCH: Final = 16
_EVICTION_ROUNDS: Final = 64
_WAL_PAUSE_MS: Final = 20

_R = TypeVar("_R")


class SqliteStore:
    """Opens `path` at the first get or put. What it makes, file and folder, its owner alone can read; a file that is
    there keeps its mode, and gives it to the files that SQLite puts beside it.

    `max_bytes` bounds the pages in use; past it the entries that expire soonest go. A file that is damaged or of
    another schema is a `CacheFault` at each use, never deleted: it may be somebody's file given by mistake.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = DEFAULT_MAX_BYTES,
        busy_timeout_ms: int = DEFAULT_BUSY_TIMEOUT_MS,
    ) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._busy_timeout_ms = busy_timeout_ms
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sabir-cache")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        return await self._run(partial(self._read, item_id, now))

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await self._run(partial(self._write, item_id, sealed, now))

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await self._on_thread(self._disconnect)
            self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _R]) -> _R:
        if self._closed:
            raise CacheFault("the SQLite cache is closed")
        return await self._on_thread(work)

    async def _on_thread(self, work: Callable[[], _R]) -> _R:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as error:
            raise CacheFault(f"the SQLite cache failed: {error}") from error

    # Everything below runs on the store's own thread.

    def _read(self, item_id: bytes, now: int) -> SealedEntry | None:
        row = (
            self._open()
            .execute("SELECT CAST(sealed AS BLOB) FROM entries WHERE id = ? AND expires_at > ?", (item_id, now))
            .fetchone()
        )
        return None if row is None else SealedEntry.from_stored(row[0])

    def _write(self, item_id: bytes, sealed: SealedEntry, now: int) -> None:
        stored, expires_at = sealed.stored, sealed.expires_at
        connection = self._open()
        with _write_transaction(connection):
            connection.execute(
                "DELETE FROM entries WHERE id IN"
                " (SELECT id FROM entries WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
                (now, _SWEEP_BATCH),
            )
            if expires_at <= now or len(stored) > self._max_bytes:
                # What was there is replaced all the same: nobody may be served the older answer.
                connection.execute("DELETE FROM entries WHERE id = ?", (item_id,))
                return
            connection.execute("REPLACE INTO entries VALUES (?, ?, ?)", (item_id, expires_at, stored))
            self._evict(connection)

    def _evict(self, connection: sqlite3.Connection) -> None:
        for _ in range(_EVICTION_ROUNDS):
            if _bytes_in_use(connection) <= self._max_bytes:
                return
            connection.execute(
                "DELETE FROM entries WHERE id IN (SELECT id FROM entries ORDER BY expires_at LIMIT ?)",
                (_EVICTION_BATCH,),
            )

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            # Made here and not by SQLite, whose mode would be the umask's; the -wal and -shm files inherit it.
            self._path.touch(mode=0o600)
            connection = sqlite3.connect(
                self._path, timeout=self._busy_timeout_ms / 1000, isolation_level=None, check_same_thread=False
            )
            try:
                _prepare(connection, self._busy_timeout_ms)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _prepare(connection: sqlite3.Connection, busy_timeout_ms: int) -> None:
    _enter_wal(connection, busy_timeout_ms)
    # A cache may lose its last moments with the power, never its consistency.
    connection.execute("PRAGMA synchronous = NORMAL")
    with _write_transaction(connection):
        version = _pragma(connection, "user_version")
        if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            for statement in _SCHEMA.strip().splitlines():
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        elif version != _SCHEMA_VERSION:
            raise CacheFault("the SQLite cache file was written by something else or another version")


def _enter_wal(connection: sqlite3.Connection, busy_timeout_ms: int) -> None:
    """The change to WAL wants the file to itself, and SQLite does not run the busy handler for it.

    So processes that start together meet "database is locked" at once; the first one through settles it for all.
    """
    for _ in range(1 + busy_timeout_ms // _WAL_PAUSE_MS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            threading.Event().wait(_WAL_PAUSE_MS / 1000)
        else:
            return
    raise CacheFault("the SQLite cache could not enter WAL mode: the file stayed locked")


@contextlib.contextmanager
def _write_transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE takes the write lock at once and waits for it: a later upgrade would fail instead of waiting.
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        yield


def _bytes_in_use(connection: sqlite3.Connection) -> int:
    pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
    return pages * _pragma(connection, "page_size")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value
