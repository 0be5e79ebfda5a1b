"""What only the DynamoDB control store meets: answers that get lost, other transactions, keys left over, odd answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from infra.aws.json_client import AwsError
from infra.control.dynamodb import DynamoControlStore
from infra.control.store import Conflict, ControlFault, Delete, Item, ItemKey, Put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from typing import TypeAlias

    from infra.aws.json_client import AwsJsonClient
    from infra.control.store import Json, Write

    ControlTable: TypeAlias = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]
    LosingAnswers: TypeAlias = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, list[str]]]]

NOW = 1_800_000_000
ORG = ItemKey("ORG#acme", "ORG")
KEY = ItemKey("ORG#acme", "KEY#7f3kq2mz4a")
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class Script:
    """A `call` that gives the answers it was told, or raises them, and keeps what it was asked."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def __call__(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((operation, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def operations(self) -> list[str]:
        return [operation for operation, _ in self.asked]

    def store(self) -> DynamoControlStore:
        return DynamoControlStore(self, "t", jitter=lambda: 0.0)


def stored(key: ItemKey, *, version: int = 1, write: str = "another", **more: Any) -> dict[str, Any]:
    return {
        "pk": {"S": key.partition},
        "sk": {"S": key.sort},
        "doc": {"S": "{}"},
        "version": {"N": str(version)},
        "write": {"S": write},
        **more,
    }


def refusal(code: str, operation: str = "TransactWriteItems") -> AwsError:
    return AwsError(operation, 400, code)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writes", "operation"),
    [
        ([Put(KEY, {"n": 2}, 0)], "PutItem"),
        ([Put(ORG, {"n": 2}, 1)], "PutItem"),
        ([Put(ORG, {"n": 2}, None)], "UpdateItem"),
        ([Delete(ORG, None)], "DeleteItem"),
        ([Delete(ORG, 1)], "TransactWriteItems"),
        ([Put(KEY, {"n": 2}, 0), Delete(ORG, 1)], "TransactWriteItems"),
        ([Put(KEY, {"n": 2}, None), Put(ORG, {"n": 2}, 1)], "TransactWriteItems"),
    ],
)
async def test_a_write_whose_answer_was_lost_is_no_conflict_with_itself(
    control_table: ControlTable,
    losing_answers: LosingAnswers,
    ministack_url: str,
    writes: list[Write],
    operation: str,
) -> None:
    async with control_table(ministack_url) as (direct, table), losing_answers(ministack_url) as (client, seen):
        await DynamoControlStore(direct.call, table).write([Put(ORG, {"n": 1}, 0)], now=NOW)
        store = DynamoControlStore(client.call, table)
        await store.write(writes, now=NOW)
        # Only a put with a condition has to look; the others may be repeated, or have a token.
        assert seen == [operation, operation, *(["GetItem"] if operation == "PutItem" else [])]
        found = await store.get([ORG, KEY], now=NOW)
    expected: dict[ItemKey, Mapping[str, Json]] = {ORG: {"n": 1}}
    for write in writes:
        expected.pop(write.key, None)
        if isinstance(write, Put):
            expected[write.key] = write.document
    assert {key: item.document for key, item in found.items()} == expected


@pytest.mark.slow
async def test_an_emulator_that_forgets_tokens_shows_that_the_items_tell_as_well(
    control_table: ControlTable, losing_answers: LosingAnswers, moto_url: str
) -> None:
    async with control_table(moto_url) as (direct, table), losing_answers(moto_url) as (client, seen):
        store = DynamoControlStore(client.call, table)
        await DynamoControlStore(direct.call, table).write([Put(ORG, {"n": 1}, 0)], now=NOW)
        await store.write([Put(KEY, {"n": 2}, 0), Delete(ORG, 1)], now=NOW)
        assert seen == ["TransactWriteItems", "TransactWriteItems", "BatchGetItem"]
        assert await store.get([ORG, KEY], now=NOW) == {KEY: Item(KEY, {"n": 2}, 1)}


@pytest.mark.slow
async def test_a_conflict_with_another_stays_one(control_table: ControlTable, ministack_url: str) -> None:
    async with control_table(ministack_url) as (client, table):
        first, second = (DynamoControlStore(client.call, table) for _ in range(2))
        await first.write([Put(ORG, {"n": 1}, 0)], now=NOW)
        await second.write([Put(ORG, {"n": 1}, 1)], now=NOW)
        for writes in ([Put(ORG, {"n": 1}, 1)], [Put(ORG, {"n": 1}, 1), Put(KEY, {}, 0)], [Delete(ORG, 1)]):
            with pytest.raises(Conflict):
                await first.write(writes, now=NOW)
        assert await first.get([ORG, KEY], now=NOW) == {ORG: Item(ORG, {"n": 1}, 2)}


