"""Any records and any search, against a plain list: every match once, newest first, whatever the pages' size."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.requests.dynamodb import DynamoRequests
from infra.requests.ids import new_request_id
from infra.requests.record import RequestRecord
from infra.requests.sqlite import SqliteRequests
from infra.requests.store import Wanted
from tests.infra.limits.stores import client_of, fresh_table
from tests.infra.requests.records import DAY, NOW, expected, pages, put

if TYPE_CHECKING:
    from infra.requests.store import RequestStore

WORDS = st.sampled_from(["a", "b", "a#b"])
MAYBE = st.none() | WORDS
# Hours of several days, and several requests of one millisecond.
TIMES = st.integers(-72, 0).map(lambda hours: NOW + hours * 3600.0)
STATUSES = st.sampled_from([200, 429])


@st.composite
def records(draw: st.DrawFn) -> RequestRecord:
    at = draw(TIMES)
    return RequestRecord(
        request_id=new_request_id(at, draw(st.binary(min_size=10, max_size=10))),
        dialect="chat",
        at=at,
        org=draw(st.sampled_from(["acme", "acme-eu"])),
        key=draw(MAYBE),
        request_model=draw(MAYBE),
        model=draw(MAYBE),
        provider=draw(MAYBE),
        status=draw(STATUSES),
        cache=draw(st.sampled_from(["hit", "miss", None])),
        error=draw(MAYBE),
        user=draw(MAYBE),
        tags=draw(st.dictionaries(WORDS, WORDS, max_size=2)),
    )


@st.composite
def searches(draw: st.DrawFn) -> Wanted:
    since, until = sorted((draw(TIMES), draw(TIMES)))
    conditions: dict[str, st.SearchStrategy[Any]] = {
        "key": WORDS,
        "model": WORDS,
        "provider": WORDS,
        "status": STATUSES,
        "outcome": st.sampled_from(["ok", "error"]),
        "cache": st.sampled_from(["hit", "miss"]),
        "user": WORDS,
        "tag": st.tuples(WORDS, WORDS),
    }
    names = draw(st.sets(st.sampled_from(sorted(conditions)), max_size=2))
    chosen = {name: draw(conditions[name]) for name in sorted(names)}
    return Wanted("acme", since if draw(st.booleans()) else 0.0, until if draw(st.booleans()) else NOW + DAY, **chosen)


LISTS = st.lists(records(), min_size=15, max_size=60, unique_by=lambda one: one.request_id)
LOOKS = st.lists(st.tuples(searches(), st.integers(1, 40)), min_size=1, max_size=4)


async def agrees(store: RequestStore, those: list[RequestRecord], looks: list[tuple[Wanted, int]]) -> None:
    await put(store, *those)
    for wanted, limit in looks:
        found = await pages(store, wanted, limit)
        assert [one for page in found for one in page] == expected(those, wanted)


@settings(max_examples=60)
@given(LISTS, LOOKS)
def test_sqlite_lists_each_match_once(those: list[RequestRecord], looks: list[tuple[Wanted, int]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = SqliteRequests(Path(folder) / "sabir.db")
            try:
                await agrees(store, those, looks)
            finally:
                await store.close()

    asyncio.run(run())


@pytest.mark.slow
@settings(max_examples=25)
@given(LISTS, LOOKS)
def test_dynamodb_lists_each_match_once(
    ministack_url: str, those: list[RequestRecord], looks: list[tuple[Wanted, int]]
) -> None:
    async def run() -> None:
        place = await fresh_table("ministack", ministack_url)
        async with client_of(place.url) as client:
            await agrees(DynamoRequests(client.call, place.table), those, looks)

    asyncio.run(run())
