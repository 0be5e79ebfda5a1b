"""What only the request log in DynamoDB meets: its items, how much it reads, and answers that are lost or odd."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.json_client import AwsError
from infra.requests.dynamodb import DynamoRequests
from infra.requests.kept import kept
from infra.requests.rollup import MAX_NAME
from infra.requests.store import Report, RequestsFault
from infra.requests.wire import record_item
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
)

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord
    from tests.infra.requests.conftest import Ledger

SECRET = "a-word-of-the-record"


class Script:
    """A `call` that answers an operation with what it was told, or raises it, and else with nothing."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def __call__(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(operation)
        answer = self.answers.get(operation, {})
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)


@pytest.mark.slow
async def test_a_record_and_its_sums_are_items_that_go_away_by_themselves(ledger: Ledger) -> None:
    store = DynamoRequests(ledger.call, ledger.table)
    record = full_record(MIDNIGHT + 5 * HOUR, error="x", cause="provider", model="a#b")
    await put(store, record)
    assert ledger.operations() == ["PutItem", "PutItem", "UpdateItem", "UpdateItem"]
    items = {item["pk"]["S"].rpartition("#")[0] + " " + item["sk"]["S"]: item for item in await ledger.items()}
    names = r"7f3kq2mz4a#openai#a\u0023b"
    assert {place: int(item["expires_at"]["N"]) for place, item in items.items()} == {
        f"REQ#acme {record.request_id}": LATER,
        f"REQERR#acme {record.request_id}": LATER,
        f"USAGE#acme H#2027-01-15T05#{names}": MIDNIGHT + 5 * HOUR + 40 * DAY,
        f"USAGE#acme D#2027-01-15#{names}": MIDNIGHT + 400 * DAY,
    }


@pytest.mark.slow
async def test_the_longest_names_make_a_key_that_dynamodb_takes(ledger: Ledger) -> None:
    store = DynamoRequests(ledger.call, ledger.table)
    name = "x" * (MAX_NAME + 1)
    await put(store, a_record(key=name, provider=name, model=name))
    sorts = [item["sk"]["S"] for item in await ledger.items()]
    assert 900 < max(map(len, sorts)) <= 1024


@pytest.mark.slow
async def test_a_busy_orgs_requests_are_spread(ledger: Ledger) -> None:
    await asyncio.gather(
        *(DynamoRequests(ledger.call, ledger.table).put(a_record(), expires_at=LATER) for _ in range(64))
    )
    partitions = [body["Item"]["pk"]["S"] for operation, body in ledger.asked if operation == "PutItem"]
    assert {partition: partitions.count(partition) > 4 for partition in partitions} == {
        f"REQ#acme#{shard}": True for shard in range(4)
    }


@pytest.fixture
async def year(ledger: Ledger) -> list[RequestRecord]:
    """Two days of requests, a year of silence between them, and of each day one that failed."""
    begun = [NOW - 364 * DAY * (place % 2) - place for place in range(200)]
    records = [
        a_record(at, user="rare" if place in (7, 199) else "u", error="x" if place in (10, 11) else None)
        for place, at in enumerate(begun)
    ]
    items = [record_item(kept(one), LATER, failures=False) for one in records]
    items += [record_item(kept(one), LATER, failures=True) for one in records if one.error is not None]
    await asyncio.gather(*map(ledger.put, items))
    return records


@pytest.mark.slow
async def test_the_last_few_are_read_and_hardly_more(ledger: Ledger, year: list[RequestRecord]) -> None:
    store = DynamoRequests(ledger.call, ledger.table)
    page = await store.page(everything(), now=NOW, limit=50)
    assert [one["request_id"] for one in page.records] == expected(year, everything())[:50]
    assert len(ledger.asked) <= 8
    assert ledger.looked_at() <= 120


@pytest.mark.slow
async def test_what_failed_is_found_without_a_look_at_what_did_not(ledger: Ledger, year: list[RequestRecord]) -> None:
    store = DynamoRequests(ledger.call, ledger.table)
    failed = everything(outcome="error")
    assert await listed(store, failed) == expected(year, failed)
    assert (ledger.operations(), ledger.looked_at()) == (["Query"] * 4, 2)


@pytest.mark.slow
async def test_what_is_rare_is_found_over_a_year_in_few_reads_and_some_pages(
    ledger: Ledger, year: list[RequestRecord]
) -> None:
    store = DynamoRequests(ledger.call, ledger.table)
    rare = everything(user="rare")
    assert [one for page in await pages(store, rare, 1) for one in page] == expected(year, rare)
    # The second page goes on where the first one ended, and each ends after five rounds of four shards at most.
    assert len(ledger.asked) <= 40
    assert ledger.looked_at() < 400