@pytest.mark.slow
@pytest.mark.parametrize("emulator", ["moto_url", "ministack_url"])
async def test_ttl_has_its_attribute_and_only_where_an_item_expires(
    control_table: ControlTable, request: pytest.FixtureRequest, emulator: str
) -> None:
    async with control_table(request.getfixturevalue(emulator)) as (client, table):
        store = DynamoControlStore(client.call, table)
        await store.write([Put(ORG, {}, 0, NOW + 60), Put(KEY, {}, None, NOW + 60)], now=NOW)
        assert {item["expires_at"]["N"] for item in await _scan(client, table)} == {str(NOW + 60)}
        await store.write([Put(ORG, {}, 1), Put(KEY, {}, None)], now=NOW)
        items = await _scan(client, table)
        assert [sorted(item) for item in items] == [["doc", "pk", "sk", "version", "write"]] * 2
        assert len({item["write"]["S"] for item in items}) == 1


async def _scan(client: AwsJsonClient, table: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.call("Scan", {"TableName": table}))["Items"]
    return items


@pytest.mark.slow
async def test_pitfall_39_a_missing_table_is_a_fault_that_says_so(
    control_table: ControlTable, ministack_url: str
) -> None:
    async with control_table(ministack_url) as (client, _):
        store = DynamoControlStore(client.call, "no-such-table")
        for ask in (store.get([ORG], now=NOW), store.get([ORG, KEY], now=NOW), store.page("P", "A", now=NOW)):
            with pytest.raises(ControlFault, match=r"ResourceNotFoundException \(HTTP 400"):
                await ask
        for writes in ([Put(ORG, {}, 0)], [Put(ORG, {}, 0), Put(KEY, {}, 0)]):
            with pytest.raises(ControlFault, match=r"ResourceNotFoundException \(HTTP 400"):
                await store.write(writes, now=NOW)


@pytest.mark.slow
async def test_what_is_too_large_for_an_item_is_a_fault(control_table: ControlTable, ministack_url: str) -> None:
    async with control_table(ministack_url) as (client, table):
        store = DynamoControlStore(client.call, table, jitter=lambda: 0.0)
        with pytest.raises(ControlFault, match="ValidationException"):
            await store.write([Put(ORG, {"long": "x" * 500_000}, 0)], now=NOW)


async def test_one_key_is_one_get_and_several_are_one_batch_and_every_read_is_consistent() -> None:
    script = Script({})
    assert await script.store().get([ORG], now=NOW) == {}
    script.answers = [{"Responses": {"t": [stored(ORG)]}, "UnprocessedKeys": {}}]
    assert list(await script.store().get([ORG, KEY], now=NOW)) == [ORG]
    script.answers = [{"Items": []}]
    assert await script.store().page("ORG#acme", "", now=NOW) == []
    assert script.operations == ["GetItem", "BatchGetItem", "Query"]
    bodies = [body.get("RequestItems", {}).get("t", body) for _, body in script.asked]
    assert [body["ConsistentRead"] for body in bodies] == [True] * 3


async def test_keys_left_unprocessed_are_asked_for_again() -> None:
    left = {"t": {"Keys": [{"pk": {"S": "ORG#acme"}, "sk": {"S": "ORG"}}], "ConsistentRead": True}}
    script = Script(
        {"Responses": {"t": [stored(KEY)]}, "UnprocessedKeys": left},
        {"Responses": {"t": []}, "UnprocessedKeys": left},
        {"Responses": {"t": [stored(ORG)]}, "UnprocessedKeys": {}},
    )
    assert set(await script.store().get([ORG, KEY], now=NOW)) == {ORG, KEY}
    assert [body["RequestItems"] for _, body in script.asked[1:]] == [left, left]


async def test_pitfall_39_a_key_that_is_never_processed_is_a_fault_and_not_absent() -> None:
    left = {"t": {"Keys": [{"pk": {"S": "ORG#acme"}, "sk": {"S": "ORG"}}], "ConsistentRead": True}}
    script = Script({"Responses": {"t": [stored(KEY)]}, "UnprocessedKeys": left})
    with pytest.raises(ControlFault, match="unread 5 times"):
        await script.store().get([ORG, KEY], now=NOW)
    assert len(script.asked) == 5


