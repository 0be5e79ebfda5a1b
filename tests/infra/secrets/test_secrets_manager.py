"""What only the Secrets Manager store does: labels, lost answers, killed writers, outages. AWS's own words for them are

InvalidParameterException where a label is not on the version that it is to be taken from, and InvalidRequestException
for a secret that is scheduled for deletion. The emulators agree on the first for every version that exists.
"""

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from infra.aws.credentials import NoAwsCredentials
from infra.aws.json_client import AwsError, AwsJsonClient
from infra.secrets.secrets_manager import SecretsManagerStore
from infra.secrets.store import SecretsConflict, SecretsFault

Manager = Callable[..., AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]
Call = Callable[[str, dict[str, Any]], Any]

NAME = "org/acme"
SECRET = "sk-very-secret"
VERSION = "5" * 32
EMULATORS = pytest.mark.parametrize("emulator", ["moto_url", "ministack_url"])


@pytest.fixture
def url(request: pytest.FixtureRequest, emulator: str) -> str:
    url: str = request.getfixturevalue(emulator)
    return url


def script(**answers: dict[str, Any] | Exception) -> Call:
    async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def refused(code: str) -> AwsError:
    return AwsError("Operation", 400, code)


async def labels(client: AwsJsonClient, secret: str) -> dict[str, list[str]]:
    """Versions by id, those without a label left out as AWS leaves them out."""
    stages = (await client.call("DescribeSecret", {"SecretId": secret}))["VersionIdsToStages"]
    return {version: sorted(held) for version, held in stages.items() if held}


# --- labels -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@EMULATORS
async def test_a_write_leaves_the_two_labels_of_aws_and_none_of_ours(manager: Manager, url: str) -> None:
    async with manager(url) as (client, prefix):
        store = SecretsManagerStore(client.call, prefix)
        first = await store.write(NAME, {"n": 0}, version=None)
        assert await labels(client, prefix + NAME) == {first: ["AWSCURRENT"]}
        second = await store.write(NAME, {"n": 1}, version=first)
        assert await labels(client, prefix + NAME) == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}
        with pytest.raises(SecretsConflict):
            await store.write(NAME, {"n": 2}, version=first)
        assert await labels(client, prefix + NAME) == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}


@pytest.mark.slow
@EMULATORS
async def test_the_emulator_really_refuses_a_move_from_where_the_label_is_not(manager: Manager, url: str) -> None:
    """The compare-and-swap is nothing but this refusal: an emulator without it would prove nothing."""
    async with manager(url) as (client, prefix):
        store = SecretsManagerStore(client.call, prefix)
        first = await store.write(NAME, {"n": 0}, version=None)
        second = await store.write(NAME, {"n": 1}, version=first)
        third = "3" * 32
        put = {"SecretString": "{}", "ClientRequestToken": third, "VersionStages": ["other"]}
        await client.call("PutSecretValue", {"SecretId": prefix + NAME, **put})
        for absent in ({"RemoveFromVersionId": first}, {}):
            move = {"SecretId": prefix + NAME, "VersionStage": "AWSCURRENT", "MoveToVersionId": third, **absent}
            with pytest.raises(AwsError) as refusal:
                await client.call("UpdateSecretVersionStage", move)
            assert (refusal.value.status, refusal.value.code) == (400, "InvalidParameterException")
        assert "AWSCURRENT" in (await labels(client, prefix + NAME))[second]


@pytest.mark.slow
@EMULATORS
async def test_new_versions_have_the_id_that_was_given_and_the_key_of_the_stack(manager: Manager, url: str) -> None:
    async with manager(url) as (client, prefix):
        ids = iter([f"{n}" * 32 for n in range(1, 4)])
        store = SecretsManagerStore(client.call, prefix, "alias/sabir", tokens=lambda: next(ids))
        first = await store.write(NAME, {"n": 0}, version=None)
        assert await store.write(NAME, {"n": 1}, version=first) == "2" * 32
        described = await client.call("DescribeSecret", {"SecretId": prefix + NAME})
        assert described["KmsKeyId"] == "alias/sabir"


