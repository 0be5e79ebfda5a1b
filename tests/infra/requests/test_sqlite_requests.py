"""What only the request log in SQLite meets: sweeping, searches that use their index, and files that are broken."""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.cursor import span
from infra.requests.sqlite import SqliteRequests, _search
from infra.requests.store import Report, RequestsFault
from tests.infra.requests.records import DAY, LATER, NOW, a_record, everything, expected, full_record, listed, put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sabir.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteRequests]:
    opened = SqliteRequests(path)
    yield opened
    await opened.close()


def rows(path: Path, query: str, *values: Any) -> list[Any]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(query, values).fetchall()
    finally:
        connection.close()


async def test_what_has_expired_is_swept_away_a_little_with_each_put(store: SqliteRequests, path: Path) -> None:
    await put(store, *(full_record(NOW - 500 * DAY + place * DAY) for place in range(40)), expires_at=NOW - 1)
    tables = ("requests_records", "requests_terms", "requests_sums")
    counts = []
    for later in range(8):
        await put(store, a_record(NOW + later))
        counts.append(tuple(rows(path, f"SELECT count(*) FROM {table}")[0][0] for table in tables))  # noqa: S608
    swept = [before[0] - after[0] for before, after in itertools.pairwise(counts)]
    assert 0 < max(swept) < 20
    # Eight records, of each its status and outcome, in one hour and one day.
    assert counts[-1] == (8, 16, 2)


async def test_a_search_walks_its_terms_index_and_sorts_nothing(store: SqliteRequests, path: Path) -> None:
    await put(store, full_record())
    for conditions in ({}, {"key": "k"}, {"model": "m"}, {"outcome": "error"}, {"user": "u", "status": 200}):
        wanted = everything(**conditions)
        query, values = _search(wanted, span(wanted, 50, None), NOW, 50)
        connection = sqlite3.connect(path)
        plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", values)]
        connection.close()
        table = "terms" if conditions else "records"
        index = "PRIMARY KEY" if conditions else "INDEX sqlite_autoindex_requests_records_1"
        assert plan[0].startswith("SEARCH found USING")
        assert index in plan[0]
        assert table in query
        assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in plan), plan


def _write(path: Path, first: int) -> None:
    async def run() -> None:
        store = SqliteRequests(path)
        await put(store, *(full_record(NOW + first + place / 1000, key=f"k-{first}") for place in range(25)))
        await store.close()

    asyncio.run(run())


async def test_processes_at_once_lose_no_record_and_no_sum(store: SqliteRequests, path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, first)) for first in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        await asyncio.to_thread(writer.join)
        assert writer.exitcode == 0
    (row,) = await store.usage(Report("acme", NOW, NOW + 1), now=NOW)
    assert (row.sums.requests, row.sums.input) == (75, 75 * 812)
    assert len(await listed(store, everything(), 10)) == 75


@pytest.fixture
def damaged(path: Path) -> None:
    path.write_bytes(b"no database at all, but long enough to be read as one" * 40)


@pytest.mark.usefixtures("damaged")
async def test_a_file_that_is_damaged_is_a_fault(store: SqliteRequests) -> None:
    with pytest.raises(RequestsFault):
        await put(store, a_record())
    with pytest.raises(RequestsFault):
        await store.page(everything(), now=NOW)


@pytest.mark.parametrize("text", ["a-secret", "", "[]", '{"requests": "a-secret"}', '{"requests": 1.5}'])
async def test_odd_documents_and_sums_are_faults_that_quote_nothing(
    store: SqliteRequests, path: Path, text: str
) -> None:
    record = a_record()
    await put(store, record)
    rows(path, "UPDATE requests_sums SET sums = ?", text)
    rows(path, "UPDATE requests_records SET document = ?", text if "requests" not in text else "x")
    for ask in (
        store.usage(Report("acme", NOW, NOW + 1), now=NOW),
        store.get("acme", record.request_id, now=NOW),
        store.page(everything(), now=NOW),
        store.put(record, expires_at=LATER),
    ):
        with pytest.raises(RequestsFault) as fault:
            await ask
        assert "a-secret" not in str(fault.value)


async def test_a_put_that_fails_changes_nothing(store: SqliteRequests, path: Path) -> None:
    first = a_record(user="first")
    await put(store, first)
    rows(path, "UPDATE requests_sums SET sums = ?", json.dumps({"requests": "x"}))
    with pytest.raises(RequestsFault):
        await put(store, a_record(user="second"))
    assert await listed(store, everything()) == expected([first], everything())
    assert await listed(store, everything(user="second")) == []