@pytest.mark.parametrize("answer", [{}, {"Responses": {}}, {"Responses": {"other": []}}, {"Responses": []}])
async def test_pitfall_39_an_answer_that_lists_nothing_is_a_fault_and_not_empty(answer: dict[str, Any]) -> None:
    with pytest.raises(ControlFault, match="lists nothing"):
        await Script(answer).store().get([ORG, KEY], now=NOW)
    with pytest.raises(ControlFault, match="lists nothing"):
        await Script(answer).store().page("P", "", now=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"doc": {"S": "{"}},
        {"doc": {"S": "[]"}},
        {"doc": {"B": "e30="}},
        {"version": {"N": "one"}},
        {"version": {"S": "1"}},
        {"version": None},
        {"expires_at": {"N": ""}},
        {"write": {}},
        {"sk": {"N": "1"}},
    ],
)
async def test_a_malformed_item_is_a_fault_which_does_not_quote_it(change: dict[str, Any]) -> None:
    item = stored(ORG) | {"doc": {"S": '{"hash": "hush"'}} | change
    store = Script({"Item": item, "Items": [item], "Responses": {"t": [item]}}).store()
    for ask in (store.get([ORG], now=NOW), store.get([ORG, KEY], now=NOW), store.page("ORG#acme", "", now=NOW)):
        with pytest.raises(ControlFault) as caught:
            await ask
        assert "hush" not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize("error", [AwsError("GetItem", 500, "InternalServerError"), OSError("gone"), KeyError("x")])
async def test_whatever_the_call_raises_is_a_fault(error: Exception) -> None:
    store = Script(error).store()
    for ask in (store.get([ORG], now=NOW), store.page("P", "", now=NOW), store.write([Put(ORG, {}, 0)], now=NOW)):
        with pytest.raises(ControlFault, match=r"DynamoDB \w+ failed") as caught:
            await ask
        assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    ("writes", "code"),
    [
        ([Put(ORG, {}, 3)], "TransactionConflictException"),
        ([Put(ORG, {}, None)], "TransactionConflictException"),
        ([Delete(ORG, None)], "TransactionConflictException"),
        ([Put(ORG, {}, 3), Delete(KEY, 0)], "TransactionCanceledException"),
    ],
)
async def test_a_write_that_met_another_transaction_is_tried_again(writes: list[Write], code: str) -> None:
    now_there = _found(writes, stored(ORG, version=3))
    script = Script(refusal(code), now_there, refusal(code), now_there, {})
    await script.store().write(writes, now=NOW)
    tries = [body for operation, body in script.asked if operation in WRITES]
    assert len(tries) == 3
    tokens = [body.pop("ClientRequestToken", None) for body in tries]
    assert tokens == [None] * 3 or len(set(tokens)) == 3
    assert tries[0] == tries[1] == tries[2]


async def test_a_write_that_meets_another_transaction_each_time_is_a_fault_and_no_conflict() -> None:
    writes: list[Write] = [Put(ORG, {}, 3), Delete(KEY, 0)]
    answers = (refusal("TransactionCanceledException"), _found(writes, stored(ORG, version=3)))
    script = Script(*answers * 9)
    with pytest.raises(ControlFault, match=r"TransactionCanceledException .* 5 times, though the versions hold"):
        await script.store().write(writes, now=NOW)
    assert script.operations.count("TransactWriteItems") == 5


@pytest.mark.parametrize(
    ("write", "there", "conflict"),
    [
        (Put(ORG, {}, 0), None, False),
        (Put(ORG, {}, 0), stored(ORG), True),
        (Put(ORG, {}, 0), stored(ORG, expires_at={"N": str(NOW)}), False),
        (Put(ORG, {}, 1), stored(ORG, expires_at={"N": str(NOW)}), True),
        (Put(ORG, {}, 1), stored(ORG, expires_at={"N": str(NOW + 1)}), False),
        (Put(ORG, {}, 1), None, True),
        (Delete(ORG, 1), stored(ORG, version=2), True),
        (Delete(ORG, 2), stored(ORG, version=2), False),
    ],
)
async def test_what_is_there_after_a_refusal_says_whether_it_was_a_conflict(
    write: Write, there: dict[str, Any] | None, conflict: bool
) -> None:
    script = Script(refusal("TransactionCanceledException"), _found([write], there), {})
    if conflict:
        with pytest.raises(Conflict):
            await script.store().write([write], now=NOW)
    else:
        await script.store().write([write], now=NOW)
    assert len(script.asked) == (2 if conflict else 3)


async def test_an_outage_while_a_refusal_is_looked_into_is_a_fault() -> None:
    script = Script(refusal("ConditionalCheckFailedException", "PutItem"), AwsError("GetItem", 0, "TimeoutError"))
    with pytest.raises(ControlFault, match="GetItem failed"):
        await script.store().write([Put(ORG, {}, 0)], now=NOW)


def _found(writes: Sequence[Write], *there: dict[str, Any] | None) -> dict[str, Any]:
    items = [item for item in there if item is not None]
    if len(writes) == 1:
        return {"Item": items[0]} if items else {}
    return {"Responses": {"t": items}, "UnprocessedKeys": {}}
