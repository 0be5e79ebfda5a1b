import asyncio
import json
import socket
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from infra.aws.credentials import NoAwsCredentials, StaticCredentials
from infra.aws.json_client import DYNAMODB, SECRETS_MANAGER, AwsError, AwsJsonClient, AwsService, endpoint_url
from infra.aws.sigv4 import AwsCredentials, Signer

Serve = Callable[[Any], AbstractAsyncContextManager[str]]

NOW = 1_800_000_000.0
KEYS = AwsCredentials("AKIAEXAMPLE", "the-secret-key", "the-session-token")


class Script:
    """Answers with each given response in turn; the last one stays."""

    def __init__(self, *responses: tuple[int, Any] | None) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[web.Request, bytes]] = []

    async def __call__(self, request: web.Request) -> web.Response:
        self.requests.append((request, await request.read()))
        response = self.responses.pop(0) if len(self.responses) > 1 else self.responses[0]
        if response is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        status, body = response
        return web.Response(
            status=status,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"x-amzn-requestid": "REQ1"},
            content_type="application/x-amz-json-1.0",
        )


def make_client(
    session: aiohttp.ClientSession, url: str, service: AwsService = DYNAMODB, **options: Any
) -> AwsJsonClient:
    return AwsJsonClient(
        session,
        options.pop("credentials", StaticCredentials(KEYS)),
        service,
        region="eu-central-1",
        endpoint=f"{url}/",
        clock=lambda: NOW,
        jitter=options.pop("jitter", lambda: 0.0),
        **options,
    )


def _throttled(code: str = "ProvisionedThroughputExceededException") -> tuple[int, Any]:
    return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "slow down"}


async def test_a_call_is_signed_json_and_gives_the_answer(session: aiohttp.ClientSession, serve: Serve) -> None:
    script = Script((200, {"Item": {"id": {"B": "AA=="}}}))
    async with serve(script) as url:
        answer = await make_client(session, url).call("GetItem", {"TableName": "t", "Key": {"id": {"B": "AA=="}}})
        assert answer == {"Item": {"id": {"B": "AA=="}}}
        (request, body) = script.requests[0]
        assert (request.method, request.path_qs) == ("POST", "/")
        assert json.loads(body) == {"TableName": "t", "Key": {"id": {"B": "AA=="}}}
        sent = {"content-type": "application/x-amz-json-1.0", "x-amz-target": "DynamoDB_20120810.GetItem"}
        signed = Signer("eu-central-1", "dynamodb").sign("POST", f"{url}/", sent, body, credentials=KEYS, now=NOW)
        assert {name: request.headers[name] for name in signed} == signed
        # What was signed as host is what went over the wire.
        assert request.headers["host"] == url.removeprefix("http://")
        assert request.headers["accept-encoding"] == "identity"


async def test_secrets_manager_speaks_version_1_1(session: aiohttp.ClientSession, serve: Serve) -> None:
    script = Script((200, {}))
    async with serve(script) as url:
        await make_client(session, url, SECRETS_MANAGER).call("GetSecretValue", {"SecretId": "s"})
    headers = script.requests[0][0].headers
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert headers["x-amz-target"] == "secretsmanager.GetSecretValue"
    assert "/eu-central-1/secretsmanager/aws4_request" in headers["authorization"]


@pytest.mark.parametrize(
    "passing",
    [_throttled(), _throttled("ThrottlingException"), (429, {}), (500, {}), (503, b"<html>"), None],
    ids=["throughput", "throttling", "429", "500", "503", "reset"],
)
async def test_what_may_pass_is_tried_again(
    session: aiohttp.ClientSession, serve: Serve, passing: tuple[int, Any] | None
) -> None:
    script = Script(passing, passing, (200, {"ok": True}))
    async with serve(script) as url:
        assert await make_client(session, url).call("GetItem", {}) == {"ok": True}
    assert len(script.requests) == 3


async def test_a_call_is_tried_three_times_at_most(session: aiohttp.ClientSession, serve: Serve) -> None:
    script = Script(_throttled())
    async with serve(script) as url:
        with pytest.raises(AwsError) as caught:
            await make_client(session, url).call("PutItem", {})
    assert len(script.requests) == 3
    assert caught.value.code == "ProvisionedThroughputExceededException"
    assert str(caught.value) == "PutItem: ProvisionedThroughputExceededException (HTTP 400, request id REQ1)"


async def test_what_will_not_pass_is_not_tried_again(session: aiohttp.ClientSession, serve: Serve) -> None:
    script = Script((400, {"__type": "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException"}))
    async with serve(script) as url:
        with pytest.raises(AwsError) as caught:
            await make_client(session, url).call("GetItem", {})
    assert len(script.requests) == 1
    error = caught.value
    assert (error.operation, error.status, error.code, error.request_id, error.retryable) == (
        "GetItem",
        400,
        "ResourceNotFoundException",
        "REQ1",
        False,
    )


