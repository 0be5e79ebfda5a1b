"""What only the DynamoDB store does: parts, torn entries, bounded reads, and faults of its injected `call`."""

import base64
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from cache.errors import CacheFault
from cache.sealed import SealedEntry
from cache.stores.dynamodb import MAX_PARTS, DynamoStore
from infra.aws.json_client import AwsError, AwsJsonClient

Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]
Seal = Callable[..., SealedEntry]

NOW = 1_800_000_000
ITEM = bytes(range(32))


class Table:
    """A `call` over a dict: enough of DynamoDB to say what was asked, in what order, and to answer oddly."""

    def __init__(self, *, unprocessed_rounds: int = 0) -> None:
        self.items: dict[str, Mapping[str, Mapping[str, str]]] = {}
        self.calls: list[str] = []
        self.unprocessed_rounds = unprocessed_rounds
        self.puts_left = 1000

    async def __call__(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(operation)
        match operation:
            case "PutItem":
                self.puts_left -= 1
                if self.puts_left < 0:
                    raise ConnectionResetError
                self.items[body["Item"]["id"]["B"]] = body["Item"]
                return {}
            case "GetItem":
                item = self.items.get(body["Key"]["id"]["B"])
                return {} if item is None else {"Item": item}
            case _:
                return self._batch(body["RequestItems"]["t"])

    def _batch(self, asked: dict[str, Any]) -> dict[str, Any]:
        keys = asked["Keys"]
        done = keys[:1] if self.unprocessed_rounds else keys
        self.unprocessed_rounds -= 1
        left = {"t": {**asked, "Keys": keys[len(done) :]}} if len(done) < len(keys) else {}
        found = [self.items[key["id"]["B"]] for key in done if key["id"]["B"] in self.items]
        return {"Responses": {"t": found}, "UnprocessedKeys": left}

    def head(self) -> dict[str, Any]:
        return dict(self.items[base64.b64encode(ITEM).decode()])

    def set_head(self, **fields: object) -> None:
        self.items[base64.b64encode(ITEM).decode()] = {**self.head(), **fields}  # type: ignore[dict-item]


@pytest.mark.slow
@pytest.mark.parametrize("size", [398_000, 400_000, 1_300_000])
async def test_entries_near_and_over_the_item_limit_come_back_whole(
    dynamo: Dynamo, ministack_url: str, seal: Seal, size: int
) -> None:
    async with dynamo(ministack_url) as (client, table):
        store = DynamoStore(client.call, table)
        sealed = seal(size)
        await store.put(ITEM, sealed, now=NOW)
        found = await store.get(ITEM, now=NOW)
        assert found is not None
        assert found.stored == sealed.stored
        items = (await client.call("Scan", {"TableName": table}))["Items"]
        assert len(items) == -(-len(sealed.stored) // (390 * 1024))
        assert {item["expires_at"]["N"] for item in items} == {str(NOW + 3600)}


@pytest.mark.slow
async def test_the_emulator_really_refuses_what_the_parts_avoid(dynamo: Dynamo, ministack_url: str, seal: Seal) -> None:
    async with dynamo(ministack_url) as (client, table):
        store = DynamoStore(client.call, table, part_size=2_000_000)
        with pytest.raises(CacheFault, match="ValidationException"):
            await store.put(ITEM, seal(500_000), now=NOW)


@pytest.mark.slow
async def test_a_lost_part_is_a_miss(dynamo: Dynamo, ministack_url: str, seal: Seal) -> None:
    async with dynamo(ministack_url) as (client, table):
        store = DynamoStore(client.call, table)
        await store.put(ITEM, seal(1_300_000), now=NOW)
        items = (await client.call("Scan", {"TableName": table}))["Items"]
        part = next(item for item in items if "parts" not in item)
        await client.call("DeleteItem", {"TableName": table, "Key": {"id": part["id"]}})
        assert await store.get(ITEM, now=NOW) is None


@pytest.mark.slow
async def test_parts_work_on_the_other_emulator_too(dynamo: Dynamo, moto_url: str, seal: Seal) -> None:
    async with dynamo(moto_url) as (client, table):
        store = DynamoStore(client.call, table, part_size=1_000, consistent_read=True)
        sealed = seal(9_000)
        await store.put(ITEM, sealed, now=NOW)
        found = await store.get(ITEM, now=NOW)
        assert found is not None
        assert found.stored == sealed.stored


async def test_the_head_is_written_last_and_a_small_entry_is_one_item_and_one_read(seal: Seal) -> None:
    table = Table()
    store = DynamoStore(table, "t", part_size=1_000)
    await store.put(ITEM, seal(2_500), now=NOW)
    assert list(table.items)[-1] == base64.b64encode(ITEM).decode()
    assert [("parts" in item) for item in table.items.values()] == [False] * (len(table.items) - 1) + [True]
    small = Table()
    store = DynamoStore(small, "t")
    await store.put(ITEM, seal(2_500), now=NOW)
    await store.get(ITEM, now=NOW)
    assert small.calls == ["PutItem", "GetItem"]
    assert sorted(small.head()) == ["expires_at", "id", "sealed"]


async def test_an_overwrite_that_stops_before_its_head_leaves_the_older_entry_whole(seal: Seal) -> None:
    table = Table()
    store = DynamoStore(table, "t", part_size=1_000)
    older = seal(3_000)
    await store.put(ITEM, older, now=NOW)
    table.puts_left = 2
    with pytest.raises(CacheFault, match="DynamoDB PutItem failed"):
        await store.put(ITEM, seal(3_000), now=NOW)
    found = await store.get(ITEM, now=NOW)
    assert found is not None
    assert found.stored == older.stored


async def test_the_parts_of_two_writes_are_never_mixed(seal: Seal) -> None:
    table = Table()
    store = DynamoStore(table, "t", part_size=1_000)
    await store.put(ITEM, seal(3_000), now=NOW)
    newer = Table()
    await DynamoStore(newer, "t", part_size=1_000).put(ITEM, seal(3_000), now=NOW)
    # A reader that sees the newer head before the newer parts finds only the older parts, and takes none of them.
    table.set_head(**newer.head())
    assert await store.get(ITEM, now=NOW) is None


async def test_an_expired_head_costs_no_read_of_its_parts(seal: Seal) -> None:
    table = Table()
    store = DynamoStore(table, "t", part_size=1_000)
    await store.put(ITEM, seal(3_000), now=NOW)
    table.calls.clear()
    assert await store.get(ITEM, now=NOW + 3600) is None
    assert table.calls == ["GetItem"]


async def test_keys_left_unprocessed_are_asked_for_again(seal: Seal) -> None:
    table = Table(unprocessed_rounds=2)
    store = DynamoStore(table, "t", part_size=1_000)
    sealed = seal(5_500)
    await store.put(ITEM, sealed, now=NOW)
    found = await store.get(ITEM, now=NOW)
    assert found is not None
    assert found.stored == sealed.stored
    assert table.calls.count("BatchGetItem") == 3


async def test_a_table_that_never_processes_its_keys_is_asked_four_times(seal: Seal) -> None:
    table = Table(unprocessed_rounds=1000)
    store = DynamoStore(table, "t", part_size=1_000)
    await store.put(ITEM, seal(9_000), now=NOW)
    assert await store.get(ITEM, now=NOW) is None
    assert table.calls.count("BatchGetItem") == 4


async def test_an_entry_of_too_many_parts_is_a_fault_before_anything_is_written(seal: Seal) -> None:
    table = Table()
    store = DynamoStore(table, "t", part_size=1_000)
    with pytest.raises(CacheFault, match="at most 16"):
        await store.put(ITEM, seal(MAX_PARTS * 1_000 + 1), now=NOW)
    assert table.calls == []


@pytest.mark.parametrize(
    "fields",
    [
        {"parts": {"N": "17"}},
        {"parts": {"N": "0"}},
        {"parts": {"N": "-1"}},
        {"parts": {"N": "two"}},
        {"parts": {"S": "2"}},
        {"expires_at": {"S": "1"}},
        {"expires_at": None},
        {"sealed": {"S": "x"}},
        {"sealed": {"B": "$$$"}},
        {"sealed": {"B": ""}},
        {"sealed": None},
        {"sealed": {"B": base64.b64encode(b"\x02" * 200).decode()}},
    ],
)
async def test_a_malformed_item_is_a_fault_without_further_reads(seal: Seal, fields: dict[str, Any]) -> None:
    table = Table()
    store = DynamoStore(table, "t")
    await store.put(ITEM, seal(), now=NOW)
    table.calls.clear()
    table.set_head(**fields)
    with pytest.raises(CacheFault):
        await store.get(ITEM, now=NOW)
    assert table.calls == ["GetItem"]


@pytest.mark.parametrize("error", [AwsError("GetItem", 500, "InternalServerError"), OSError("gone"), KeyError("x")])
async def test_whatever_the_call_raises_is_a_fault(error: Exception) -> None:
    async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        raise error

    with pytest.raises(CacheFault, match="DynamoDB GetItem failed") as caught:
        await DynamoStore(call, "t").get(ITEM, now=NOW)
    assert caught.value.__cause__ is error


@pytest.mark.slow
async def test_a_missing_table_is_a_fault_that_says_so(dynamo: Dynamo, ministack_url: str) -> None:
    async with dynamo(ministack_url) as (client, _):
        with pytest.raises(CacheFault, match=r"GetItem: ResourceNotFoundException \(HTTP 400"):
            await DynamoStore(client.call, "no-such-table").get(ITEM, now=NOW)


@pytest.mark.slow
@pytest.mark.parametrize("emulator", ["moto_url", "ministack_url"])
async def test_the_time_to_live_attribute_can_be_switched_on(
    dynamo: Dynamo, request: pytest.FixtureRequest, emulator: str
) -> None:
    async with dynamo(request.getfixturevalue(emulator)) as (client, table):
        specification = {"Enabled": True, "AttributeName": "expires_at"}
        await client.call("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": specification})
        answer = await client.call("DescribeTimeToLive", {"TableName": table})
        assert answer["TimeToLiveDescription"]["AttributeName"] == "expires_at"
