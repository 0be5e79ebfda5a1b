"""Providers that do not answer, or not soon, and clients that do not wait for it."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from tests.contract.rig import PROVIDERS, bearer, body_of
from tests.simulator import Hang, Say, Simulator, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aiohttp

    from handlers.services import Services
    from tests.contract.rig import Sabir

# Seconds that a test gives to what must not take any.
PATIENCE: Final = 20.0
Start = Any


async def error_of(http: aiohttp.ClientSession, sabir: Sabir, provider: str, *, stream: bool) -> tuple[int, Any]:
    async with http.post(sabir.completions, json=body_of(provider, stream=stream), headers=bearer(provider)) as answer:
        return answer.status, json.loads(await answer.read())["error"]


@pytest.fixture
def closed_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def deaf_port() -> Iterator[int]:
    """A port whose queue of connections is full: one more is neither taken nor refused."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for client in (first, second):
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(listener.getsockname())
        yield listener.getsockname()[1]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_refused_connection_is_a_502(
    start: Start, http: aiohttp.ClientSession, closed_port: int, provider: str, stream: bool
) -> None:
    sabir = await start({f"{provider.upper()}_BASE_URL": f"http://127.0.0.1:{closed_port}"})
    status, error = await error_of(http, sabir, provider, stream=stream)
    assert (status, error["code"], error["type"]) == (502, "upstream_unreachable", "server_error")
    assert str(closed_port) not in error["message"]


async def test_a_host_that_does_not_exist_is_a_502(start: Start, http: aiohttp.ClientSession) -> None:
    sabir = await start({"OPENAI_BASE_URL": "http://nowhere.invalid/v1"})
    status, error = await error_of(http, sabir, "openai", stream=False)
    assert (status, error["code"]) == (502, "upstream_unreachable")
    assert "nowhere" not in error["message"]


async def test_a_connection_that_is_not_taken_in_time_is_a_504(
    start: Start, http: aiohttp.ClientSession, deaf_port: int
) -> None:
    sabir = await start(
        {"OPENAI_BASE_URL": f"http://127.0.0.1:{deaf_port}/v1", "SABIR_TIMEOUT_CONNECT_SECONDS": "0.05"}
    )
    status, error = await error_of(http, sabir, "openai", stream=False)
    assert (status, error["code"]) == (504, "upstream_timeout")


@pytest.mark.parametrize("limit", ["IDLE", "TOTAL"])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hang", [Hang(), Hang(after=0)], ids=["before-the-head", "behind-the-head"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_silence_before_the_first_token_is_a_504(
    start: Start,
    simulator: Simulator,
    http: aiohttp.ClientSession,
    provider: str,
    hang: Hang,
    stream: bool,
    limit: str,
) -> None:
    simulator.next(hang)
    sabir = await start({f"SABIR_TIMEOUT_{limit}_SECONDS": "0.05"})
    status, error = await error_of(http, sabir, provider, stream=stream)
    assert (status, error["code"], error["type"]) == (504, "upstream_timeout", "server_error")
    assert (await sabir.log.last(1)).error == "upstream_timeout"
    (seen,) = simulator.requests
    await asyncio.wait_for(seen.finished(), PATIENCE)
    assert seen.client_gone


async def drain(stream: Any, said: list[str]) -> None:
    async for chunk in stream:
        piece = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        said.append(piece)