@pytest.mark.slow
@EMULATORS
async def test_a_writer_killed_before_the_move_holds_nobody_up(
    manager: Manager, url: str, request: pytest.FixtureRequest
) -> None:
    async with manager(url) as (client, prefix):

        async def killed(operation: str, body: dict[str, Any]) -> dict[str, Any]:
            if operation == "UpdateSecretVersionStage":
                raise asyncio.CancelledError
            return await client.call(operation, body)

        store = SecretsManagerStore(client.call, prefix)
        first = await store.write(NAME, {"n": 0}, version=None)
        with pytest.raises(asyncio.CancelledError):
            await SecretsManagerStore(killed, prefix).write(NAME, {"n": "never seen"}, version=first)
        assert len(await labels(client, prefix + NAME)) == 2
        second = await store.write(NAME, {"n": 1}, version=first)
        found = await store.read(NAME)
        assert found is not None
        assert (found.value, found.version) == ({"n": 1}, second)
        held = await labels(client, prefix + NAME)
        if url == request.getfixturevalue("ministack_url"):
            # Here a put leaves our label on the version before too, and then it can be taken from that one only.
            assert (held[first], held[second]) == (["AWSPREVIOUS"], ["AWSCURRENT", "sabir-writing"])
        else:
            assert held == {first: ["AWSPREVIOUS"], second: ["AWSCURRENT"]}


# --- lost answers -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@EMULATORS
@pytest.mark.parametrize("built_upon", [False, True])
async def test_a_move_whose_answer_was_lost_is_no_conflict_when_it_is_tried_again(
    manager: Manager, url: str, built_upon: bool
) -> None:
    """`AwsJsonClient` repeats what got no answer, and by then the label is where it was to go."""
    async with manager(url) as (client, prefix):
        other = SecretsManagerStore(client.call, prefix)
        lost = 0

        async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
            nonlocal lost
            if body.get("VersionStage") == "AWSCURRENT" and "MoveToVersionId" in body:
                await client.call(operation, body)
                lost += 1
                if built_upon:
                    await other.write(NAME, {"n": 2}, version=body["MoveToVersionId"])
            return await client.call(operation, body)

        first = await other.write(NAME, {"n": 0}, version=None)
        written = await SecretsManagerStore(call, prefix).write(NAME, {"n": 1}, version=first)
        assert lost == 1
        mine = await other.read(NAME, "previous" if built_upon else "current")
        assert mine is not None
        assert (mine.value, mine.version) == ({"n": 1}, written)


# --- deletion ---------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@EMULATORS
async def test_a_secret_that_somebody_scheduled_for_deletion_counts_as_absent(
    manager: Manager, url: str, request: pytest.FixtureRequest
) -> None:
    async with manager(url) as (client, prefix):
        store = SecretsManagerStore(client.call, prefix)
        first = await store.write(NAME, {"n": 0}, version=None)
        await client.call("DeleteSecret", {"SecretId": prefix + NAME, "RecoveryWindowInDays": 7})
        assert await store.read(NAME) is None
        assert await store.read(NAME, "previous") is None
        # AWS says InvalidRequestException to its creation (below); both emulators say that it exists.
        with pytest.raises(SecretsConflict):
            await store.write(NAME, {"n": 1}, version=None)
        if url == request.getfixturevalue("ministack_url"):
            # As AWS does, while moto lets it be written to.
            with pytest.raises(SecretsConflict):
                await store.write(NAME, {"n": 1}, version=first)


async def test_to_create_what_is_scheduled_for_deletion_is_a_fault_that_names_it() -> None:
    store = SecretsManagerStore(script(CreateSecret=refused("InvalidRequestException")), "sabir/")
    with pytest.raises(SecretsFault, match=r"^org/acme is scheduled for deletion: restore it"):
        await store.write(NAME, {}, version=None)


async def test_a_secret_deleted_between_put_and_move_is_a_conflict() -> None:
    gone = refused("ResourceNotFoundException")
    call = script(PutSecretValue={"VersionId": VERSION}, UpdateSecretVersionStage=gone, DescribeSecret=gone)
    with pytest.raises(SecretsConflict):
        await SecretsManagerStore(call, "sabir/").write(NAME, {}, version="4" * 32)


