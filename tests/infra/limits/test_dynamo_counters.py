"""What is DynamoDB's own: how many calls it takes, how large the item grows, and what may be found in the table."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.limits.counters import Charge, CountersFault, Granted, Refused
from infra.limits.counters_item import MAX_RETURNED, lease_for
from infra.limits.dynamodb import DynamoCounters
from infra.limits.updates import MAX_LEASES
from tests.infra.limits.front import RefusalError, call_with_items
from tests.infra.limits.stores import LATER, NOW, Place, charge

SCOPE = "org/acme"
MONTH = NOW + 1_411_200
KEY = {"pk": {"S": "LIMIT#org/acme"}, "sk": {"S": "COUNTERS"}}

# A thousand calls take moto half a minute, and show nothing that is not shown elsewhere on both.
ONE_EMULATOR = pytest.mark.parametrize("table", ["ministack"], indirect=True)


class Ledger:
    """A `call` that hands on the item of a refusal, and keeps what was asked."""

    def __init__(self, call: Any, table: str) -> None:
        self._call = call
        self._table = table
        self.asked: list[str] = []
        self.largest_expression = 0

    async def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(operation)
        for name in ("UpdateExpression", "ConditionExpression"):
            self.largest_expression = max(self.largest_expression, len(body.get(name, "")))
        answer: dict[str, Any] = await self._call(operation, body)
        return answer

    async def item(self) -> dict[str, Any]:
        answer = await self._call("GetItem", {"TableName": self._table, "Key": KEY, "ConsistentRead": True})
        item: dict[str, Any] = answer.get("Item", {})
        return item

    async def put(self, **attributes: Any) -> None:
        await self._call("PutItem", {"TableName": self._table, "Item": {**KEY, **attributes}})


@pytest.fixture
async def ledger(table: Place) -> AsyncIterator[Ledger]:
    async with call_with_items(table.url) as call:
        yield Ledger(call, table.table)


@pytest.fixture
def counters(table: Place, ledger: Ledger) -> DynamoCounters:
    return DynamoCounters(ledger.call, table.table)


async def _reserve(
    counters: DynamoCounters, lease_id: str, *charges: Charge, now: int = NOW, expires_at: int = LATER
) -> Granted | Refused:
    return await counters.reserve(SCOPE, lease_id, charges, expires_at=expires_at, now=now)


async def test_a_request_costs_two_writes_and_no_read(counters: DynamoCounters, ledger: Ledger) -> None:
    await _reserve(counters, "a", charge("parallel", 1, 5))
    await counters.settle(SCOPE, "a", {}, now=NOW)
    assert ledger.asked == ["UpdateItem", "UpdateItem"]


async def test_a_refusal_costs_one_write_where_the_client_hands_on_its_item(
    counters: DynamoCounters, ledger: Ledger
) -> None:
    await _reserve(counters, "a", charge("parallel", 1, 1))
    assert await _reserve(counters, "b", charge("parallel", 1, 1)) == Refused({"parallel": 1})
    assert ledger.asked == ["UpdateItem", "UpdateItem"]


async def test_a_repeat_is_understood_without_a_read_and_settles_without_one(
    counters: DynamoCounters, ledger: Ledger, table: Place
) -> None:
    await _reserve(counters, "a", charge("parallel", 1, 1))
    another = DynamoCounters(ledger.call, table.table)
    assert await _reserve(another, "a", charge("parallel", 1, 1)) == Granted({"parallel": 1})
    assert await another.settle(SCOPE, "a", {}, now=NOW) == {"parallel": 0}
    assert ledger.asked == ["UpdateItem", "UpdateItem", "UpdateItem"]


async def test_who_settles_late_finds_the_returned_lease_without_a_read(
    counters: DynamoCounters, ledger: Ledger, table: Place
) -> None:
    await _reserve(counters, "slow", charge("parallel", 1, 1), charge("money", 9, 99), expires_at=NOW + 30)
    await _reserve(DynamoCounters(ledger.call, table.table), "b", charge("parallel", 1, 1), now=NOW + 31)
    assert "returned/slow" in await ledger.item()
    ledger.asked.clear()
    assert await counters.settle(SCOPE, "slow", {"money": 5}, now=NOW + 32) == {"money": 5, "parallel": 1}
    assert ledger.asked == ["UpdateItem", "UpdateItem"]
    assert "returned/slow" not in await ledger.item()


async def test_the_item_stays_small_over_months(counters: DynamoCounters, ledger: Ledger) -> None:
    for minute in range(60):
        now = NOW + minute * 60
        lease_id = f"request-{minute:020}"
        await _reserve(
            counters,
            lease_id,
            charge(f"requests/{minute}", 1, 10, now + 60),
            charge(f"tokens/{minute}", 900, 1000, now + 60),
            charge("nano_usd/month/2027-01", 5, None, MONTH),
            now=now,
            expires_at=now + 900,
        )
        if minute % 10:
            await counters.settle(SCOPE, lease_id, {"nano_usd/month/2027-01": 5}, now=now)
    item = await ledger.item()
    # Six windows of minutes, and the crashed of the last quarter of an hour; what they left behind is remembered.
    assert sum(name.startswith(("requests/", "tokens/")) for name in item) <= 6
    assert sum(name.startswith("lease/") for name in item) <= 2
    assert item["leases"] == {"N": str(sum(name.startswith("lease/") for name in item))}
    await counters.settle(SCOPE, "none", {}, now=NOW)
    spent = await counters.read(SCOPE, ["nano_usd/month/2027-01"], now=NOW)
    assert spent == {"nano_usd/month/2027-01": 5 * (54 + sum(name.startswith("lease/") for name in item))}


async def test_a_returned_lease_is_remembered_for_an_hour(counters: DynamoCounters, ledger: Ledger) -> None:
    await _reserve(counters, "dead", charge("parallel", 1, 1), expires_at=NOW + 30)
    await _reserve(counters, "b", charge("parallel", 1, 1), now=NOW + 31)
    await counters.settle(SCOPE, "b", {}, now=NOW + 3629)
    assert "returned/dead" in await ledger.item()
    await _reserve(counters, "c", charge("parallel", 1, 1), now=NOW + 3630)
    await counters.settle(SCOPE, "c", {}, now=NOW + 3630)
    assert "returned/dead" not in await ledger.item()


@ONE_EMULATOR
async def test_crashes_are_remembered_up_to_a_bound_and_expressions_stay_within_4_kb(
    counters: DynamoCounters, ledger: Ledger
) -> None:
    day = [charge("nano_usd/day/2027-01-15", 1, None, NOW + 57_600), charge("nano_usd/month/2027-01", 1, None, MONTH)]
    for number in range(230):
        await _reserve(counters, f"dead-{number:03}", *day, expires_at=NOW + 1 + number)
    await _reserve(counters, "b", *day, now=NOW + 300, expires_at=NOW + 900)
    await counters.settle(SCOPE, "b", {}, now=NOW + 300)
    await _reserve(counters, "c", *day, now=NOW + 300, expires_at=NOW + 900)
    await counters.settle(SCOPE, "c", {}, now=NOW + 300)
    item = await ledger.item()
    remembered = sorted(name for name in item if name.startswith("returned/"))
    assert remembered == [f"returned/dead-{number:03}" for number in range(30, 230)]
    assert item["nano_usd/month/2027-01@" + str(MONTH)] == {"N": "0"}
    assert 700 < ledger.largest_expression < 4096


async def test_a_crash_in_a_scope_without_refusals_is_given_back_by_the_next_settlement(
    counters: DynamoCounters, ledger: Ledger
) -> None:
    await _reserve(counters, "dead", charge("parallel", 1, None), expires_at=NOW + 30)
    await _reserve(counters, "b", charge("parallel", 1, None), now=NOW + 31)
    assert await counters.settle(SCOPE, "b", {}, now=NOW + 31) == {"parallel": 1}
    assert await counters.read(SCOPE, ["parallel"], now=NOW + 31) == {"parallel": 0}


@ONE_EMULATOR
async def test_no_more_leases_than_an_item_can_hold_are_given(counters: DynamoCounters, ledger: Ledger) -> None:
    leases = {f"lease/{number:04}": {"S": f"{LATER} parallel=1"} for number in range(MAX_LEASES)}
    await ledger.put(**leases, leases={"N": str(MAX_LEASES)}, parallel={"N": str(MAX_LEASES)})
    with pytest.raises(CountersFault, match="1000 requests at once"):
        await _reserve(counters, "a", charge("parallel", 1, None))
    granted = await _reserve(counters, "a", charge("parallel", 1, None), now=LATER, expires_at=LATER + 900)
    assert granted == Granted({"parallel": 1})


def test_the_fullest_item_fits_into_400_kb() -> None:
    charges = [
        charge("requests/30000000", 1, None, NOW + 60),
        charge("tokens/30000000", 1_000_000, None, NOW + 60),
        charge("parallel", 1, None),
        charge("nano_usd/day/2027-01-15", 10**12, None, NOW + 57_600),
        charge("nano_usd/month/2027-01", 10**12, None, MONTH),
    ]
    lease = lease_for("0" * 36, charges, LATER)
    one = len(lease.returned_attribute) + len(lease.text)
    assert 150 < one < 256
    assert one * (MAX_LEASES + MAX_RETURNED + 40) + 4096 < 400 * 1024


async def test_ttl_takes_an_item_away_only_after_its_longest_window(counters: DynamoCounters, ledger: Ledger) -> None:
    await _reserve(counters, "a", charge("nano_usd/month/2027-01", 1, None, MONTH))
    assert int((await ledger.item())["expires_at"]["N"]) >= NOW + 32 * 86_400


@pytest.mark.parametrize(
    "attributes",
    [
        {"lease/x": {"S": "soon parallel=1"}},
        {"lease/x": {"S": "1800000000 parallel=many"}},
        {"lease/x": {"N": "5"}},
        {"returned/x": {"S": ""}},
        {"parallel": {"N": "1.5"}},
        {"tokens/1@noon": {"N": "1"}},
    ],
)
async def test_an_item_that_somebody_else_wrote_is_a_fault(
    counters: DynamoCounters, ledger: Ledger, attributes: dict[str, Any]
) -> None:
    await ledger.put(**attributes)
    with pytest.raises(CountersFault, match="written by something else"):
        await _reserve(counters, "a", charge("requests", 1, 1))


async def test_attributes_that_are_no_numbers_are_left_alone(counters: DynamoCounters, ledger: Ledger) -> None:
    await ledger.put(note={"S": "by the operator"})
    assert await _reserve(counters, "a", charge("parallel", 1, 1)) == Granted({"parallel": 1})
    assert (await ledger.item())["note"] == {"S": "by the operator"}


async def test_a_table_that_is_not_there_is_a_fault_that_says_so(table: Place, ledger: Ledger) -> None:
    counters = DynamoCounters(ledger.call, "another-table")
    with pytest.raises(CountersFault, match="UpdateItem failed: ResourceNotFoundException"):
        await _reserve(counters, "a", charge("parallel", 1, 1))
    with pytest.raises(CountersFault, match="GetItem failed: ResourceNotFoundException"):
        await counters.read(SCOPE, ["parallel"], now=NOW)


@ONE_EMULATOR
async def test_a_process_forgets_leases_that_are_never_settled(counters: DynamoCounters, ledger: Ledger) -> None:
    for number in range(1025):
        await counters.reserve(f"key/{number}", "a", [charge("parallel", 1, 1)], expires_at=LATER, now=NOW)
    ledger.asked.clear()
    assert await counters.settle("key/1024", "a", {}, now=NOW) == {"parallel": 0}
    assert ledger.asked == ["UpdateItem"]
    assert await counters.settle("key/0", "a", {}, now=NOW) == {"parallel": 0}
    assert ledger.asked == ["UpdateItem", "GetItem", "UpdateItem"]


async def test_a_lease_that_changes_hands_for_ever_is_a_fault_and_no_endless_loop() -> None:
    asked: list[str] = []

    async def refuse(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        asked.append(operation)
        raise RefusalError("ConditionalCheckFailedException", {"lease/a": {"S": f"{LATER + len(asked)} parallel=1"}})

    counters = DynamoCounters(refuse, "table")
    await _reserve(counters, "a", charge("parallel", 1, 1))
    with pytest.raises(CountersFault, match="changed hands"):
        await counters.settle(SCOPE, "a", {}, now=NOW)
    assert len(asked) == 5
