"""Two functions behind one API: which path goes to which, and what AWS's own runtime does with the second."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from infra.aws.sigv4 import AwsCredentials, Signer
from infra.gateway import Function, Gateway, Moment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

OPERATOR = AwsCredentials("AKID", "the-secret")

TWO_FUNCTIONS = """
    import base64, json

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-from", b"proxy")]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})

    def handler(event, context):
        if event["path"].endswith("/fail"):
            raise LookupError(event["path"])
        body = json.dumps({
            "path": event["path"],
            "resource": event["resource"],
            "resourcePath": event["requestContext"]["resourcePath"],
            "parameters": event["pathParameters"],
            "userArn": event["requestContext"]["identity"]["userArn"],
            "sent": base64.b64decode(event["body"] or "").decode(),
            "same": event["requestContext"]["requestId"] == context.aws_request_id,
        })
        return {"statusCode": 201, "headers": {"x-from": "admin"}, "body": body, "isBase64Encoded": False}
"""


@contextlib.asynccontextmanager
async def serving(bundle: Path, **options: Any) -> AsyncIterator[Gateway]:
    admin = Function(bundle, sys.executable, "tiny.handler", wrapped=False)
    async with Gateway(Function(bundle, sys.executable, "tiny.app"), admin=admin, **options) as gateway:
        yield gateway


@pytest.fixture
async def gateway(make_bundle: Callable[[str], Path]) -> AsyncIterator[Gateway]:
    async with serving(make_bundle(TWO_FUNCTIONS), operator=OPERATOR) as gateway:
        yield gateway


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as client:
        yield client


def sign(url: str, body: bytes = b"") -> dict[str, str]:
    return Signer("us-east-1", "execute-api").sign("POST", url, {}, body, credentials=OPERATOR, now=time.time())


async def test_paths_below_admin_go_to_the_admin_function_and_all_others_to_the_proxy(
    gateway: Gateway, client: aiohttp.ClientSession
) -> None:
    # A greedy path variable stands for something, so /admin and /admin/ are not the admin function's.
    for path in ("/v1/models", "/", "/admin", "/admin/", "/administrators/x", "/v1/admin/x"):
        async with client.get(f"{gateway.url}{path}") as response:
            assert (response.headers["x-from"], await response.text()) == ("proxy", path)
    async with client.post(f"{gateway.url}/admin/v1/orgs?x=1", data=b"{}") as response:
        assert (response.status, response.headers["x-from"]) == (201, "admin")
        assert await response.json(content_type=None) == {
            "path": "/admin/v1/orgs",
            "resource": "/admin/{proxy+}",
            "resourcePath": "/admin/{proxy+}",
            "parameters": {"proxy": "v1/orgs"},
            "userArn": None,
            "sent": "{}",
            "same": True,
        }


async def test_behind_iam_the_function_is_told_who_has_signed(gateway: Gateway, client: aiohttp.ClientSession) -> None:
    url = f"{gateway.url}/admin-iam/v1/orgs"
    async with client.post(url, data=b"{}", headers=sign(url, b"{}")) as response:
        told = await response.json(content_type=None)
    assert told["userArn"] == "arn:aws:iam::000000000000:user/operator"
    assert told["resourcePath"] == "/admin-iam/{proxy+}"


async def test_without_a_good_signature_the_function_hears_nothing(
    gateway: Gateway, client: aiohttp.ClientSession
) -> None:
    url = f"{gateway.url}/admin-iam/v1/orgs"
    async with client.post(url) as response:
        assert response.status == 403
        assert (await response.json())["error"]["code"] == "MISSING_AUTHENTICATION_TOKEN"
    for headers in ({"authorization": "Bearer sba_x"}, sign(url, b"another body")):
        async with client.post(url, headers=headers) as response:
            assert response.status == 403
            assert (await response.json())["error"]["code"] == "INVALID_SIGNATURE"
    assert not gateway.journal.of(Moment.EVENT_GIVEN)


async def test_without_an_operator_the_iam_paths_let_nobody_in(
    make_bundle: Callable[[str], Path], client: aiohttp.ClientSession
) -> None:
    async with serving(make_bundle(TWO_FUNCTIONS)) as gateway:
        url = f"{gateway.url}/admin-iam/v1/orgs"
        async with client.post(url, headers=sign(url)) as response:
            assert response.status == 403


async def test_a_function_that_raises_is_a_502_and_serves_on(gateway: Gateway, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{gateway.url}/admin/fail") as response:
        assert response.status == 502
    assert [entry.detail for entry in gateway.journal.of(Moment.ERROR_POSTED)] == ["LookupError"]
    async with client.get(f"{gateway.url}/admin/x") as response:
        assert response.status == 201


async def test_a_function_that_cannot_be_imported_says_so(
    make_bundle: Callable[[str], Path], client: aiohttp.ClientSession
) -> None:
    async with serving(make_bundle("import json\nraise LookupError\n")) as gateway:
        async with client.get(f"{gateway.url}/admin/x") as response:
            assert response.status == 502
        assert "LookupError" in {entry.detail for entry in gateway.journal.of(Moment.INIT_FAILED)}


async def test_the_function_can_import_nothing_of_the_gateways_own_folder(
    make_bundle: Callable[[str], Path], client: aiohttp.ClientSession
) -> None:
    bundle = make_bundle("""
        import importlib.util

        def handler(event, context):
            # Both are modules that stand beside the script which plays the runtime.
            found = [name for name in ("ticket", "stock_runtime") if importlib.util.find_spec(name)]
            return {"statusCode": 200, "body": ",".join(found)}
    """)
    async with serving(bundle) as gateway, client.get(f"{gateway.url}/admin/x") as response:
        assert (response.status, await response.text()) == (200, "")