async def test_every_pause_is_drawn_anew_and_none_follows_the_last_try(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    def jitter() -> float:
        asked.append(len(script.requests))
        return 0.0

    asked: list[int] = []
    script = Script(_throttled())
    async with serve(script) as url:
        with pytest.raises(AwsError):
            await make_client(session, url, jitter=jitter, attempts=5).call("GetItem", {})
    # One draw before each new try, none after the last.
    assert asked == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("headers", "body", "code"),
    [
        ({}, b'{"__type":"com.amazon.coral.validate#ValidationException","message":"m"}', "ValidationException"),
        ({}, b'{"__type":"InvalidSignatureException"}', "InvalidSignatureException"),
        ({}, b'{"code":"AccessDeniedException"}', "AccessDeniedException"),
        ({"x-amzn-errortype": "FooException:http://internal.amazon.com/coral/"}, b"{}", "FooException"),
        ({"x-amzn-errortype": "a#FooException"}, b'{"__type":"Other"}', "FooException"),
        ({}, b"<html>bad gateway</html>", "Unknown"),
        ({}, b"[]", "Unknown"),
        ({}, b'{"__type":5}', "Unknown"),
        ({}, b"", "Unknown"),
        ({}, b"\xff", "Unknown"),
    ],
)
async def test_the_error_code_of_every_form_in_which_aws_gives_it(
    session: aiohttp.ClientSession, serve: Serve, headers: dict[str, str], body: bytes, code: str
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=400, body=body, headers=headers)

    async with serve(answer) as url:
        with pytest.raises(AwsError) as caught:
            await make_client(session, url).call("GetItem", {})
    assert (caught.value.code, caught.value.request_id) == (code, "")


async def test_an_error_never_repeats_what_aws_says_about_the_signature(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    message = "The Canonical String for this request should have been 'x-amz-security-token:the-session-token'"
    async with serve(Script((400, {"__type": "x#InvalidSignatureException", "message": message}))) as url:
        with pytest.raises(AwsError) as caught:
            await make_client(session, url).call("GetItem", {})
    for text in (str(caught.value), repr(caught.value), repr(caught.value.__cause__)):
        assert "the-session-token" not in text


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'"secret"', b"null", b"\xff"])
async def test_an_answer_that_is_no_json_object_is_an_error(
    session: aiohttp.ClientSession, serve: Serve, body: bytes
) -> None:
    script = Script((200, body))
    async with serve(script) as url:
        with pytest.raises(AwsError, match="MalformedAnswer") as caught:
            await make_client(session, url).call("GetSecretValue", {})
    assert len(script.requests) == 1
    assert caught.value.__cause__ is None


async def test_an_answer_that_does_not_come_is_given_up_after_the_timeout(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    never = asyncio.Event()
    calls = 0

    async def answer(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        await never.wait()
        return web.Response()

    async with serve(answer) as url:
        with pytest.raises(AwsError, match=r"GetItem: \w*Timeout\w* \(no answer\)"):
            await make_client(session, url, timeout=0.05, attempts=2).call("GetItem", {})
        never.set()
    assert calls == 2


async def test_an_endpoint_that_nobody_serves_is_an_error(session: aiohttp.ClientSession) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(AwsError) as caught:
            await make_client(session, f"http://127.0.0.1:{unused.getsockname()[1]}").call("GetItem", {})
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (0, "ClientConnectorError", True)


async def test_missing_credentials_are_told_as_such_and_nothing_is_sent(
    session: aiohttp.ClientSession, serve: Serve
) -> None:
    class Nothing:
        async def get(self) -> AwsCredentials:
            raise NoAwsCredentials("none")

    script = Script((200, {}))
    async with serve(script) as url:
        with pytest.raises(NoAwsCredentials):
            await make_client(session, url, credentials=Nothing()).call("GetItem", {})
    assert script.requests == []


@pytest.mark.parametrize(
    ("service", "region", "env", "url"),
    [
        (DYNAMODB, "eu-central-1", {}, "https://dynamodb.eu-central-1.amazonaws.com/"),
        (SECRETS_MANAGER, "us-east-1", {}, "https://secretsmanager.us-east-1.amazonaws.com/"),
        (DYNAMODB, "cn-north-1", {}, "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
        (DYNAMODB, "r", {"AWS_ENDPOINT_URL": "http://localhost:4566"}, "http://localhost:4566/"),
        (
            DYNAMODB,
            "r",
            {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:8000/"},
            "http://127.0.0.1:8000/",
        ),
        (
            SECRETS_MANAGER,
            "r",
            {"AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://s", "AWS_ENDPOINT_URL_DYNAMODB": "http://d"},
            "http://s/",
        ),
        (DYNAMODB, "r", {"AWS_ENDPOINT_URL": ""}, "https://dynamodb.r.amazonaws.com/"),
    ],
)
def test_where_the_calls_go(service: AwsService, region: str, env: dict[str, str], url: str) -> None:
    assert endpoint_url(service, region, env) == url


def test_the_clock_of_the_tests_is_not_the_wall_clock() -> None:
    # Signatures above are compared for NOW; were it the present, a client with a clock of its own would pass too.
    assert abs(time.time() - NOW) > 3600
