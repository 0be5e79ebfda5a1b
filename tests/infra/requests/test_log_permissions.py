"""The roles' permissions are enough for the request log, and the log asks for nothing else: seen by a guard that knows
the template's statements, between the store and an emulator.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.requests.dynamodb import DynamoRequests
from infra.requests.store import Report, RequestsFault
from tests.infra.limits.stores import client_of, fresh_table
from tests.infra.requests.records import DAY, NOW, everything, full_record, listed, put
from tests.infra.template.emulated import ACCOUNT, REGION
from tests.infra.template.guard import Guard
from tests.infra.template.translated import Json, grounded, properties, translate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.slow

ACCESS_KEY = "AKIAEXAMPLE"
KNOWN = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "team",
    "AWS::URLSuffix": "amazonaws.com",
    "AdminKeySecret": "arn:a",
    "AdminLogGroup.Arn": "arn:b",
    "CacheTable.Arn": "arn:c",
    "ProxyLogGroup.Arn": "arn:d",
    "SecretsKey.Arn": "arn:e",
}


def statements(role: str, table: str) -> list[Json]:
    known = {**KNOWN, "ControlTable.Arn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}"}
    policies = grounded(properties(translate(), role)["Policies"], known)
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


@asynccontextmanager
async def guarded(url: str, role: str, table: str) -> AsyncIterator[tuple[Guard, DynamoRequests]]:
    """The log as a function with that role has it."""
    async with aiohttp.ClientSession() as session:
        guard = Guard(f"{url}/", session, {ACCESS_KEY: statements(role, table)}, "arn:e", REGION, ACCOUNT)
        app = web.Application()
        app.router.add_post("/", guard.handle)
        async with TestServer(app) as server, client_of(str(server.make_url("")).rstrip("/")) as client:
            yield guard, DynamoRequests(client.call, table)


async def test_the_proxy_keeps_the_log_and_both_functions_read_it(ministack_url: str) -> None:
    place = await fresh_table("ministack", ministack_url)
    record = full_record(error="provider_down", cause="provider")
    used = {"ProxyRole": {"GetItem", "PutItem", "Query", "UpdateItem"}, "AdminRole": {"GetItem", "Query"}}
    for role, operations in used.items():
        async with guarded(ministack_url, role, place.table) as (guard, store):
            if role == "ProxyRole":
                await put(store, record)
            assert await store.get("acme", record.request_id, now=NOW) == record.document()
            assert await listed(store, everything()) == [record.request_id]
            assert await listed(store, everything(outcome="error")) == [record.request_id]
            (row,) = await store.usage(Report("acme", NOW - DAY, NOW + 1), now=NOW)
            assert row.sums.requests == 1
        assert guard.denied == []
        assert guard.used == {(ACCESS_KEY, f"dynamodb:{operation}") for operation in operations}


async def test_a_permission_that_is_lacking_is_a_fault_that_names_the_call(ministack_url: str) -> None:
    place = await fresh_table("ministack", ministack_url)
    async with guarded(ministack_url, "ProxyRole", place.table) as (guard, store):
        for role in guard.roles.values():
            role[:] = [one for one in role if one["Action"] != "dynamodb:Query"]  # type: ignore[index]
        with pytest.raises(RequestsFault, match=r"Query failed: Query: AccessDeniedException"):
            await store.usage(Report("acme", NOW - DAY, NOW + 1), now=NOW)
