"""What the simulator remembers and how a test steers it: requests, departures, gates, delays, the way it stops."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.simulator import Hang, Simulator
from tests.simulator.server import Listener

if TYPE_CHECKING:
    from openai import AsyncOpenAI

    from tests.simulator import Seen
    from tests.simulator.reply import Reply

MESSAGES: list[Any] = [{"role": "user", "content": "Write 5 words"}]
SCRIPT: dict[str, Any] = {"model": "gpt-4o", "messages": MESSAGES}
KEY = {"authorization": "Bearer sk-very-secret"}


async def test_every_request_is_recorded_and_none_is_printed(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    url = simulator.url("openai") + "/chat/completions?trace=1"
    async with http.post(url, json=SCRIPT, headers=KEY | {"X-Test": "Two"}) as response:
        assert response.status == 200
    async with http.get(simulator.url("anthropic") + "/v2/nothing") as response:
        assert response.status == 404
        assert (await response.json())["error"]["type"] == "not_found_error"
    first, second = await simulator.seen(2)
    assert (first.method, first.path, first.request.target) == (
        "POST",
        "/v1/chat/completions",
        url.split("0.0.1")[1][6:],
    )
    assert first.headers["x-test"] == "Two"
    assert ("X-Test", "Two") in first.request.headers
    assert first.json == SCRIPT
    assert (first.status, second.status, first.client_gone) == (200, 404, False)
    assert (simulator.calls(), simulator.calls("openai"), simulator.calls("perplexity")) == (2, 1, 0)
    assert "secret" not in repr(first)
    assert "words" not in repr(first)
    simulator.forget()
    assert simulator.calls() == 0


async def test_seen_waits_for_the_request_that_has_not_come_yet(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    waiting = asyncio.create_task(simulator.seen(1, "perplexity"))
    await asyncio.sleep(0)
    assert not waiting.done()
    async with http.post(simulator.url("openai") + "/chat/completions", json=SCRIPT, headers=KEY):
        pass
    assert not waiting.done()
    async with http.post(simulator.url("perplexity") + "/chat/completions", json=SCRIPT, headers=KEY):
        pass
    assert [seen.provider for seen in await waiting] == ["perplexity"]


async def test_a_held_stream_goes_on_piece_by_piece(simulator: Simulator, openai: AsyncOpenAI) -> None:
    simulator.hold()
    stream = await openai.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    await simulator.gate.reached()
    assert simulator.requests[0].pieces_sent == 0
    chunks = aiter(stream)
    for expected in (1, 2, 3):
        await simulator.step()
        await anext(chunks)
        assert simulator.requests[0].pieces_sent == expected
        await simulator.gate.reached()
    simulator.release()
    rest = [chunk async for chunk in chunks]
    assert rest[-1].choices[0].finish_reason == "stop"


async def test_a_client_that_leaves_a_held_stream_is_noticed_at_once(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.hold()
    url = simulator.url("openai") + "/chat/completions"
    async with http.post(url, json=SCRIPT | {"stream": True}, headers=KEY) as response:
        await simulator.step(2)
        await simulator.gate.reached()
        response.close()
    seen = await simulator.requests[0].finished()
    assert seen.client_gone
    assert seen.pieces_sent == 2
    assert seen.arrived_at <= seen.client_gone_at <= seen.finished_at <= time.monotonic()  # type: ignore[operator]


async def test_many_answers_at_once_do_not_disturb_one_another(simulator: Simulator, openai: AsyncOpenAI) -> None:
    async def ask(word: str) -> str | None:
        messages: list[Any] = [{"role": "user", "content": f"Repeat: {word}"}]
        answer = await openai.chat.completions.create(model="gpt-4o", messages=messages)
        return answer.choices[0].message.content

    words = [f"word {index}" for index in range(20)]
    assert await asyncio.gather(*(ask(word) for word in words)) == words
    assert simulator.calls() == 20


async def test_one_connection_carries_many_requests(simulator: Simulator) -> None:
    url = simulator.url("openai") + "/chat/completions"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        ports = set()
        for stream in (False, True, False):
            async with session.post(url, json=SCRIPT | {"stream": stream}, headers=KEY) as response:
                assert response.connection is not None or stream is False
                ports.add(response.connection.transport.get_extra_info("sockname") if response.connection else None)  # type: ignore[union-attr]
                await response.read()
    assert len(ports - {None}) == 1


async def test_the_model_takes_its_time_when_told_to() -> None:
    async with Simulator(first_token_ms=30, per_token_ms=4) as simulator, aiohttp.ClientSession() as session:
        url = simulator.url("openai") + "/chat/completions"
        started = time.monotonic()
        async with session.post(url, json=SCRIPT, headers=KEY) as response:
            tokens = (await response.json())["usage"]["completion_tokens"]
    assert time.monotonic() - started >= (30 + (tokens - 1) * 4) / 1000


async def test_stopping_ends_what_hangs(http: aiohttp.ClientSession) -> None:
    async def ask(url: str) -> int:
        async with http.post(url + "/chat/completions", json=SCRIPT, headers=KEY) as response:
            return response.status

    async with Simulator() as simulator:
        simulator.next(Hang())
        asked = asyncio.create_task(ask(simulator.url("openai")))
        (seen,) = await simulator.seen()
        await seen.hanging()
    with pytest.raises(aiohttp.ClientError):
        await asked


async def test_a_bug_in_an_answer_closes_the_connection_and_comes_out_at_the_end(http: aiohttp.ClientSession) -> None:
    def fail(_seen: Seen) -> Reply:
        raise ZeroDivisionError

    listener = Listener("broken", fail)
    await listener.start()
    with pytest.raises(aiohttp.ClientError):
        await http.post(listener.origin, data=b"{}")
    with pytest.raises(ZeroDivisionError):
        await listener.stop()


@pytest.mark.parametrize(
    "sent", [b"NONSENSE\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\ncontent-length: x\r\n\r\n"]
)
async def test_what_is_not_http_is_hung_up_on(simulator: Simulator, sent: bytes) -> None:
    host, port = simulator.url("anthropic").removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    assert simulator.calls() == 0


async def test_where_to_find_it_is_told_in_the_words_of_the_sdks(simulator: Simulator) -> None:
    environment = simulator.environment()
    assert set(environment) == {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "PERPLEXITY_BASE_URL"}
    assert environment["OPENAI_BASE_URL"].endswith("/v1")
    assert len({url.removesuffix("/v1") for url in environment.values()}) == 3
    with pytest.raises(RuntimeError, match="not running"):
        Simulator().url("openai")
