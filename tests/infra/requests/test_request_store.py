"""What every store of the request log must do, run against each: SQLite, and DynamoDB on two emulators over real HTTP."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import TYPE_CHECKING, Any

import pytest

from infra.requests.kept import MAX_BYTES
from infra.requests.record import NO_ORG
from infra.requests.store import Report, RequestsFault, Sums, UsageRow, Wanted
from providers.usage import Usage
from tests.infra.requests.records import (
    DAY,
    HOUR,
    LATER,
    MIDNIGHT,
    NOW,
    a_record,
    everything,
    expected,
    full_record,
    listed,
    pages,
    put,
    request_id,
)

if TYPE_CHECKING:
    from infra.requests.store import RequestStore

ORGS = ["acme", "acme-eu", "acm", "a", NO_ORG]


async def test_of_nothing_there_is_nothing(store: RequestStore) -> None:
    assert await store.get("acme", request_id(NOW), now=NOW) is None
    assert await pages(store, everything(), 10) == [[]]
    assert await store.usage(Report("acme", NOW - DAY, NOW), now=NOW) == []


@pytest.mark.parametrize(
    "record",
    [
        a_record(),
        full_record(),
        a_record(user="", tags={"": "", "#": "#"}, error="bad_request", cause="caller", status=400),
        a_record(user='Ægir\'s "team" \N{PILE OF POO} \ud800 \0 # \\', tags={"\ud800#": "\n"}, model="\ud800"),
        a_record(usage=Usage(input=10**30), cost_nano_usd=10**37, total_ms=0.1 + 0.2),
    ],
    ids=["bare", "full", "failed", "odd text", "great numbers"],
)
async def test_a_record_comes_back_as_it_was(store: RequestStore, record: Any) -> None:
    await put(store, record)
    assert await store.get("acme", record.request_id, now=NOW) == record.document()
    page = await store.page(everything(user=record.user, model=record.model), now=NOW)
    assert list(page.records) == [record.document()]


@pytest.mark.parametrize("name", ["", "x", "0" * 31, "0" * 33, "G" * 32, "f" * 32, "0" * 32, "../../etc/passwd"])
async def test_what_is_no_id_finds_nothing(store: RequestStore, name: str) -> None:
    assert await store.get("acme", name, now=NOW) is None


async def test_a_record_put_again_is_there_once(stores: list[RequestStore]) -> None:
    record = full_record(error="provider_down", cause="provider")
    await put(stores[0], record)
    again = dataclasses.replace(record, user="u-2", tags={"team": "ads"})
    await put(stores[1], again)
    assert await stores[0].get("acme", record.request_id, now=NOW) == again.document()
    assert await listed(stores[0], everything()) == [record.request_id]
    assert await listed(stores[0], everything(outcome="error", user="u-2")) == [record.request_id]
    assert await listed(stores[0], everything(user="u-1")) == []
    assert await listed(stores[0], everything(tag=("team", "search"))) == []


@pytest.mark.parametrize("org", ORGS)
async def test_an_org_sees_its_own_alone(store: RequestStore, org: str) -> None:
    records = {name: full_record(org=None if name == NO_ORG else name, error="x", cause="sabir") for name in ORGS}
    await put(store, *records.values())
    mine = records[org].request_id
    assert await listed(store, everything(org)) == [mine]
    assert await listed(store, everything(org, outcome="error", key="7f3kq2mz4a")) == [mine]
    (row,) = await store.usage(Report(org, NOW, NOW + 1), now=NOW)
    assert (row.sums.requests, dict(row.sums.errors)) == (1, {"sabir": 1})
    for other in ORGS:
        found = await store.get(other, mine, now=NOW)
        assert (found is not None) == (other == org)


async def test_an_orgs_name_with_marks_in_it_is_a_name_like_any(store: RequestStore) -> None:
    await put(store, a_record(org="a#1"), a_record(org="a%231"), a_record(org="a\\u00231"))
    for org in ("a#1", "a%231", "a\\u00231"):
        (document,) = (await store.page(everything(org), now=NOW)).records
        assert document["org"] == org
    assert await listed(store, everything("a")) == []


async def test_since_is_within_and_until_is_not_to_the_millisecond(store: RequestStore) -> None:
    times = [NOW + thousandth / 1000 for thousandth in range(-3, 4)]
    records = [a_record(at) for at in times]
    await put(store, *records)
    for since in range(7):
        for until in range(since, 7):
            wanted = Wanted("acme", times[since], times[until])
            assert await listed(store, wanted, 3) == expected(records, wanted)
    assert await listed(store, Wanted("acme", NOW, NOW - 1)) == []
    assert len(await listed(store, Wanted("acme", -1e300, 1e300))) == 7
    assert len(await listed(store, Wanted("acme", float("-inf"), float("inf")))) == 7


@pytest.mark.parametrize(
    "conditions",
    [
        {"key": "k-1"},
        {"model": "asked"},
        {"model": "sent"},
        {"model": "served"},
        {"provider": "one"},
        {"status": 429},
        {"outcome": "ok"},
        {"outcome": "error"},
        {"cache": "hit"},
        {"user": "ann"},
        {"tag": ("team", "search")},
        {"tag": ("team", "search#x")},
        {"key": "k-1", "model": "asked", "provider": "one", "status": 429, "outcome": "error", "cache": "hit",
         "user": "ann", "tag": ("team", "search")},
    ],
    ids="+".join,
)  # fmt: skip
async def test_each_condition_lets_through_just_what_it_says(store: RequestStore, conditions: dict[str, Any]) -> None:
    wholly: dict[str, Any] = {
        "key": "k-1", "request_model": "asked", "model": "sent", "response_model": "served", "provider": "one",
        "status": 429, "error": "slow_down", "cause": "provider", "cache": "hit", "user": "ann",
        "tags": {"team": "search", "search": "team"},
    }  # fmt: skip
    others: dict[str, Any] = {
        "key": "k-12", "request_model": "aske", "model": "Sent", "response_model": "served2", "provider": "o",
        "status": 42, "error": None, "cache": "miss", "user": "anna", "tags": {"team": "search#x", "team#search": ""},
    }  # fmt: skip
    records = [a_record(NOW - 1, **wholly), a_record(NOW - 2), a_record(NOW - 3, **others)]
    records += [a_record(NOW - 4 - place, **{**wholly, name: others[name]}) for place, name in enumerate(others)]
    await put(store, *records)
    wanted = everything(**conditions)
    ids = expected(records, wanted)
    assert ids
    assert await listed(store, wanted, 2) == ids


async def test_expired_records_are_gone_from_the_very_second(store: RequestStore) -> None:
    lasting = [a_record(NOW - place * HOUR) for place in range(8)]
    passing = [a_record(NOW - place * HOUR - 1, error="x", cause="sabir") for place in range(8)]
    await put(store, *lasting)
    await put(store, *passing, expires_at=NOW + 10)
    for now, there in ((NOW + 9, lasting + passing), (NOW + 10, lasting), (NOW + 11, lasting)):
        assert await listed(store, everything(), 3, now=now) == expected(there, everything())
        errors = everything(outcome="error")
        assert await listed(store, errors, 3, now=now) == expected(there, errors)
        for one in lasting + passing:
            assert (await store.get("acme", one.request_id, now=now) is not None) == (one in there)


async def test_a_page_ends_where_the_records_end(store: RequestStore) -> None:
    records = [a_record(NOW - place) for place in range(12)]
    await put(store, *records)
    ids = expected(records, everything())
    for limit in (1, 5, 6, 11, 12, 13):
        found = await pages(store, everything(), limit)
        assert [one for page in found for one in page] == ids
        assert len(found) == -(-12 // limit), "an unfiltered page is full, and the last one has no next"
    page = await store.page(everything(), now=NOW)
    assert (len(page.records), page.next) == (12, None)


async def test_many_of_one_millisecond_are_listed_each_once(store: RequestStore) -> None:
    records = [a_record(NOW) for _ in range(30)]
    await put(store, *records)
    assert await listed(store, everything(), 4) == expected(records, everything())


async def test_what_comes_meanwhile_moves_no_page(store: RequestStore) -> None:
    records = [a_record(NOW - place) for place in range(10)]
    await put(store, *records)
    first = await store.page(everything(), now=NOW, limit=4)
    await put(store, *(a_record(NOW + place) for place in range(5)))
    later = dataclasses.replace(everything(), since=NOW - 7, until=NOW + 60)
    second = await store.page(later, now=NOW, limit=100, after=first.next)
    ids = expected(records, everything())
    assert [document["request_id"] for document in second.records] == ids[4:8]


@pytest.mark.parametrize(
    "other", [{"org": "acme-eu"}, {"key": "k"}, {"outcome": "ok"}, {"tag": ("a", "b")}, {"status": 1}]
)
async def test_a_cursor_of_another_search_is_refused(store: RequestStore, other: dict[str, Any]) -> None:
    await put(store, *(a_record(NOW - place) for place in range(3)))
    page = await store.page(everything(), now=NOW, limit=1)
    assert page.next is not None
    with pytest.raises(ValueError, match="cursor"):
        await store.page(everything(**other), now=NOW, after=page.next)


@pytest.mark.parametrize(
    "broken", ["", "x", "cut", "longer", "a digit", "another alphabet", "é" * 32, "=" * 32, "\ud800"]
)
async def test_what_is_no_cursor_is_refused(store: RequestStore, broken: str) -> None:
    await put(store, *(a_record(NOW - place) for place in range(3)))
    cursor = (await store.page(everything(), now=NOW, limit=1)).next
    assert cursor is not None
    flipped = cursor[:-1] + ("A" if cursor[-1] != "A" else "B")
    forms = {"cut": cursor[:-1], "longer": f"{cursor}A", "a digit": flipped, "another alphabet": "+/" * 16}
    with pytest.raises(ValueError, match="cursor"):
        await store.page(everything(), now=NOW, after=forms.get(broken, broken))


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_page_of_nothing_is_refused(store: RequestStore, limit: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await store.page(everything(), now=NOW, limit=limit)


async def test_records_that_no_store_can_keep_are_refused_unquoted_and_not_counted(store: RequestStore) -> None:
    secret = "a-word-of-the-record"
    broken = [
        a_record(request_id=secret),
        a_record(user=secret, total_ms=float("nan")),
        a_record(user=secret, tags={"team": object()}),
        a_record(user=secret, usage=Usage(input=10**38)),
        a_record(user=secret * (MAX_BYTES // len(secret))),
    ]
    for record in broken:
        with pytest.raises(RequestsFault) as fault:
            await put(store, record)
        assert secret not in str(fault.value)
    assert await listed(store, everything()) == []
    assert await store.usage(Report("acme", NOW, NOW + 1), now=NOW) == []


async def test_a_record_may_be_as_long_as_is_said(store: RequestStore) -> None:
    record = a_record(bug=("x" * (MAX_BYTES - 500),), error="bug", cause="sabir")
    await put(store, record)
    assert await store.get("acme", record.request_id, now=NOW) == record.document()
    assert await listed(store, everything(outcome="error")) == [record.request_id]


async def test_a_closed_store_is_a_fault_and_never_empty(store: RequestStore) -> None:
    record = a_record()
    await put(store, record)
    await store.close()
    await store.close()
    for ask in (
        store.put(record, expires_at=LATER),
        store.get("acme", record.request_id, now=NOW),
        store.page(everything(), now=NOW),
        store.usage(Report("acme", NOW - DAY, NOW), now=NOW),
    ):
        with pytest.raises(RequestsFault, match="closed"):
            await ask


async def test_puts_at_once_are_all_there_and_sum_up_exactly(stores: list[RequestStore]) -> None:
    # 25 digits of money. DynamoDB knows 38, but MiniStack adds with 28.
    records = [
        full_record(NOW + place / 100, usage=Usage(input=place), cost_nano_usd=10**24 + place, provider=f"p{place % 2}")
        for place in range(60)
    ]
    await asyncio.gather(*(stores[place % 2].put(one, expires_at=LATER) for place, one in enumerate(records)))
    assert await listed(stores[0], everything(), 7) == expected(records, everything())
    (row,) = await stores[1].usage(Report("acme", NOW, NOW + 1, "hour"), now=NOW)
    assert (row.at, row.sums.requests, row.sums.input) == (NOW, 60, sum(range(60)))
    assert row.sums.cost_nano_usd == 60 * 10**24 + sum(range(60))
    split = await stores[1].usage(Report("acme", NOW, NOW + 1, "day", ("provider",)), now=NOW)
    assert [(one.at, one.provider, one.sums.requests) for one in split] == [(MIDNIGHT, "p0", 30), (MIDNIGHT, "p1", 30)]


async def test_one_full_request_is_summed_as_it_was(store: RequestStore) -> None:
    await put(store, full_record())
    sums = Sums(
        requests=1, input=812, output=120, reasoning=64, cost_nano_usd=3_870_000, total_ms=1205, first_token_ms=402,
        first_tokens=1,
    )  # fmt: skip
    by_all = Report("acme", NOW, NOW + 1, "hour", ("key", "provider", "model"))
    assert await store.usage(by_all, now=NOW) == [UsageRow(NOW, sums, "7f3kq2mz4a", "openai", "gpt-4o")]
    assert await store.usage(Report("acme", NOW, NOW + 1), now=NOW) == [UsageRow(MIDNIGHT, sums)]
