"""What a token endpoint answers, and what becomes of it."""

from __future__ import annotations

import asyncio
import traceback
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from infra.auth.exchange import Grant, exchange
from providers.errors import UpstreamAuth, UpstreamDown, UpstreamProtocolError
from tests.infra.auth.desk import NOW, Clock, TokenDesk

if TYPE_CHECKING:
    from infra.auth.tokens import Token

FORM = {"assertion": "signed-and-secret"}


async def asked(url: str, session: aiohttp.ClientSession) -> Token:
    return await exchange(Grant("The issuer", url, FORM), session, provider="vertex", clock=Clock())


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": "invalid_grant", "error_description": "signed-and-secret is no good"}, "invalid_grant"),
        (401, {"error": "invalid_client", "error_codes": [7000215]}, "invalid_client"),
        (403, {"error": {"message": "signed-and-secret"}}, "status 403"),
        (400, {"error": "signed-and-secret"}, "status 400"),
        (404, ["signed-and-secret"], "status 404"),
        (302, {}, "status 302"),
    ],
)
async def test_a_refusal_is_told_by_its_code_alone(
    desk: TokenDesk, session: aiohttp.ClientSession, status: int, body: Any, reason: str
) -> None:
    desk.answers = [web.json_response(body, status=status, headers={"location": desk.origin + "/elsewhere"})]
    with pytest.raises(UpstreamAuth) as refused:
        await asked(desk.origin + "/token", session)
    assert str(refused.value) == f"The issuer refused the credential for vertex: {reason}"
    assert (refused.value.provider, refused.value.code) == ("vertex", "invalid_credential")
    assert "signed-and-secret" not in "".join(traceback.format_exception(refused.value))
    assert desk.paths == ["/token"]  # a redirect is not followed: what is sent is a credential


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failing_endpoint_is_an_outage_which_another_way_may_answer(
    desk: TokenDesk, session: aiohttp.ClientSession, status: int
) -> None:
    desk.answers = [web.Response(status=status, text="<html>")]
    with pytest.raises(UpstreamDown) as failed:
        await asked(desk.origin, session)
    assert (failed.value.status, failed.value.code) == (502, "token_endpoint_failed")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"access_token": "t"}',
        b'{"access_token": "t", "expires_in": 0}',
        b'{"access_token": "t", "expires_in": -5}',
        b'{"access_token": "t", "expires_in": true}',
        b'{"access_token": "t", "expires_in": "soon"}',
        b'{"access_token": "t", "expires_in": NaN}',
        b'{"access_token": "", "expires_in": 60}',
        b'{"access_token": 5, "expires_in": 60}',
        b'{"access_token": "a\\r\\nhost: evil", "expires_in": 60}',
        b'{"access_token": "a b", "expires_in": 60}',
        b'{"access_token": "' + b"t" * 70_000 + b'", "expires_in": 60}',
        b"[" * 60_000,
    ],
    ids=lambda body: body[:50].decode(),
)
async def test_what_is_no_token_is_no_token(desk: TokenDesk, session: aiohttp.ClientSession, body: bytes) -> None:
    desk.answers = [web.Response(body=body)]
    with pytest.raises(UpstreamProtocolError, match="something else than an access token"):
        await asked(desk.origin, session)


@pytest.mark.parametrize(
    ("seconds", "ends"),
    [("3599", 3599), (3599, 3599), (3599.5, 3599.5), (10**9, 86_400), (float("inf"), 86_400)],
)
async def test_a_lifetime_is_a_number_also_as_text_and_no_longer_than_a_day(
    desk: TokenDesk, session: aiohttp.ClientSession, seconds: object, ends: float
) -> None:
    desk.answers = [web.json_response({"access_token": "t", "expires_in": seconds})]
    assert (await asked(desk.origin, session)).expires_at == NOW + ends


async def test_an_endpoint_that_nobody_answers_at_is_an_outage(session: aiohttp.ClientSession) -> None:
    with pytest.raises(UpstreamDown) as failed:
        await asked("http://127.0.0.1:1/token", session)
    assert (failed.value.status, failed.value.code) == (502, "token_endpoint_unreachable")


async def test_an_endpoint_that_is_too_slow_is_an_outage(desk: TokenDesk) -> None:
    class Hasty(aiohttp.TCPConnector):
        async def connect(self, *args: Any, **options: Any) -> Any:
            raise TimeoutError

    async with aiohttp.ClientSession(connector=Hasty()) as session:
        with pytest.raises(UpstreamDown) as failed:
            await asked(desk.origin, session)
    assert failed.value.status == 504


@pytest.mark.parametrize(("hang_ups", "found"), [(1, True), (2, False)])
async def test_a_connection_that_ends_without_an_answer_is_tried_once_more(
    session: aiohttp.ClientSession, hang_ups: int, found: bool
) -> None:
    seen = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal seen
        seen += 1
        await reader.readuntil(b"\r\n\r\n")
        if seen > hang_ups:
            body = b'{"access_token":"t","expires_in":60}'
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body) + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        if found:
            assert (await asked(url, session)).value == "t"
        else:
            with pytest.raises(UpstreamDown):
                await asked(url, session)
    assert seen == 2
