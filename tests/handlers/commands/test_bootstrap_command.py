"""`sabir bootstrap`: one command from `sam deploy` to a key."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from starlette.responses import JSONResponse, PlainTextResponse

from handlers.admin.app import create_admin_app
from tests.contract.rig import serving
from tests.handlers.admin.desk import ADMIN_KEY, desk_over
from tests.handlers.commands.shell import shell_in

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send


async def test_on_this_machine_it_makes_the_org_and_its_first_key(tmp_path: Path) -> None:
    shell = shell_in(tmp_path)
    said = await shell.run("bootstrap", "--org", "acme")
    assert "The org acme is created." in said
    assert "  sbr_acme_" in said
    assert "http://127.0.0.1:8787/v1" in said
    assert "sabir endpoint add acme" in said
    again = await shell.run("bootstrap", "--org", "acme")
    assert "was there already" in again
    assert "has a key already" in again
    assert "sbr_" not in again


async def test_an_org_whose_keys_are_all_revoked_gets_another(tmp_path: Path) -> None:
    shell = shell_in(tmp_path)
    first = await shell.json("bootstrap", "--org", "acme")
    await shell.run("key", "revoke", "acme", first["key"]["key_id"], "--yes")
    second = await shell.json("bootstrap", "--org", "acme", "--key-name", "second")
    assert (first["org_created"], second["org_created"]) == (True, False)
    assert second["key"]["name"] == "second"
    assert second["key"]["key_id"] != first["key"]["key_id"]


class Slow:
    """An admin API that a few answers come before: what a new deployment says at first."""

    def __init__(self, app: ASGIApp, *answers: ASGIApp) -> None:
        self._app = app
        self._answers = [*answers]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._answers.pop(0) if self._answers and scope["type"] == "http" else self._app
        await answer(scope, receive, send)


@asynccontextmanager
async def slow(folder: Path, *answers: ASGIApp) -> AsyncIterator[str]:
    async with desk_over(folder) as desk, serving(Slow(create_admin_app(desk.services), *answers)) as url:
        yield url


async def test_it_waits_until_the_api_answers_and_says_so(tmp_path: Path) -> None:
    early = (JSONResponse({"message": "Forbidden"}, 403), PlainTextResponse("", 502))
    async with slow(tmp_path, *early) as url:
        shell = shell_in(tmp_path, "--url", f"{url}/admin", SABIR_ADMIN_KEY=ADMIN_KEY)
        said = await shell.run("bootstrap", "--org", "acme", "--wait", "30")
    assert said.count("Waiting for the admin API") == 2
    assert f"{url}/v1" in said


@pytest.mark.parametrize(("status", "code"), [(503, 3), (403, 1)], ids=["an outage", "no access"])
async def test_it_does_not_wait_for_ever(tmp_path: Path, status: int, code: int) -> None:
    async with slow(tmp_path, *[JSONResponse({}, status)] * 9) as url:
        shell = shell_in(tmp_path, "--url", url, SABIR_ADMIN_KEY=ADMIN_KEY)
        await shell.run("bootstrap", "--org", "acme", "--wait", "0", code=code)


async def test_a_wrong_key_is_nothing_to_wait_for(tmp_path: Path) -> None:
    async with slow(tmp_path) as url:
        shell = shell_in(tmp_path, "--url", url, SABIR_ADMIN_KEY="sba_wrong")
        said = await shell.run("bootstrap", "--org", "acme", code=1)
    assert "Waiting" not in said


# --- a stack in AWS ---------------------------------------------------------------------------------------------------


@pytest.fixture
def aws(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    env = {
        "AWS_ENDPOINT_URL": moto_url,
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example-secret",
    }
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return env


@pytest.fixture
def deployed(aws: dict[str, str]) -> Iterator[Any]:
    """Makes a stack with the outputs of the template, and the secret that it would have made."""
    stacks, secrets = boto3.client("cloudformation"), boto3.client("secretsmanager")
    secrets.create_secret(Name="sabir/prod/admin-key", SecretString=ADMIN_KEY.removeprefix("sba_"))

    def deploy(name: str, **outputs: str) -> None:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": name}}
        template = {"Resources": {"Topic": topic}, "Outputs": {key: {"Value": each} for key, each in outputs.items()}}
        stacks.create_stack(StackName=name, TemplateBody=json.dumps(template))

    yield deploy
    secrets.delete_secret(SecretId="sabir/prod/admin-key", ForceDeleteWithoutRecovery=True)


@pytest.mark.slow
async def test_a_stack_is_found_by_its_name_and_its_key_with_the_operators_own_credentials(
    tmp_path: Path, deployed: Any
) -> None:
    async with slow(tmp_path) as url:
        outputs = {"AdminUrl": f"{url}/admin", "BaseUrl": f"{url}/v1", "AdminKeySecretName": "sabir/prod/admin-key"}
        await asyncio.to_thread(deployed, "sabir-prod", **outputs)
        shell = shell_in(tmp_path, "--stack", "sabir-prod")
        said = await shell.run("bootstrap", "--org", "acme")
        assert "Reading the stack sabir-prod" in said
        assert "  sbr_acme_" in said
        assert f"Base URL for your clients: {url}/v1" in said
        assert "sabir endpoint add acme NAME --provider PROVIDER --stack sabir-prod" in said
        assert [each["org_id"] for each in await shell.json("org", "list")] == ["acme"]
        assert ADMIN_KEY not in said


@pytest.mark.slow
async def test_a_stack_that_is_not_there_or_not_sabirs_is_said_in_plain_words(tmp_path: Path, deployed: Any) -> None:
    said = await shell_in(tmp_path, "--stack", "nowhere").run("org", "list", code=1)
    assert "cannot read the stack nowhere" in said
    await asyncio.to_thread(deployed, "another", BaseUrl="https://x.example/v1")
    said = await shell_in(tmp_path, "--stack", "another").run("org", "list", code=1)
    assert "has no output AdminUrl" in said
