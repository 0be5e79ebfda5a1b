"""The stack, deployed on this machine: the translated template's tables, key and secret in an emulator, and its API and
functions behind our own gateway, each function with the environment and the permissions that the template gives it.

Emulators' own deployments leave out much of the template (TTL, streaming, the API's methods), hence this one.

    async with deployed(emulator_url, OpenAIBaseUrl=f"{simulator}/v1") as stack:
        stack.base_url, stack.admin_url, stack.admin_key
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, web

from handlers.admin.admin_key import admin_key_of
from infra.aws.sigv4 import AwsCredentials
from infra.gateway import Function, Gateway
from tests.infra.template.emulated import ACCOUNT, REGION, Emulated
from tests.infra.template.guard import Guard
from tests.infra.template.translated import ROOT, grounded, only, properties, translate, variables

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

Json = Any

OPERATOR = AwsCredentials("AKIDOPERATOR", "the-operators-secret")
# Each function signs with a key of its own, which tells the guard whose permissions count.
ACCESS_KEYS = {"ProxyFunction": "AKIDPROXY", "AdminFunction": "AKIDADMIN"}


@dataclass(frozen=True, slots=True)
class Stack:
    """`outputs` as `sam deploy` shows them, but with the gateway's URLs; CloudFormation in the emulator says the same.

    `admin_key` as the admin API takes it. `operator` may sign for `admin_iam_url`. `environment`: what an AWS SDK needs
    to find this AWS and no other, as the operator.
    """

    name: str
    gateway: Gateway
    guard: Guard
    outputs: Mapping[str, str]
    admin_key: str
    operator: AwsCredentials
    environment: Mapping[str, str]

    @property
    def base_url(self) -> str:
        """Ends with `/v1`: what an OpenAI client takes."""
        return self.outputs["BaseUrl"]

    @property
    def admin_url(self) -> str:
        """Ends with `/admin`."""
        return self.outputs["AdminUrl"]

    @property
    def admin_iam_url(self) -> str:
        return f"{self.admin_url}-iam"


@asynccontextmanager
async def deployed(
    emulator: str,
    *,
    name: str | None = None,
    bundle: Path = ROOT,
    python: str = sys.executable,
    sandboxes: int = 1,
    env: Mapping[str, str] | None = None,
    **parameters: str,
) -> AsyncIterator[Stack]:
    """`bundle` is a built one, or this checkout; `parameters` are the template's; `env` is more for both functions.

    `name` is one that no other stack in this emulator has. Whatever else happened, at the end it is an error if one of
    the functions made a call that its role does not allow.
    """
    name = name or f"sabir-{secrets.token_hex(4)}"
    template, aws = translate(**parameters), Emulated(emulator)
    known = await asyncio.to_thread(aws.create, template, name)
    async with contextlib.AsyncExitStack() as opened:
        guard = _guard(emulator, await opened.enter_async_context(ClientSession()), template, known)
        guard_url = await opened.enter_async_context(_serving(guard))
        proxy, admin = (
            Function(
                bundle,
                python,
                properties(template, function)["Handler"],
                env={**_credentials(key, "secret", guard_url), **_own(template, function, known), **(env or {})},
                wrapped="AWS_LAMBDA_EXEC_WRAPPER" in variables(template, function),
            )
            for function, key in ACCESS_KEYS.items()
        )
        stage = only(template, "AWS::ApiGateway::Stage")["StageName"]
        gateway = Gateway(proxy, sandboxes, stage=stage, admin=admin, operator=OPERATOR)
        await opened.enter_async_context(gateway)
        outputs = _outputs(template, known, gateway)
        await asyncio.to_thread(aws.tell, name, outputs)
        stored = await asyncio.to_thread(aws.secret_text, known["AdminKeySecret"])
        environment = _credentials(OPERATOR.access_key_id, OPERATOR.secret_access_key, emulator)
        yield Stack(name, gateway, guard, outputs, admin_key_of(stored).reveal(), OPERATOR, environment)
    assert guard.denied == []


def _guard(emulator: str, session: ClientSession, template: Json, known: Mapping[str, str]) -> Guard:
    return Guard(
        emulator=f"{emulator}/",
        session=session,
        roles={key: _statements(template, function, known) for function, key in ACCESS_KEYS.items()},
        key=known["SecretsKey.Arn"],
        region=REGION,
        account=ACCOUNT,
        secrets={f"sabir/{known['AWS::StackName']}/admin-key": known["AdminKeySecret"]},
    )


def _own(template: Json, function: str, known: Mapping[str, str]) -> dict[str, str]:
    return dict(grounded(variables(template, function), known))


def _statements(template: Json, function: str, known: Mapping[str, str]) -> list[Json]:
    role = properties(template, function)["Role"]["Fn::GetAtt"][0]
    policies = grounded(properties(template, role)["Policies"], known)
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]


def _credentials(access_key: str, secret: str, endpoint: str) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_SESSION_TOKEN": "",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
    }


def _outputs(template: Json, known: Mapping[str, str], gateway: Gateway) -> dict[str, str]:
    names = {"Api": "local", "StageName": gateway.stage, "ProxyFunction": "proxy", "AdminFunction": "admin"}
    values = grounded({name: output["Value"] for name, output in template["Outputs"].items()}, {**known, **names})
    public = f"https://local.execute-api.{REGION}.amazonaws.com/{gateway.stage}"
    return {name: value.replace(public, gateway.url) for name, value in values.items()}


@contextlib.asynccontextmanager
async def _serving(guard: Guard) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/", guard.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
