import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from infra.aws.credentials import (
    ContainerCredentials,
    ContainerEndpoint,
    NoAwsCredentials,
    StaticCredentials,
    credential_source,
)
from infra.aws.sigv4 import AwsCredentials

Serve = Callable[[Any], AbstractAsyncContextManager[str]]

START = 1_800_000_000.0
FULL = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
RELATIVE = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Endpoint:
    """Gives keys numbered by call, good until 2027-01-15T09:00:00Z (an hour after START) at first."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str | None]] = []
        self.broken = False
        self.expiration: str | None = "2027-01-15T09:00:00Z"

    async def __call__(self, request: web.Request) -> web.Response:
        self.calls.append((request.path, request.headers.get("authorization")))
        await asyncio.sleep(0)
        if self.broken:
            return web.Response(status=500, text="secret-in-a-body")
        number = len(self.calls)
        fields = {"AccessKeyId": f"ASIA{number}", "SecretAccessKey": f"secret{number}", "Token": f"token{number}"}
        return web.json_response(fields | ({"Expiration": self.expiration} if self.expiration else {}))


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_keys_of_the_environment_come_first(session: aiohttp.ClientSession, clock: Clock) -> None:
    env = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": "T", FULL: "https://x/"}
    source = credential_source(env, session, clock=clock)
    assert source == StaticCredentials(AwsCredentials("A", "S", "T"))
    assert await source.get() == AwsCredentials("A", "S", "T")


async def test_keys_without_a_session_token(session: aiohttp.ClientSession, clock: Clock) -> None:
    env = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", "AWS_SESSION_TOKEN": ""}
    assert await credential_source(env, session, clock=clock).get() == AwsCredentials("A", "S", None)


@pytest.mark.parametrize("env", [{}, {"AWS_ACCESS_KEY_ID": "A"}, {"AWS_PROFILE": "p"}, {FULL: "", RELATIVE: ""}])
async def test_without_any_source_the_error_says_what_was_looked_for(
    session: aiohttp.ClientSession, clock: Clock, env: dict[str, str]
) -> None:
    with pytest.raises(NoAwsCredentials, match="neither access keys nor a container endpoint"):
        credential_source(env, session, clock=clock)


async def test_the_container_endpoint_is_asked_with_its_token_and_answers_once(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve
) -> None:
    endpoint = Endpoint()
    async with serve(endpoint) as url:
        env = {FULL: f"{url}/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "the-token"}
        source = credential_source(env, session, clock=clock)
        assert endpoint.calls == []
        assert await source.get() == AwsCredentials("ASIA1", "secret1", "token1", START + 3600)
        await source.get()
    assert endpoint.calls == [("/v1/credentials", "the-token")]


async def test_the_token_file_goes_before_the_token_and_is_read_anew(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve, tmp_path: Path
) -> None:
    endpoint, token_file = Endpoint(), tmp_path / "token"
    token_file.write_text("first\n")
    async with serve(endpoint) as url:
        env = {
            FULL: url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "unused",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file),
        }
        source = credential_source(env, session, clock=clock)
        await source.get()
        token_file.write_text("second")
        clock.now += 3600
        await source.get()
    assert [authorization for _, authorization in endpoint.calls] == ["first", "second"]


async def test_credentials_are_renewed_five_minutes_before_they_end(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve
) -> None:
    endpoint = Endpoint()
    async with serve(endpoint) as url:
        source = credential_source({FULL: url}, session, clock=clock)
        await source.get()
        clock.now = START + 3600 - 301
        assert (await source.get()).access_key_id == "ASIA1"
        clock.now = START + 3600 - 300
        assert (await source.get()).access_key_id == "ASIA2"
    assert endpoint.calls[0][1] is None


async def test_credentials_without_an_end_are_kept(session: aiohttp.ClientSession, clock: Clock, serve: Serve) -> None:
    endpoint = Endpoint()
    endpoint.expiration = None
    async with serve(endpoint) as url:
        source = credential_source({FULL: url}, session, clock=clock)
        await source.get()
        clock.now += 10**6
        assert (await source.get()).expires_at is None
    assert len(endpoint.calls) == 1


async def test_while_a_renewal_fails_what_still_holds_is_used(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve
) -> None:
    endpoint = Endpoint()
    async with serve(endpoint) as url:
        source = credential_source({FULL: url}, session, clock=clock)
        await source.get()
        endpoint.broken = True
        clock.now = START + 3599
        assert (await source.get()).access_key_id == "ASIA1"
        clock.now = START + 3600
        with pytest.raises(NoAwsCredentials, match="answered 500") as caught:
            await source.get()
        assert "secret" not in str(caught.value)


async def test_requests_at_the_same_time_share_one_fetch(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve
) -> None:
    endpoint = Endpoint()
    async with serve(endpoint) as url:
        source = credential_source({FULL: url}, session, clock=clock)
        got = await asyncio.gather(*(source.get() for _ in range(10)))
    assert len(endpoint.calls) == 1
    assert {credentials.access_key_id for credentials in got} == {"ASIA1"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'"secret"',
        b"\xff",
        json.dumps({"AccessKeyId": "A"}).encode(),
        json.dumps({"AccessKeyId": "A", "SecretAccessKey": "secret", "Expiration": "tomorrow"}).encode(),
        json.dumps({"AccessKeyId": "A", "SecretAccessKey": "secret", "Expiration": 5}).encode(),
    ],
)
async def test_an_answer_that_holds_no_credentials_is_an_error_that_quotes_nothing(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve, body: bytes
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body)

    async with serve(answer) as url:
        with pytest.raises(NoAwsCredentials, match="something else than credentials") as caught:
            await credential_source({FULL: url}, session, clock=clock).get()
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


async def test_an_endpoint_that_nobody_serves_is_an_error(
    session: aiohttp.ClientSession, clock: Clock, serve: Serve
) -> None:
    async with serve(Endpoint()) as url:
        pass
    with pytest.raises(NoAwsCredentials, match="failed: ClientConnectorError"):
        await credential_source({FULL: url}, session, clock=clock).get()


async def test_a_redirect_is_not_followed(session: aiohttp.ClientSession, clock: Clock, serve: Serve) -> None:
    endpoint = Endpoint()

    async def redirect(_: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": elsewhere})

    async with serve(endpoint) as elsewhere, serve(redirect) as url:
        with pytest.raises(NoAwsCredentials, match="answered 302"):
            await credential_source({FULL: url}, session, clock=clock).get()
    assert endpoint.calls == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "ftp://x/",
        "not a url",
    ],
)
async def test_the_token_goes_over_plain_http_to_no_other_host(
    session: aiohttp.ClientSession, clock: Clock, url: str
) -> None:
    with pytest.raises(NoAwsCredentials, match="neither https nor a loopback or container agent address"):
        credential_source({FULL: url}, session, clock=clock)


@pytest.mark.parametrize(
    "url",
    ["https://x/", "http://localhost/", "http://127.0.0.7:1/", "http://[::1]/", "http://169.254.170.23/v1/credentials",
     "http://[fd00:ec2::23]/v1", "http://169.254.170.2/v2"],
)  # fmt: skip
async def test_the_hosts_that_the_aws_sdks_allow_are_allowed(
    session: aiohttp.ClientSession, clock: Clock, url: str
) -> None:
    assert isinstance(credential_source({FULL: url}, session, clock=clock), ContainerCredentials)


async def test_the_relative_uri_is_one_of_the_ecs_agent_and_goes_first(
    session: aiohttp.ClientSession, clock: Clock
) -> None:
    source = credential_source({RELATIVE: "/v2/creds", FULL: "http://example.com/"}, session, clock=clock)
    assert isinstance(source, ContainerCredentials)
    assert source._endpoint == ContainerEndpoint("http://169.254.170.2/v2/creds")


@pytest.mark.parametrize("content", [None, b"two\nlines", b"\xff\xfe"])
def test_a_token_file_that_cannot_serve_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(NoAwsCredentials, match="authorization token"):
        ContainerEndpoint("http://localhost/", None, tmp_path / "token").authorization()


def test_the_token_shows_in_no_repr() -> None:
    assert "the-token" not in repr(ContainerEndpoint("http://localhost/", "the-token"))
