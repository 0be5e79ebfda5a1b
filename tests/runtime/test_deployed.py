"""The stack on this machine: the translated template in an emulator, both functions behind the gateway, each with the
environment and the permissions that the template gives it. `deployed` fails a test whose functions ask for more.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import aiohttp
import boto3
import pytest
from openai import AsyncOpenAI, RateLimitError
from openai.types.chat import ChatCompletion

from infra.aws.sigv4 import Signer
from infra.gateway import Moment
from tests.emulators import ministack
from tests.infra.template.deployed import ACCESS_KEYS, Stack, deployed
from tests.infra.template.policy import several
from tests.infra.template.translated import ROOT
from tests.simulator import Simulator, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    BuiltBundle = Any

pytestmark = pytest.mark.slow

Json = Any
QUESTION: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "What is a proxy?"}]}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with ministack(tmp_path_factory.mktemp("ministack")) as url:
        yield url


@pytest.fixture
async def stack(emulator: str, bundle: BuiltBundle) -> AsyncIterator[Stack]:
    """From the built bundle: both functions with its modules and its wheels, and no others."""
    async with deployed(emulator, bundle=bundle.path, python=bundle.interpreter) as stack:
        yield stack


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


def aws(stack: Stack, service: str) -> Any:
    environment = stack.environment
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


async def describe(stack: Stack, service: str, operation: str, **arguments: Any) -> Json:
    return await asyncio.to_thread(getattr(aws(stack, service), operation), **arguments)


async def admin(stack: Stack, client: aiohttp.ClientSession, method: str, path: str, body: Json = None) -> Json:
    """The answer of the admin API to whoever holds the key; it must be a good one."""
    headers = {"authorization": f"Bearer {stack.admin_key}"}
    async with client.request(method, f"{stack.admin_url}/v1{path}", json=body, headers=headers) as response:
        assert response.status in (200, 201), await response.text()
        return await response.json()


async def test_the_tables_are_as_the_template_says(stack: Stack) -> None:
    table = stack.outputs["ControlTableName"]
    described = (await describe(stack, "dynamodb", "describe_table", TableName=table))["Table"]
    keys = [(key["AttributeName"], key["KeyType"]) for key in described["KeySchema"]]
    assert keys == [("pk", "HASH"), ("sk", "RANGE")]
    for name in (table, stack.outputs["CacheTableName"]):
        told = await describe(stack, "dynamodb", "describe_time_to_live", TableName=name)
        assert told["TimeToLiveDescription"] == {"AttributeName": "expires_at", "TimeToLiveStatus": "ENABLED"}


async def test_cloudformation_tells_what_a_bootstrap_has_to_know(stack: Stack) -> None:
    told = (await describe(stack, "cloudformation", "describe_stacks", StackName=stack.name))["Stacks"][0]["Outputs"]
    assert {output["OutputKey"]: output["OutputValue"] for output in told} == dict(stack.outputs)
    assert stack.outputs["AdminKeySecretName"] == f"sabir/{stack.name}/admin-key"


async def test_one_command_bootstraps_the_deployed_stack(stack: Stack) -> None:
    command = [sys.executable, "-m", "handlers.cli", "bootstrap", "--stack", stack.name, "--org", "acme"]
    env = {**os.environ, **stack.environment}
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = (text.decode() for text in await process.communicate())
    assert process.returncode == 0, complained
    assert stack.base_url in said
    assert "sbr_acme_" in said
    assert stack.admin_key not in said + complained


async def test_the_admin_key_opens_the_admin_api_and_another_one_does_not(
    stack: Stack, client: aiohttp.ClientSession
) -> None:
    assert len(stack.admin_key) >= 43
    made = await admin(stack, client, "POST", "/orgs", {"org_id": "acme"})
    assert made["org_id"] == "acme"
    for authorization in ("", "Bearer sba_" + "0" * 43):
        async with client.get(f"{stack.admin_url}/v1/orgs", headers={"authorization": authorization}) as response:
            assert response.status == 401


async def test_iam_opens_it_too_and_the_trail_names_who_came(stack: Stack, client: aiohttp.ClientSession) -> None:
    url, body = f"{stack.admin_iam_url}/v1/orgs", json.dumps({"org_id": "by-iam"}).encode()
    signer = Signer(stack.environment["AWS_REGION"], "execute-api")
    headers = {"content-type": "application/json"}
    headers = signer.sign("POST", url, headers, body, credentials=stack.operator, now=time.time())
    async with client.post(url, data=body, headers=headers) as response:
        assert response.status == 201, await response.text()
    trail = json.dumps(await admin(stack, client, "GET", "/orgs/by-iam/audit"))
    assert "arn:aws:iam::000000000000:user/operator" in trail
    # The admin key is no way around the signature.
    headers = {"authorization": f"Bearer {stack.admin_key}"}
    async with client.get(url, headers=headers) as response:
        assert response.status == 403


async def test_an_orgs_secrets_lie_below_the_stacks_prefix_under_the_stacks_key(
    stack: Stack, client: aiohttp.ClientSession
) -> None:
    await admin(stack, client, "POST", "/orgs", {"org_id": "acme"})
    await admin(stack, client, "PUT", "/orgs/acme/endpoints/main", {"provider": "openai", "secret": "sk-of-the-org"})
    for kind in ("org", "cache-key"):
        told = await describe(stack, "secretsmanager", "describe_secret", SecretId=f"sabir/{stack.name}/{kind}/acme")
        assert told["KmsKeyId"] in stack.outputs["SecretsKeyArn"]


async def test_everything_an_admin_does_is_within_the_roles_permissions(
    stack: Stack, client: aiohttp.ClientSession
) -> None:
    await admin(stack, client, "POST", "/orgs", {"org_id": "acme"})
    await admin(stack, client, "PUT", "/orgs/acme/endpoints/main", {"provider": "openai", "secret": "sk-of-the-org-1"})
    await admin(stack, client, "POST", "/orgs/acme/endpoints/main/rotate", {"secret": "sk-of-the-org-2"})
    issued = await admin(stack, client, "POST", "/orgs/acme/keys", {"name": "laptop"})
    await admin(stack, client, "PATCH", "/orgs/acme", {"share_cache": True})
    await admin(stack, client, "POST", "/orgs/acme/purge-cache")
    await admin(stack, client, "GET", "/orgs/acme/audit")
    await admin(stack, client, "DELETE", f"/orgs/acme/keys/{issued['key_id']}")
    # For a lost race, and for what no client of the API can delete yet.
    assert unused(stack, "AdminFunction") == {
        "dynamodb:BatchGetItem",
        "dynamodb:DeleteItem",
        "secretsmanager:DeleteSecret",
        "secretsmanager:DescribeSecret",
    }


async def test_a_stack_sees_nothing_of_another_in_the_same_account(
    stack: Stack, emulator: str, bundle: BuiltBundle, client: aiohttp.ClientSession
) -> None:
    async with contextlib.AsyncExitStack() as opened:
        other = await opened.enter_async_context(deployed(emulator, bundle=bundle.path, python=bundle.interpreter))
        await admin(stack, client, "POST", "/orgs", {"org_id": "acme"})
        assert (await admin(other, client, "GET", "/orgs"))["data"] == []
        # Not taken there: names of secrets begin with the stack's.
        await admin(other, client, "POST", "/orgs", {"org_id": "acme"})
        async with client.get(
            f"{other.admin_url}/v1/orgs", headers={"authorization": f"Bearer {stack.admin_key}"}
        ) as response:
            assert response.status == 401


async def test_the_proxy_serves_behind_the_same_api(stack: Stack, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{stack.gateway.url}/healthz") as response:
        assert response.status == 200
    async with client.post(f"{stack.base_url}/chat/completions", json=QUESTION) as response:
        assert response.status == 401


@contextlib.asynccontextmanager
async def serving_acme(
    emulator: str, bundle: BuiltBundle, simulator: Simulator, *, sandboxes: int = 1, requests_per_minute: int = 100
) -> AsyncIterator[tuple[Stack, Json]]:
    """A stack with an org of two endpoints and limits, and a new key of it, which has the same limits."""
    # The default of 50 ms is for DynamoDB; an emulator on a busy test machine may take longer.
    env = {"SABIR_CACHE_READ_MS": "10000"}
    limits = {"requests_per_minute": requests_per_minute, "tokens_per_minute": 1_000_000, "usd_per_day": "10"}
    async with (
        deployed(
            emulator,
            bundle=bundle.path,
            python=bundle.interpreter,
            sandboxes=sandboxes,
            env=env,
            OpenAIBaseUrl=simulator.url("openai"),
        ) as stack,
        aiohttp.ClientSession() as client,
    ):
        await admin(stack, client, "POST", "/orgs", {"org_id": "acme", "share_cache": True, "limits": limits})
        for name in ("main", "spare"):
            endpoint = {"provider": "openai", "secret": f"sk-of-acme-{name}"}
            await admin(stack, client, "PUT", f"/orgs/acme/endpoints/{name}", endpoint)
        issued = await admin(stack, client, "POST", "/orgs/acme/keys", {"name": "laptop", "limits": limits})
        yield stack, issued["key"]


async def test_a_key_of_the_org_is_served_within_the_proxys_permissions(emulator: str, bundle: BuiltBundle) -> None:
    async with Simulator() as simulator, serving_acme(emulator, bundle, simulator) as (stack, key):
        cached = []
        async with AsyncOpenAI(base_url=stack.base_url, api_key=key, max_retries=0) as sdk:
            # The second is the first again; the third meets an outage, and a sandbox tells the others of it.
            for number, seed in enumerate([1, 1, 2], start=1):
                if seed == 2:
                    simulator.next(Status(500))
                answer = await sdk.chat.completions.with_raw_response.create(**QUESTION, seed=seed)
                assert answer.parse().choices[0].message.content
                cached.append(answer.headers["x-bt-cached"])
                # What is written after the last byte is written before the sandbox asks for more. One is the admin's.
                await proxy_asked_again(stack, number)
        assert cached == ["MISS", "HIT", "MISS"]
        assert simulator.calls() == 3
        health = {"pk": {"S": "HEALTH#acme"}, "sk": {"S": "HEALTH"}}
        told = await describe(stack, "dynamodb", "get_item", TableName=stack.outputs["ControlTableName"], Key=health)
        assert "Item" in told
        await assert_log_tells(stack, key, cached)
        assert unused(stack, "ProxyFunction") == set()


async def assert_log_tells(stack: Stack, key: str, cached: list[str]) -> None:
    """The bearer of the key reads in the deployed log what became of its requests, and what they cost together."""
    bearer = {"authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=bearer) as client:
        async with client.get(f"{stack.base_url}/requests") as response:
            records = (await response.json())["data"]
        async with client.get(f"{stack.base_url}/usage") as response:
            rows = (await response.json())["data"]
    # Newest first; the last one was answered by the other endpoint.
    assert [record["cache"] for record in reversed(records)] == [verdict.lower() for verdict in cached]
    assert len(records[0]["attempts"]) == 2
    assert sum(row["requests"] for row in rows) == len(cached)
    assert sum(row["hits"] for row in rows) == 1
    assert sum(Decimal(record["cost_usd"]) for record in records) == sum(Decimal(row["cost_usd"]) for row in rows) > 0


async def test_a_limit_holds_over_all_sandboxes_at_once(emulator: str, bundle: BuiltBundle) -> None:
    """Three processes that know nothing of each other but the table."""
    per_minute, asked = 4, 12
    async with (
        Simulator() as simulator,
        serving_acme(emulator, bundle, simulator, sandboxes=3, requests_per_minute=per_minute) as (stack, key),
        AsyncOpenAI(base_url=stack.base_url, api_key=key, max_retries=0) as sdk,
    ):
        for sandbox in range(3):
            await stack.gateway.journal.seen(Moment.NEXT_ASKED, sandbox=sandbox)
        began = time.time()
        asking = (sdk.chat.completions.create(**QUESTION, seed=seed) for seed in range(asked))
        answers = await asyncio.gather(*asking, return_exceptions=True)
        minutes = int(time.time() // 60 - began // 60) + 1
        refused = [answer for answer in answers if isinstance(answer, RateLimitError)]
        served = asked - len(refused)
        assert all(isinstance(answer, RateLimitError | ChatCompletion) for answer in answers)
        assert per_minute <= served <= per_minute * minutes
        assert simulator.calls() == served
        assert all(int(answer.response.headers["retry-after"]) <= 60 for answer in refused)
        busy = {entry.sandbox for entry in stack.gateway.journal.of(Moment.EVENT_GIVEN)}
        assert {0, 1, 2} <= busy


async def proxy_asked_again(stack: Stack, times: int) -> None:
    await stack.gateway.journal.seen(Moment.NEXT_ASKED, times=1 + times, sandbox=0)


def unused(stack: Stack, function: str) -> set[str]:
    """What the function's role allows and nobody needed, but for Lambda's own log."""
    key = ACCESS_KEYS[function]
    granted = {action for statement in stack.guard.roles[key] for action in several(statement["Action"])}
    used = {action for access, action in stack.guard.used if access == key}
    return {action for action in granted - used if not action.startswith("logs:")}
