"""What each fault does to the bytes, seen by a client that hides nothing."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.simulator import (
    LEAKED,
    Chunks,
    Cut,
    Fault,
    Garbage,
    Gzip,
    Hang,
    HtmlPage,
    Leaky,
    MalformedFrame,
    NoEndMark,
    NotJson,
    OddSse,
    Reset,
    Status,
    StreamError,
    Tomorrow,
)
from tests.simulator.providers import PROVIDERS

if TYPE_CHECKING:
    from tests.simulator import Simulator

HEADERS = {"authorization": "Bearer k", "x-api-key": "k", "anthropic-version": "2023-06-01"}
BODIES: dict[str, dict[str, Any]] = {
    "openai": {"model": "gpt-4o"},
    "anthropic": {"model": "claude-sonnet-4-6", "max_tokens": 900},
    "perplexity": {"model": "sonar"},
}
END_MARKS = {"openai": b"[DONE]", "anthropic": b"message_stop", "perplexity": b'"finish_reason": "stop"'}


class Client:
    """Sends one request and gives back what came, however it ended."""

    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession, provider: str) -> None:
        self._simulator, self._session, self._provider = simulator, session, provider

    def post(self, *, stream: bool = True) -> Any:
        url = self._simulator.url(self._provider).removesuffix("/v1") + PROVIDERS[self._provider].path
        messages = [{"role": "user", "content": "Write 24 words"}]
        body = BODIES[self._provider] | {"messages": messages, "stream": stream}
        return self._session.post(url, json=body, headers=HEADERS)

    async def read(self, *faults: Fault, stream: bool = True) -> bytes:
        self._simulator.next(*faults, provider=self._provider)
        async with self.post(stream=stream) as response:
            return bytes(await response.read())

    async def until_broken(self, *faults: Fault) -> tuple[bytes, aiohttp.ClientError]:
        """What came before the connection broke, and how it broke."""
        self._simulator.next(*faults, provider=self._provider)
        received = bytearray()
        with pytest.raises(aiohttp.ClientError) as caught:
            await self._receive(received)
        return bytes(received), caught.value

    async def _receive(self, received: bytearray) -> None:
        async with self.post() as response:
            async for data in response.content.iter_any():
                received += data


@pytest.fixture(params=sorted(PROVIDERS))
def client(request: pytest.FixtureRequest, simulator: Simulator, http: aiohttp.ClientSession) -> Client:
    return Client(simulator, http, request.param)


@pytest.fixture
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["client"])


def texts(body: bytes) -> list[str]:
    """The data of each event, read as the HTML Standard says (§9.2.6): any line end, lines of data joined by LF."""
    lines = body.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    events: list[str] = []
    data: list[bytes] = []
    for line in lines:
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif not line and data:
            events.append(b"\n".join(data).decode())
            data = []
    return events


async def test_orders_are_met_in_turn_and_only_by_the_provider_they_name(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    simulator.next(Status(503), provider="anthropic")
    simulator.next(Status(429), times=2)
    asked = ("openai", "perplexity", "openai", "anthropic", "anthropic")
    statuses = []
    for name in asked:
        async with Client(simulator, http, name).post() as response:
            statuses.append(response.status)
    assert statuses == [429, 429, 200, 503, 200]
    assert [seen.status for seen in simulator.requests] == statuses


async def test_a_page_of_the_load_balancer_and_a_200_that_is_not_json(client: Client) -> None:
    assert (await client.read(HtmlPage(502))).startswith(b"<html>")
    with pytest.raises(json.JSONDecodeError):
        json.loads(await client.read(NotJson()))


async def test_the_error_in_a_stream_is_its_last_event(client: Client, provider: str) -> None:
    body = await client.read(StreamError(after=2, overloaded=True))
    *_, last = texts(body)
    assert "error" in json.loads(last)
    assert len(texts(body)) == 3
    assert (b"event: error" in body) == (provider == "anthropic")
    assert END_MARKS[provider] not in body


async def test_a_malformed_event_and_garbage_stand_among_good_ones(client: Client, provider: str) -> None:
    broken = await client.read(MalformedFrame(after=1))
    with pytest.raises(json.JSONDecodeError):
        json.loads(texts(broken)[1])
    assert END_MARKS[provider] in broken
    garbage = await client.read(Garbage(after=1))
    with pytest.raises(UnicodeDecodeError):
        garbage.decode()


async def test_without_its_end_mark_a_stream_still_ends_properly(client: Client, provider: str) -> None:
    assert END_MARKS[provider] in await client.read()
    assert END_MARKS[provider] not in await client.read(NoEndMark())


def meaning(provider: str, data: list[str]) -> str:
    said = ""
    for payload in (json.loads(text) for text in data if text != "[DONE]"):
        if provider == "anthropic":
            said += payload.get("delta", {}).get("text", "") if payload["type"] == "content_block_delta" else ""
        else:
            said += (payload["choices"][0]["delta"].get("content") or "") if payload["choices"] else ""
    return said


async def test_odd_but_legal_sse_means_the_same(client: Client, provider: str) -> None:
    plain, odd = await client.read(), await client.read(OddSse())
    assert odd.startswith(b"\xef\xbb\xbf")
    assert {b"\r\r", b"\r\n\r\n", b"\n\n"} <= {end for end in (b"\r\r", b"\r\n\r\n", b"\n\n") if end in odd}
    assert meaning(provider, texts(odd)) == meaning(provider, texts(plain))
    assert len(texts(odd)) == len(texts(plain))


async def test_what_tomorrow_adds_changes_nothing_of_today(client: Client, provider: str) -> None:
    plain, tomorrow = await client.read(), await client.read(Tomorrow())
    assert meaning(provider, texts(tomorrow)) == meaning(provider, texts(plain))
    assert len(tomorrow) > len(plain)
    whole, added = await client.read(stream=False), await client.read(Tomorrow(), stream=False)
    assert json.loads(added).keys() > json.loads(whole).keys()


@pytest.mark.parametrize("stream", [True, False])
async def test_gzip_is_a_real_gzip_in_pieces_too(client: Client, stream: bool) -> None:
    plain, packed = await client.read(stream=stream), await client.read(Gzip(), stream=stream)
    assert len(texts(gzip.decompress(packed))) == len(texts(plain))
    begun = zlib.decompressobj(wbits=31).decompress(packed[: len(packed) // 2])
    assert begun[:5] == plain[:5]


async def test_chunks_cut_characters_in_two(simulator: Simulator, client: Client) -> None:
    simulator.next(Chunks(1))
    async with client.post() as response:
        pieces = [piece async for piece, _ in response.content.iter_chunks()]
    assert {len(piece) for piece in pieces if piece} == {1}
    assert any(piece[0] >= 0x80 for piece in pieces if piece)
    simulator.next(Chunks(0))
    async with client.post() as response:
        joined = await response.read()
    assert (await simulator.requests[-1].finished()).pieces_sent == 1
    assert len(texts(joined)) == len(texts(b"".join(pieces)))


async def test_cookies_and_secrets_come_along_when_asked(simulator: Simulator, client: Client) -> None:
    simulator.next(Leaky())
    async with client.post() as response:
        leaked = {name.lower() for name, value in response.headers.items() if "leaked" in value}
    assert leaked == {name for name, _ in LEAKED}


async def test_a_cut_stream_ends_in_its_midst(client: Client, provider: str) -> None:
    complete = await client.read()
    received, error = await client.until_broken(Cut(after=3))
    assert len(texts(received)) == 3
    assert isinstance(error, aiohttp.ClientPayloadError)
    assert END_MARKS[provider] not in received
    received, _ = await client.until_broken(Cut(after_bytes=100))
    assert len(received) == 100 < len(complete)


async def test_a_cut_before_the_head_is_no_answer_at_all(client: Client) -> None:
    _, error = await client.until_broken(Cut())
    assert isinstance(error, aiohttp.ServerDisconnectedError)


async def test_a_reset_is_a_reset(client: Client) -> None:
    _, error = await client.until_broken(Reset())
    assert isinstance(error, aiohttp.ClientOSError | aiohttp.ServerDisconnectedError)
    _, error = await client.until_broken(Reset(after=2))
    assert isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientOSError)


@pytest.mark.parametrize("after", [0, 2])
async def test_a_hang_in_a_stream_lasts_until_the_client_goes(simulator: Simulator, client: Client, after: int) -> None:
    simulator.next(Hang(after))
    async with client.post() as response:
        seen = await simulator.requests[0].hanging()
        assert (response.status, seen.pieces_sent, seen.finished_at) == (200, after, None)
        response.close()
    assert (await seen.finished()).client_gone


async def test_a_hang_before_the_head_lasts_until_the_client_goes(simulator: Simulator, client: Client) -> None:
    async def ask() -> None:
        await client.read(Hang())

    asked = asyncio.create_task(ask())
    (seen,) = await simulator.seen()
    await seen.hanging()
    asked.cancel()
    assert (await seen.finished()).client_gone
    assert seen.status is None