async def test_what_aws_refuses_for_other_reasons_is_a_fault_in_each_operation() -> None:
    denied = refused("AccessDeniedException")
    put = {"VersionId": VERSION}
    moved = refused("InvalidParameterException")
    with pytest.raises(SecretsFault, match="AccessDeniedException"):
        await SecretsManagerStore(script(GetSecretValue=denied), "").read(NAME)
    with pytest.raises(SecretsFault, match="AccessDeniedException"):
        await SecretsManagerStore(script(DeleteSecret=denied), "").delete(NAME)
    with pytest.raises(SecretsFault, match="AccessDeniedException"):
        await SecretsManagerStore(script(CreateSecret=denied), "").write(NAME, {}, version=None)
    for calls in (
        script(PutSecretValue=denied),
        script(PutSecretValue=put, UpdateSecretVersionStage=denied),
        script(PutSecretValue=put, UpdateSecretVersionStage=moved, DescribeSecret=denied),
    ):
        with pytest.raises(SecretsFault, match="AccessDeniedException"):
            await SecretsManagerStore(calls, "").write(NAME, {}, version="4" * 32)


# --- outages and odd answers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["fails", "hangs", "is not there"])
async def test_pitfall_39_an_outage_is_a_fault_and_never_an_absent_document(manager: Manager, how: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        if how == "hangs":
            await asyncio.Event().wait()
        return web.Response(status=500, text=json.dumps({"__type": "InternalServiceError", "message": SECRET}))

    app = web.Application()
    app.router.add_post("/", answer)
    async with TestServer(app) as server:
        url = f"http://127.0.0.1:{server.port}"
        if how == "is not there":
            await server.close()
        async with manager(url, patience=0.2, attempts=2) as (client, prefix):
            store = SecretsManagerStore(client.call, prefix)
            for act in (
                lambda: store.read(NAME),
                lambda: store.write(NAME, {"secret": SECRET}, version=None),
                lambda: store.write(NAME, {"secret": SECRET}, version=VERSION),
                lambda: store.delete(NAME),
            ):
                with pytest.raises(SecretsFault) as fault:
                    await act()
                assert "org/acme" in str(fault.value)
                assert SECRET not in whole_text(fault.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"SecretString": f"{SECRET} is no JSON", "VersionId": VERSION},
        {"SecretString": f'["{SECRET}"]', "VersionId": VERSION},
        {"SecretBinary": SECRET, "VersionId": VERSION},
        {"SecretString": f'{{"secret": "{SECRET}"}}'},
        {"SecretString": f'{{"secret": "{SECRET}"}}', "VersionId": 5},
        {"SecretString": f'{{"secret": "{SECRET}"}}', "VersionId": ""},
    ],
)
async def test_a_secret_that_holds_something_else_is_a_fault_that_does_not_quote_it(answer: dict[str, Any]) -> None:
    store = SecretsManagerStore(script(GetSecretValue=answer), "sabir/")
    with pytest.raises(SecretsFault) as fault:
        await store.read(NAME)
    assert SECRET not in whole_text(fault.value)


async def test_of_an_unknown_error_only_the_kind_is_told() -> None:
    store = SecretsManagerStore(script(GetSecretValue=RuntimeError(SECRET)), "sabir/")
    with pytest.raises(SecretsFault) as fault:
        await store.read(NAME)
    assert str(fault.value) == "Secrets Manager failed for org/acme: GetSecretValue: RuntimeError"


async def test_missing_credentials_are_named() -> None:
    store = SecretsManagerStore(script(GetSecretValue=NoAwsCredentials("nothing in the environment")), "sabir/")
    with pytest.raises(SecretsFault, match="nothing in the environment"):
        await store.read(NAME)


def whole_text(fault: BaseException) -> str:
    """Of the exception and all that led to it, the way a logged traceback shows them."""
    chain: list[BaseException] = []
    one: BaseException | None = fault
    while one is not None:
        chain.append(one)
        one = one.__cause__ or one.__context__
    return " ".join(f"{each!r} {each} {vars(each)}" for each in chain)