@pytest.mark.parametrize("limit", ["IDLE", "TOTAL"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_silence_in_the_midst_of_a_stream_is_an_error_in_the_stream(
    start: Start, simulator: Simulator, provider: str, limit: str
) -> None:
    simulator.next(Hang(after=8))
    sabir = await start({f"SABIR_TIMEOUT_{limit}_SECONDS": "0.5"})
    stream = await sabir.client_of(provider).chat.completions.create(**body_of(provider, stream=True))
    said: list[str] = []
    with pytest.raises(openai.APIError) as raised:
        await drain(stream, said)
    assert "".join(said)
    assert raised.value.code == "upstream_timeout"
    (seen,) = simulator.requests
    await asyncio.wait_for(seen.finished(), PATIENCE)
    assert seen.client_gone
    record = await sabir.log.last(1)
    assert (record.status, record.error, record.stored) == (200, "upstream_timeout", "incomplete")


async def test_a_key_does_not_follow_a_redirect(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with Simulator() as elsewhere:
        for number, status in enumerate((301, 302, 303, 307, 308), start=1):
            location = elsewhere.url("openai") + "/chat/completions"
            simulator.next(Status(status, headers=(("location", location),)))
            given, error = await error_of(http, sabir, "openai", stream=False)
            assert (given, error["code"]) == (502, "upstream_protocol_error")
            assert "location" not in error["message"]
            assert simulator.calls() == number
        assert elsewhere.calls() == 0


# --- clients that leave -----------------------------------------------------------------------------------------------


async def assert_let_go(sabir: Sabir, simulator: Simulator) -> None:
    (seen,) = simulator.requests
    await asyncio.wait_for(seen.finished(), PATIENCE)
    assert seen.client_gone
    record = await sabir.log.last(1)
    assert (record.error, record.stored, record.bug) == ("client_gone", None, ())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("hang", [Hang(), Hang(after=0)], ids=["before-the-head", "behind-the-head"])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_40_a_client_that_leaves_early_leaves_no_call_behind(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str, hang: Hang, stream: bool
) -> None:
    simulator.next(hang)
    asking = asyncio.create_task(error_of(http, sabir, provider, stream=stream))
    (seen,) = await simulator.seen()
    await asyncio.wait_for(seen.hanging(), PATIENCE)
    asking.cancel()
    with suppress(asyncio.CancelledError):
        await asking
    await assert_let_go(sabir, simulator)


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_40_a_client_that_leaves_in_the_midst_of_a_stream_ends_it_at_the_provider(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    simulator.next(Hang(after=8))
    answer = await http.post(sabir.completions, json=body_of(provider, stream=True), headers=bearer(provider))
    assert await answer.content.readany()
    answer.close()
    await assert_let_go(sabir, simulator)
    # Nothing of it was kept, and the next request finds all in order.
    async with http.post(sabir.completions, json=body_of(provider, stream=False), headers=bearer(provider)) as answer:
        assert (answer.status, answer.headers["x-bt-cached"]) == (200, "MISS")


async def test_pitfall_40_the_sdks_own_way_to_leave_a_stream_is_one(sabir: Sabir, simulator: Simulator) -> None:
    simulator.next(Hang(after=8))
    stream = await sabir.client_of("openai").chat.completions.create(**body_of("openai", stream=True))
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            break
    await stream.close()
    await assert_let_go(sabir, simulator)


async def test_a_client_that_leaves_before_its_request_is_whole_is_no_error_of_anybody(
    sabir: Sabir, simulator: Simulator
) -> None:
    host, port = sabir.origin.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: 100\r\n\r\n"
    writer.write(head.encode() + b'{"model"')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    record = await sabir.log.last(1)
    assert (record.error, record.status, record.bug) == ("client_gone", None, ())
    assert simulator.calls() == 0


async def test_a_client_that_leaves_after_its_answer_has_it_stored(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    headers = {**bearer("openai"), "connection": "close"}
    async with http.post(sabir.completions, json=body_of("openai", stream=True), headers=headers) as answer:
        assert (await answer.read()).endswith(b"[DONE]\n\n")
    record = await sabir.log.last(1)
    assert (record.error, record.stored) == (None, "stored")


async def test_a_client_that_does_not_read_does_not_hold_the_provider_for_ever(
    start: Start, simulator: Simulator
) -> None:
    def hasty(services: Services) -> Services:
        limits = replace(services.settings.timeouts, total=0.4, unread=0.1)
        return replace(services, settings=replace(services.settings, timeouts=limits))

    sabir = await start(change=hasty)
    # Each of its chunks repeats all that was said: some 15 MB, more than the sockets on the way hold.
    simulator.next(Say("word " * 2000))
    host, port = sabir.origin.removeprefix("http://").split(":")
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    with closing(deaf):
        loop = asyncio.get_running_loop()
        await loop.sock_connect(deaf, (host, int(port)))
        body = json.dumps(body_of("perplexity", stream=True)).encode()
        key = bearer("perplexity")["authorization"]
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        await loop.sock_sendall(deaf, head.encode() + body)
        record = await sabir.log.last(1)
        assert (record.error, record.stored, record.bug) == ("client_gone", None, ())
        (seen,) = simulator.requests
        await asyncio.wait_for(seen.finished(), PATIENCE)
