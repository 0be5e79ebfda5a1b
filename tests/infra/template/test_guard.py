"""The guard that stands between deployed functions and the emulator, which has to be able to say no."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from tests.infra.template.guard import Guard
from tests.infra.template.policy import Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TABLE = "arn:aws:dynamodb:us-east-1:000000000000:table/control"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:sabir/s/org/acme-AbCdEf"
KEY = "arn:aws:kms:us-east-1:000000000000:key/k"
COUNTERS = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "LIMIT#*"}}


def allow(action: str, resource: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


@contextlib.asynccontextmanager
async def guarding(*statements: dict[str, Any]) -> AsyncIterator[Guard]:
    async def emulator(request: web.Request) -> web.Response:
        return web.json_response({"heard": request.headers["x-amz-target"]}, headers={"x-amzn-requestid": "r"})

    app = web.Application()
    app.router.add_post("/", emulator)
    async with TestServer(app) as server, ClientSession() as session:
        yield Guard(str(server.make_url("/")), session, {"AKID": statements}, KEY, "us-east-1", "000000000000")


async def ask(guard: Guard, target: str, body: dict[str, Any]) -> int:
    app = web.Application()
    app.router.add_post("/", guard.handle)
    headers = {"authorization": "AWS4-HMAC-SHA256 Credential=AKID/20240101/x/y/aws4_request", "x-amz-target": target}
    async with (
        TestServer(app) as server,
        ClientSession() as session,
        session.post(server.make_url("/"), data=json.dumps(body), headers=headers) as answer,
    ):
        told = await answer.json()
        assert told == ({"heard": target} if answer.status == 200 else {"__type": "AccessDeniedException"})
        return answer.status


def put(partition: str) -> dict[str, Any]:
    return {"TableName": "control", "Item": {"pk": {"S": partition}, "sk": {"S": "x"}}}


async def test_what_the_role_allows_reaches_the_emulator_and_nothing_else_does() -> None:
    async with guarding(allow("dynamodb:PutItem", TABLE, Condition=COUNTERS)) as guard:
        assert await ask(guard, "DynamoDB_20120810.PutItem", put("LIMIT#org/acme")) == 200
        assert guard.used == {("AKID", "dynamodb:PutItem")}
        assert await ask(guard, "DynamoDB_20120810.PutItem", put("ORG#acme")) == 400
        assert guard.denied == [Request("dynamodb:PutItem", TABLE, {"dynamodb:LeadingKeys": ("ORG#acme",)})]


async def test_in_a_batch_every_key_counts() -> None:
    keys = [{"pk": {"S": "LIMIT#a"}, "sk": {"S": "x"}}, {"pk": {"S": "ORG#acme"}, "sk": {"S": "ORG"}}]
    async with guarding(allow("dynamodb:BatchGetItem", TABLE, Condition=COUNTERS)) as guard:
        assert await ask(guard, "DynamoDB_20120810.BatchGetItem", {"RequestItems": {"control": {"Keys": keys}}}) == 400
        assert (
            await ask(guard, "DynamoDB_20120810.BatchGetItem", {"RequestItems": {"control": {"Keys": keys[:1]}}}) == 200
        )


@pytest.mark.parametrize(("kind", "status"), [("Put", 200), ("Update", 400), ("ConditionCheck", 400)])
async def test_in_a_transaction_the_underlying_operations_count(kind: str, status: int) -> None:
    item = put("LIMIT#a") if kind == "Put" else {"TableName": "control", "Key": {"pk": {"S": "LIMIT#a"}}}
    async with guarding(allow("dynamodb:PutItem", TABLE)) as guard:
        assert await ask(guard, "DynamoDB_20120810.TransactWriteItems", {"TransactItems": [{kind: item}]}) == status


async def test_a_secret_needs_its_key_too() -> None:
    read = allow("secretsmanager:GetSecretValue", SECRET)
    via = {"StringEquals": {"kms:ViaService": "secretsmanager.us-east-1.amazonaws.com"}}
    async with guarding(read) as guard:
        assert await ask(guard, "secretsmanager.GetSecretValue", {"SecretId": "sabir/s/org/acme"}) == 400
        assert [denied.action for denied in guard.denied] == ["kms:Decrypt"]
    async with guarding(read, allow("kms:Decrypt", KEY, Condition=via)) as guard:
        assert await ask(guard, "secretsmanager.GetSecretValue", {"SecretId": "sabir/s/org/acme"}) == 200
        assert await ask(guard, "secretsmanager.GetSecretValue", {"SecretId": "sabir/s/org/other"}) == 400
