"""The embedded request log: tables of its own in the file of a local Sabir.

Each term of a record has a row in an index of terms, newest last. So a search reads the rows of one of its terms from
the end, and is done when the page is full.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from infra.requests.cursor import cursor, span
from infra.requests.ids import began_at
from infra.requests.kept import document, escaped, kept, unescaped, wanted_terms
from infra.requests.rollup import Cell, add, cells, numbers, summed, times
from infra.requests.store import Page, RequestsFault
from infra.sqlite import Component, SqliteFile

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from infra.control.store import Json
    from infra.requests.kept import Kept
    from infra.requests.record import RequestRecord
    from infra.requests.store import Report, UsageRow, Wanted

_COMPONENT: Final = Component(
    "requests",
    1,
    (
        """CREATE TABLE requests_records (
            org TEXT NOT NULL, request_id TEXT NOT NULL, document TEXT NOT NULL, terms TEXT NOT NULL,
            expires_at INTEGER NOT NULL, PRIMARY KEY (org, request_id))""",
        "CREATE INDEX requests_records_by_expiry ON requests_records (expires_at)",
        """CREATE TABLE requests_terms (
            org TEXT NOT NULL, term TEXT NOT NULL, request_id TEXT NOT NULL,
            PRIMARY KEY (org, term, request_id)) WITHOUT ROWID""",
        """CREATE TABLE requests_sums (
            org TEXT NOT NULL, step TEXT NOT NULL, at INTEGER NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL,
            model TEXT NOT NULL, sums TEXT NOT NULL, expires_at INTEGER NOT NULL,
            PRIMARY KEY (org, step, at, key, provider, model)) WITHOUT ROWID""",
        "CREATE INDEX requests_sums_by_expiry ON requests_sums (expires_at)",
    ),
)
# Rows that one write clears away: enough to keep ahead of what writes bring in, too few to hold the lock for long.
_SWEEP_BATCH: Final = 16


class SqliteRequests:
    """Shares the file at `path` with the other stores.

    Names in it are escaped, and sums are JSON: SQLite's whole numbers end at 63 bits, and its text at lone surrogates.
    """

    def __init__(self, path: Path) -> None:
        # What the power takes away is a few records of the last moments: not worth a flush to the disk for each.
        self._file = SqliteFile(path, _COMPONENT, RequestsFault, durable=False)

    async def put(self, record: RequestRecord, *, expires_at: int) -> None:
        await self._file.write(partial(_put, kept(record), expires_at, cells(record), numbers(record)))

    async def get(self, org: str, request_id: str, *, now: int) -> Mapping[str, Json] | None:
        if began_at(request_id) is None:
            return None
        query = "SELECT document FROM requests_records WHERE org = ? AND request_id = ? AND expires_at > ?"
        place = (escaped(org), request_id, now)
        row = await self._file.read(lambda connection: connection.execute(query, place).fetchone())
        return None if row is None else document(row[0])

    async def page(self, wanted: Wanted, *, now: int, limit: int = 100, after: str | None = None) -> Page:
        ids = span(wanted, limit, after)
        if not ids:
            return Page(())
        query, values = _search(wanted, ids, now, limit + 1)
        rows = await self._file.read(lambda connection: connection.execute(query, values).fetchall())
        documents = tuple(document(text) for _, text in rows[:limit])
        return Page(documents, cursor(wanted, int(rows[limit - 1][0], 16)) if len(rows) > limit else None)

    async def usage(self, report: Report, *, now: int) -> list[UsageRow]:
        return await self._file.read(partial(_usage, report, times(report, now)))

    async def close(self) -> None:
        await self._file.close()


def _put(
    one: Kept, expires_at: int, places: Sequence[Cell], amounts: Mapping[str, int], connection: sqlite3.Connection
) -> None:
    # A request began before it is put, so what had expired by then has.
    _sweep(connection, int(one.began_at))
    org = escaped(one.org)
    _forget(connection, org, one.request_id)
    connection.execute(
        "INSERT INTO requests_records VALUES (?, ?, ?, ?, ?)",
        (org, one.request_id, one.text, "\n".join(one.terms), expires_at),
    )
    connection.executemany(
        "INSERT INTO requests_terms VALUES (?, ?, ?)", [(org, term, one.request_id) for term in one.terms]
    )
    for cell in places:
        _add(connection, org, cell, amounts)


def _sweep(connection: sqlite3.Connection, now: int) -> None:
    for org, request_id in connection.execute(
        "SELECT org, request_id FROM requests_records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?",
        (now, _SWEEP_BATCH),
    ).fetchall():
        _forget(connection, org, request_id)
    connection.execute(
        "DELETE FROM requests_sums WHERE (org, step, at, key, provider, model) IN (SELECT org, step, at, key, provider,"
        " model FROM requests_sums WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)",
        (now, _SWEEP_BATCH),
    )


def _forget(connection: sqlite3.Connection, org: str, request_id: str) -> None:
    place = (org, request_id)
    row = connection.execute("SELECT terms FROM requests_records WHERE org = ? AND request_id = ?", place).fetchone()
    if row is not None:
        connection.executemany(
            "DELETE FROM requests_terms WHERE org = ? AND term = ? AND request_id = ?",
            [(org, term, request_id) for term in row[0].split("\n")],
        )
        connection.execute("DELETE FROM requests_records WHERE org = ? AND request_id = ?", place)


def _add(connection: sqlite3.Connection, org: str, cell: Cell, amounts: Mapping[str, int]) -> None:
    place = (org, cell.step, cell.at, escaped(cell.key), escaped(cell.provider), escaped(cell.model))
    row = connection.execute(
        "SELECT sums FROM requests_sums"
        " WHERE org = ? AND step = ? AND at = ? AND key = ? AND provider = ? AND model = ?",
        place,
    ).fetchone()
    sums: dict[str, int] = {} if row is None else _sums(row[0])
    add(sums, amounts)
    connection.execute(
        "REPLACE INTO requests_sums VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*place, json.dumps(sums), cell.expires_at)
    )


def _search(wanted: Wanted, ids: range, now: int, limit: int) -> tuple[str, dict[str, Any]]:
    """The query and its values. Where something is searched for, it goes along the first term's rows.

    CROSS JOIN is SQLite's own word for keeping to that order.
    """
    terms = {f"term{place}": term for place, term in enumerate(wanted_terms(wanted))}
    found = "requests_records AS found" if not terms else "requests_terms AS found CROSS JOIN requests_records"
    conditions = [
        "found.org = :org AND found.request_id BETWEEN :low AND :high AND expires_at > :now",
        *(["found.term = :term0"] if terms else []),
        *(
            "EXISTS (SELECT 1 FROM requests_terms AS other"  # noqa: S608 - of constants
            f" WHERE other.org = :org AND other.term = :{name} AND other.request_id = found.request_id)"
            for name in list(terms)[1:]
        ),
    ]
    using = " USING (org, request_id)" if terms else ""
    query = (
        f"SELECT found.request_id, document FROM {found}{using}"  # noqa: S608 - of constants
        f" WHERE {' AND '.join(conditions)} ORDER BY found.request_id DESC LIMIT :limit"
    )
    bounds = {"low": f"{ids.start:032x}", "high": f"{ids.stop - 1:032x}", "limit": limit}
    return query, {"org": escaped(wanted.org), "now": now, **bounds, **terms}


def _usage(report: Report, at: range, connection: sqlite3.Connection) -> list[UsageRow]:
    rows = connection.execute(
        "SELECT at, key, provider, model, sums FROM requests_sums WHERE org = ? AND step = ? AND at >= ? AND at < ?",
        (escaped(report.org), report.step, at.start, at.stop),
    )
    return summed(report, _found(report, rows))


def _found(report: Report, rows: sqlite3.Cursor) -> Iterator[tuple[Cell, dict[str, int]]]:
    for at, key, provider, model, text in rows:
        yield Cell(report.step, at, unescaped(key), unescaped(provider), unescaped(model)), _sums(text)


def _sums(text: str) -> dict[str, int]:
    """Raises `RequestsFault` for what no Sabir wrote."""
    try:
        sums = json.loads(text)
    except ValueError:
        sums = None
    if not isinstance(sums, dict) or not all(type(number) is int for number in sums.values()):
        raise RequestsFault("the sums of requests in the SQLite store are no numbers")
    return sums
