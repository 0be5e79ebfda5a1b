"""The embedded control store: tables of its own in the file of a local Sabir."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, Literal, assert_never

from infra.control.item import check_keys, check_page, check_writes, expired, from_text, to_text
from infra.control.store import Conflict, ControlFault, Delete, Item, ItemKey, Put
from infra.sqlite import Component, SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence
    from pathlib import Path
    from typing import TypeAlias

    from infra.control.store import Write

    _Row: TypeAlias = tuple[str, str, str, int, int | None]

_COMPONENT: Final = Component(
    "control",
    1,
    (
        """CREATE TABLE control_items (
            partition TEXT NOT NULL, sort TEXT NOT NULL, document TEXT NOT NULL, version INTEGER NOT NULL,
            expires_at INTEGER, PRIMARY KEY (partition, sort)) WITHOUT ROWID""",
        "CREATE INDEX control_items_by_expiry ON control_items (expires_at) WHERE expires_at IS NOT NULL",
    ),
)
_COLUMNS: Final = "partition, sort, document, version, expires_at"
# Rows that one write clears away: enough to keep ahead of what writes bring in, too few to hold the lock for long.
_SWEEP_BATCH: Final = 64


class SqliteControlStore:
    """Whatever else lives in the file at `path`, it uses its own tables alone."""

    def __init__(self, path: Path) -> None:
        self._file = SqliteFile(path, _COMPONENT, ControlFault)

    async def get(self, keys: Sequence[ItemKey], *, now: int) -> dict[ItemKey, Item]:
        check_keys(keys)
        rows = await self._file.read(partial(_rows, keys))
        return {item.key: item for item in map(_item, rows) if not expired(item.expires_at, now)}

    async def page(
        self,
        partition: str,
        prefix: str,
        *,
        now: int,
        limit: int = 100,
        after: str | None = None,
        order: Literal["ascending", "descending"] = "ascending",
    ) -> list[Item]:
        check_page(prefix, limit, after)
        beyond, direction = (">", "ASC") if order == "ascending" else ("<", "DESC")
        query = (
            f"SELECT {_COLUMNS} FROM control_items"  # noqa: S608 - of constants
            " WHERE partition = :partition AND sort >= :prefix AND substr(sort, 1, length(:prefix)) = :prefix"
            f" AND (:after IS NULL OR sort {beyond} :after) AND (expires_at IS NULL OR expires_at > :now)"
            f" ORDER BY sort {direction} LIMIT :limit"
        )
        values = {"partition": partition, "prefix": prefix, "after": after, "now": now, "limit": limit}
        rows = await self._file.read(lambda connection: connection.execute(query, values).fetchall())
        return [_item(row) for row in rows]

    async def write(self, writes: Sequence[Write], *, now: int) -> None:
        check_writes(writes)
        await self._file.write(partial(_apply, writes, now))

    async def close(self) -> None:
        await self._file.close()


def _rows(keys: Sequence[ItemKey], connection: sqlite3.Connection) -> list[_Row]:
    query = f"SELECT {_COLUMNS} FROM control_items WHERE partition = ? AND sort = ?"  # noqa: S608 - of constants
    return [row for key in keys for row in connection.execute(query, (key.partition, key.sort))]


def _item(row: _Row) -> Item:
    partition, sort, text, version, expires_at = row
    key = ItemKey(partition, sort)
    return Item(key, from_text(key, text), version, expires_at)


def _apply(writes: Sequence[Write], now: int, connection: sqlite3.Connection) -> None:
    connection.execute(
        "DELETE FROM control_items WHERE (partition, sort) IN (SELECT partition, sort FROM control_items"
        " WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
        (now, _SWEEP_BATCH),
    )
    for write in writes:
        version = _version(connection, write.key, now)
        if write.version not in (None, version):
            raise Conflict(f"the item {write.key.partition} {write.key.sort} is of another version")
        match write:
            case Put(key, document, _, expires_at):
                row = (key.partition, key.sort, to_text(document), version + 1, expires_at)
                connection.execute("REPLACE INTO control_items VALUES (?, ?, ?, ?, ?)", row)
            case Delete(key):
                place = (key.partition, key.sort)
                connection.execute("DELETE FROM control_items WHERE partition = ? AND sort = ?", place)
            case _:
                assert_never(write)


def _version(connection: sqlite3.Connection, key: ItemKey, now: int) -> int:
    """0 for what is not there, or no more."""
    query = (
        "SELECT version FROM control_items WHERE partition = ? AND sort = ? AND (expires_at IS NULL OR expires_at > ?)"
    )
    row = connection.execute(query, (key.partition, key.sort, now)).fetchone()
    return 0 if row is None else int(row[0])