async def test_a_search_that_finds_nothing_ends_its_call_and_goes_on_in_the_next() -> None:
    reads: list[int] = []

    async def endless(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        high = int(body["ExpressionAttributeValues"][":high"]["S"], 16)
        reads.append(high)
        return {"Items": [], "LastEvaluatedKey": {"pk": {"S": "p"}, "sk": {"S": f"{high - 10**20:032x}"}}}

    store, after = DynamoRequests(endless, "t"), None
    for _ in range(3):
        reads.clear()
        page = await store.page(everything(user="nobody"), now=NOW, after=after)
        assert (list(page.records), len(reads)) == ([], 20)
        assert page.next not in (None, after)
        below, after = min(reads), page.next
    await store.page(everything(user="nobody"), now=NOW, after=after)
    assert reads[20] < below, "what was looked at is not looked at again"


@pytest.mark.slow
async def test_a_report_reads_each_shard_to_its_end(ledger: Ledger) -> None:
    """DynamoDB ends a page at 1 MB; moto does so too, and here it is three items."""
    store = DynamoRequests(ledger.call, ledger.table)
    records = [a_record(NOW, model=f"m-{place}", usage=Usage(input=place)) for place in range(40)]
    await asyncio.gather(*(store.put(one, expires_at=LATER) for one in records))
    ledger.forget()

    async def in_small_pages(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        return await ledger.call(operation, {**body, "Limit": 3})

    report = Report("acme", NOW, NOW + 1, by=("model",))
    rows = await DynamoRequests(in_small_pages, ledger.table).usage(report, now=NOW)
    assert {row.model: row.sums.input for row in rows} == {f"m-{place}": place for place in range(40)}
    assert len(ledger.asked) > 13


@pytest.mark.parametrize("failing", ["PutItem", "UpdateItem"])
async def test_where_one_write_fails_the_others_are_done_all_the_same(failing: str) -> None:
    script = Script(**{failing: AwsError(failing, 500, "InternalServerError")})
    with pytest.raises(RequestsFault, match=f"{failing} failed: {failing}: InternalServerError"):
        await put(DynamoRequests(script, "t"), full_record(error="x", cause="sabir"))
    assert sorted(script.asked) == ["PutItem", "PutItem", "UpdateItem", "UpdateItem"]


async def test_what_a_failure_says_of_a_record_is_not_said_again() -> None:
    broken = dict.fromkeys(("PutItem", "UpdateItem", "GetItem", "Query"), RuntimeError(SECRET))
    store, record = DynamoRequests(Script(**broken), "t"), full_record(user=SECRET)
    for ask in (
        store.put(record, expires_at=LATER),
        store.get("acme", record.request_id, now=NOW),
        store.page(everything(user=SECRET), now=NOW),
        store.usage(Report("acme", NOW, NOW + 1, key=SECRET), now=NOW),
    ):
        with pytest.raises(RequestsFault, match="failed: RuntimeError") as fault:
            await ask
        assert SECRET not in str(fault.value)


ID = "0" * 12 + "7" + "0" * 19
SORT = {"sk": {"S": ID}}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"Items": None},
        {"Items": "x"},
        {"Items": [{}]},
        {"Items": [SORT]},
        {"Items": [{**SORT, "doc": {"N": "1"}}]},
        {"Items": [{**SORT, "doc": {"S": SECRET}}]},
        {"Items": [{**SORT, "doc": {"S": f'["{SECRET}"]'}}]},
        {"Items": [{"sk": {"S": "x"}, "doc": {"S": "{}"}}]},
        {"Items": [], "LastEvaluatedKey": {}},
        {"Items": [], "LastEvaluatedKey": "x"},
    ],
)
async def test_an_odd_page_is_a_fault_and_never_an_empty_one(answer: dict[str, Any]) -> None:
    with pytest.raises(RequestsFault) as fault:
        await DynamoRequests(Script(Query=answer), "t").page(everything(), now=NOW)
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize(
    "item", [{}, {"doc": {"S": "{}"}}, {"doc": {"S": SECRET}, "expires_at": {"N": str(LATER)}}, "x"]
)
async def test_an_odd_item_is_a_fault_and_not_absent(item: Any) -> None:
    store = DynamoRequests(Script(GetItem={"Item": item}), "t")
    with pytest.raises(RequestsFault) as fault:
        await store.get("acme", a_record().request_id, now=NOW)
    assert SECRET not in str(fault.value)


@pytest.mark.parametrize(
    ("sort", "attributes"),
    [
        ("D#2027-01-15#k#p", {}),
        ("D#2027-01-15#k#p#m#m", {}),
        ("W#2027-01-15#k#p#m", {}),
        ("D#someday#k#p#m", {}),
        (r"D#2027-01-15#k#p#\m", {}),
        ("D#2027-01-15#k#p#m", {"requests": {"N": "1.5"}}),
        ("D#2027-01-15#k#p#m", {"requests": {"S": SECRET}}),
    ],
)
async def test_odd_sums_are_a_fault_and_not_left_out(sort: str, attributes: dict[str, Any]) -> None:
    script = Script(Query={"Items": [{"pk": {"S": "USAGE#acme#0"}, "sk": {"S": sort}, **attributes}]})
    with pytest.raises(RequestsFault) as fault:
        await DynamoRequests(script, "t").usage(Report("acme", NOW, NOW + 1), now=NOW)
    assert SECRET not in str(fault.value)


@pytest.mark.slow
async def test_a_table_that_is_not_there_is_a_fault_that_says_so(ledger: Ledger) -> None:
    with pytest.raises(RequestsFault, match="Query failed: Query: ResourceNotFoundException"):
        await DynamoRequests(ledger.call, "another-table").page(everything(), now=NOW)


async def test_a_put_that_is_given_up_stops_at_once() -> None:
    started = asyncio.Event()

    async def hang(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    task = asyncio.create_task(DynamoRequests(hang, "t").put(a_record(), expires_at=LATER))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}
