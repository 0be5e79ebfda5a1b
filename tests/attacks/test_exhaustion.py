"""Memory and time: what a provider or a client can make Sabir hold, wait for or work at."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import tracemalloc
import zlib
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest

from handlers.recorder import Recorder
from providers import registry
from providers.base import Stamp
from providers.completion import fold
from providers.errors import UpstreamProtocolError
from providers.events import Citation, Event, Finished, ProviderFields, ReasoningDelta, TextDelta, ToolCallStarted
from tests.attacks.growth import LINEAR, growth
from tests.attacks.hostile import PATIENCE, STREAM_HEAD, asked, bearer, chunk, completion, saying

if TYPE_CHECKING:
    from collections.abc import Callable

    import aiohttp

    from handlers.services import Services
    from tests.attacks.hostile import Heard

Before = Any
MIB: Final = 2**20
FILL: Final = b"x" * 60_000


@pytest.mark.parametrize(
    "frame",
    [
        b": " + FILL + b"\n\n",
        b'data: {"id": "a", "choices": [{"index": 0, "delta": {"images": ["' + FILL + b'"]}}]}\n\n',
        b'data: {"id": "a", "choices": [{"index": 0, "delta": {"reasoning_details": '
        b'[{"type": "reasoning.encrypted", "data": "' + FILL + b'"}]}}]}\n\n',
    ],
    ids=["comments", "fields", "signatures"],
)
async def test_an_endless_stream_of_nothing_to_say_fills_no_memory(
    before: Before, http: aiohttp.ClientSession, frame: bytes
) -> None:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        writer.write(STREAM_HEAD)
        for _ in range(64 * MIB // len(frame)):
            writer.write(frame)
            await writer.drain()
        writer.close()

    sabir, _ = await before(answer)
    tracemalloc.start()
    try:
        async with http.post(sabir.completions, json=asked(stream=True), headers=bearer()) as got:
            size = sum([len(data) async for data in got.content.iter_any()])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await sabir.log.records_of(1)
    assert size > 60 * MIB
    assert peak < 24 * MIB


@pytest.mark.parametrize(
    "event",
    [
        ReasoningDelta(0, signature="x" * 1000),
        ReasoningDelta(0, data="x" * 1000),
        Citation(quote="x" * 1000),
        ProviderFields({"a": "x" * 1000}, "message"),
        ToolCallStarted(0, "id", "x" * 1000),
    ],
    ids=["signature", "data", "citation", "fields", "name"],
)
def test_the_recorder_counts_whatever_it_keeps(event: Event) -> None:
    recorder = Recorder(Stamp("id", 0, "m"), limit=10_000)
    for _ in range(11):
        recorder.record([event])
    recorder.complete()
    assert recorder.finished()[0] == b""


async def test_a_client_that_does_not_read_lets_the_provider_go_in_the_end(before: Before) -> None:
    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        hung_up = asyncio.ensure_future(reader.read())
        writer.write(STREAM_HEAD)
        with suppress(OSError):
            while not hung_up.done():
                writer.write(chunk({"content": "x" * 5000}))
                await writer.drain()
                await asyncio.sleep(0)
        hung_up.cancel()
        gone.set()

    def impatient(services: Services) -> Services:
        timeouts = replace(services.settings.timeouts, total=0.2, unread=0.1)
        return replace(services, settings=replace(services.settings, timeouts=timeouts))

    sabir, _ = await before(answer, change=impatient)
    host, port = sabir.origin.removeprefix("http://").split(":")
    body = json.dumps(asked(stream=True)).encode()
    with closing(socket.create_connection((host, int(port)))) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        client.sendall(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        record = await sabir.log.last(1)
        await asyncio.wait_for(gone.wait(), PATIENCE)
    assert (record.error, record.bug) == ("client_gone", ())


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_small_answer_that_swells_is_cut_off(
    before: Before, http: aiohttp.ClientSession, coding: str, status: str, stream: bool
) -> None:
    plain = b" " * (200 * MIB)
    bomb = gzip.compress(plain, 9) if coding == "gzip" else zlib.compress(plain, 9)
    del plain
    sabir, _ = await before(saying(bomb, status=status, headers=f"content-encoding: {coding}\r\n".encode()))
    tracemalloc.start()
    try:
        async with http.post(sabir.completions, json=asked(stream=stream), headers=bearer()) as got:
            assert got.status == (502 if status == "200 OK" else 400)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 160 * MIB


async def test_an_answer_without_end_ends(before: Before) -> None:
    """What a translator remembers of a stream grows with the stream, so the stream itself has a limit."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        writer.write(STREAM_HEAD + chunk({"content": "x"}) * 100)

    sabir, _ = await before(answer)
    chat = registry.find("openai")
    from providers.base import Credential, Profile, Target
    from providers.dialects import openai
    from providers.secret import Secret

    url = sabir.services.settings.base_urls["openai"]
    target = Target("openai", "gpt-4o", Credential(Secret("k")), Profile(url))
    request = chat.request(openai.DIALECT.parse(json.dumps(asked(stream=True)).encode()), target).request
    upstream = await sabir.services.upstream.send(request, "openai")
    with pytest.raises(UpstreamProtocolError, match="size limit"):
        async for _ in upstream.chunks(limit=1000):
            pass
    upstream.close()


# --- work -------------------------------------------------------------------------------------------------------------

# Each took from ten seconds to minutes when the work grew with the square of what the provider sent.
MANY: Final = 30_000


def whole_of(message: dict[str, Any]) -> bytes:
    answer = completion()
    answer["choices"][0]["message"] |= message
    return json.dumps(answer).encode()


def choices(many: int) -> bytes:
    one = completion()["choices"][0]
    return json.dumps({**completion(), "choices": [{**one, "index": number} for number in range(many)]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        choices,
        lambda many: whole_of({"annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}] * many}),
        lambda many: whole_of({"annotations": [{"type": "invented"}] * many}),
        lambda many: whole_of({"tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}] * many}),
    ],
    ids=["choices", "citations", "fields", "calls"],
)
def test_a_whole_answer_of_very_many_parts_is_read_in_linear_time(body: Callable[[int], bytes]) -> None:
    assert growth(lambda many: partial(registry.find("openai").response, body(many)), MANY) < LINEAR


def test_a_stream_of_very_many_calls_is_read_in_linear_time() -> None:
    frame = b'data: {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": %d, "id": "%d"}]}}]}\n\n'

    def prepared(many: int) -> Callable[[], None]:
        stream, frames = registry.find("openai").stream(), [frame % (number, number) for number in range(many)]

        def work() -> None:
            for each in frames:
                stream.feed(each)

        return work

    assert growth(prepared, MANY // 3) < LINEAR


def test_a_long_answer_is_folded_in_linear_time() -> None:
    """A hit for a client that wants it whole: the loop serves nobody else meanwhile."""
    logprobs = ProviderFields({"logprobs": {"content": [{"token": "a", "logprob": -0.1}]}}, "choice")

    def events(many: int) -> list[Event]:
        return [*(event for _ in range(many) for event in (TextDelta(0, "a"), logprobs)), Finished("stop")]

    assert growth(lambda many: partial(fold, events(many)), MANY * 5) < LINEAR
    logs: Any = fold(events(7)).choices[0].fields["logprobs"]
    assert len(logs["content"]) == 7
    assert logprobs.fields == {"logprobs": {"content": [{"token": "a", "logprob": -0.1}]}}, "an event was written to"
