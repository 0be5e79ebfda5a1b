"""The HTTP client on its own, against servers that do not deserve one."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from infra.settings import Timeouts
from infra.upstream import MAX_ERROR, USER_AGENT, Upstream
from providers.base import Credential, UpstreamRequest
from providers.errors import UpstreamDown, UpstreamProtocolError, UpstreamTruncated
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATIENCE = 20.0


class Peer:
    """A server that sends what it is told to, once for each connection, and remembers what it was sent."""

    def __init__(self, answer: bytes, *, then: str = "close") -> None:
        self._answer, self._then = answer, then
        self.heads: list[bytes] = []
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
                self.heads.append(head + await reader.readexactly(length))
                writer.write(self._answer)
                await writer.drain()
                if self._then == "close":
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.gone.set()
        finally:
            writer.close()


@asynccontextmanager
async def peer(answer: bytes, *, then: str = "close") -> AsyncIterator[tuple[Peer, str]]:
    told = Peer(answer, then=then)
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    try:
        yield told, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/x"
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream(Timeouts(connect=5, idle=5, total=10))
    yield made
    await made.close()


def request(url: str, *, header: str = "authorization", prefix: str = "Bearer ") -> UpstreamRequest:
    auth = Credential(Secret("sk-secret"), header, prefix)
    return UpstreamRequest("POST", url, {"content-type": "application/json"}, b'{"a":1}', auth, streaming=False)


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def test_a_request_is_sent_as_it_is_with_its_key_in_its_place(upstream: Upstream) -> None:
    async with peer(whole(b"yes", "X-Thing: Value")) as (told, url):
        response = await upstream.send(request(url, header="x-api-key", prefix=""), "openai")
        assert (response.status, response.headers["x-thing"]) == (200, "Value")
        assert await response.read() == b"yes"
        response.close()
    head = told.heads[0].decode()
    assert head.startswith("POST /v1/x HTTP/1.1\r\n")
    assert "\r\nx-api-key: sk-secret\r\n" in head.lower()
    assert f"\r\nuser-agent: {USER_AGENT}\r\n" in head.lower()
    assert head.endswith('\r\n\r\n{"a":1}')
    assert "cookie" not in head.lower()


async def test_pitfall_31_a_cookie_of_one_answer_is_not_in_the_next_request(upstream: Upstream) -> None:
    async with peer(whole(b"yes", "set-cookie: a=b; path=/"), then="stay") as (told, url):
        for _ in range(2):
            response = await upstream.send(request(url), "openai")
            await response.read()
            response.close()
    assert len(told.heads) == 2
    assert b"cookie" not in told.heads[1].lower()


async def test_one_connection_serves_many_requests(upstream: Upstream) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await Peer(whole(b"yes"), then="stay").serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    for _ in range(5):
        response = await upstream.send(request(url), "openai")
        await response.read()
        response.close()
    server.close()
    assert connections == 1


class Forgetful(Peer):
    """Answers the first request of each connection; at the second one it turns out to have hung up."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in (self._answer, b""):
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head + await reader.readexactly(7))
            writer.write(answer)
        writer.close()


async def test_a_kept_connection_that_was_closed_meanwhile_costs_nobody_an_error(upstream: Upstream) -> None:
    told = Forgetful(whole(b"yes"))
    server = await asyncio.start_server(told.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    for _ in range(2):
        response = await upstream.send(request(url), "openai")
        assert await response.read() == b"yes"
        response.close()
    assert len(told.heads) == 3, "the second request went twice: by the dead connection and by a new one"
    server.close()


async def test_a_new_connection_that_ends_without_an_answer_is_not_tried_again(upstream: Upstream) -> None:
    async with peer(b"") as (told, url):
        with pytest.raises(UpstreamDown, match="without an answer") as failure:
            await upstream.send(request(url), "openai")
        assert failure.value.code == "upstream_disconnected"
        assert len(told.heads) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
async def test_a_key_does_not_go_by_a_proxy_of_the_environment(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    async with peer(whole(b"stolen")) as (thief, elsewhere), peer(whole(b"yes")) as (_, url):
        monkeypatch.setenv(variable, elsewhere)
        response = await upstream.send(request(url), "openai")
        assert await response.read() == b"yes"
        response.close()
        assert thief.heads == []


async def test_a_redirect_is_an_answer_like_any_other(upstream: Upstream) -> None:
    async with peer(whole(b"")) as (thief, elsewhere):
        async with peer(whole(b"", f"location: {elsewhere}", status="307 Temporary Redirect")) as (_, url):
            response = await upstream.send(request(url), "openai")
            assert response.status == 307
            response.close()
        assert thief.heads == []


async def test_a_body_that_is_let_go_before_its_end_hangs_up(upstream: Upstream) -> None:
    async with peer(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", then="stay") as (told, url):
        response = await upstream.send(request(url), "openai")
        assert [chunk async for chunk in _first(response.chunks())] == [b"half"]
        response.close()
        await asyncio.wait_for(told.gone.wait(), PATIENCE)


async def _first(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
        return


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf",
    ],
    ids=["short", "no-last-chunk", "not-gzip"],
)
async def test_a_body_that_breaks_off_is_truncated(upstream: Upstream, answer: bytes) -> None:
    async with peer(answer) as (_, url):
        response = await upstream.send(request(url), "openai")
        with pytest.raises(UpstreamTruncated) as raised:
            await response.read()
        response.close()
    assert raised.value.provider == "openai"
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbroken header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["nothing", "half-a-line", "nonsense", "broken-header", "broken-chunk", "tls"],
)
async def test_what_is_no_http_answer_is_a_502(upstream: Upstream, answer: bytes) -> None:
    async with peer(answer) as (_, url):
        with pytest.raises(UpstreamDown) as raised:
            await upstream.send(request(url), "openai")
    assert (raised.value.status, raised.value.code) == (502, "upstream_disconnected")
    assert url not in str(raised.value)


async def test_an_answer_that_is_larger_than_any_is_given_up(upstream: Upstream) -> None:
    async with peer(whole(b"x" * 5000), then="stay") as (_, url):
        response = await upstream.send(request(url), "openai")
        with pytest.raises(UpstreamProtocolError, match="size limit"):
            await response.read(4999)
        response.close()
        response = await upstream.send(request(url), "openai")
        assert len(await response.read(5000)) == 5000
        response.close()


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (whole(b"short", status="500 Oops"), b"short"),
        (whole(b"x" * (MAX_ERROR + 1000), status="500 Oops"), b"x" * MAX_ERROR),
        (b"HTTP/1.1 500 Oops\r\ncontent-length: 100\r\n\r\nhalf", b"half"),
        (b"HTTP/1.1 500 Oops\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nhalf", b""),
    ],
    ids=["short", "endless", "cut", "not-gzip"],
)
async def test_of_an_error_body_what_can_be_read_is_read(upstream: Upstream, answer: bytes, read: bytes) -> None:
    async with peer(answer) as (_, url):
        response = await upstream.send(request(url), "openai")
        assert await response.read_error() == read
        response.close()


async def test_pitfall_20_a_compressed_body_arrives_plain(upstream: Upstream) -> None:
    async with peer(whole(gzip.compress(b"plain"), "content-encoding: gzip")) as (_, url):
        response = await upstream.send(request(url), "openai")
        assert await response.read() == b"plain"
        response.close()


async def test_silence_is_a_504_before_the_head_and_in_the_body() -> None:
    async with AsyncExitStack() as stack:
        upstream = Upstream(Timeouts(connect=5, idle=0.05, total=5))
        stack.push_async_callback(upstream.close)
        _, silent = await stack.enter_async_context(peer(b"", then="stay"))
        with pytest.raises(UpstreamDown) as raised:
            await upstream.send(request(silent), "openai")
        assert (raised.value.status, raised.value.code) == (504, "upstream_timeout")

        _, halting = await stack.enter_async_context(
            peer(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", then="stay")
        )
        response = await upstream.send(request(halting), "openai")
        with pytest.raises(UpstreamDown) as raised:
            await response.read()
        response.close()
        assert (raised.value.status, raised.value.code) == (504, "upstream_timeout")


async def test_a_bug_is_not_taken_for_the_providers_fault(upstream: Upstream) -> None:
    async with peer(whole(b"yes")) as (_, url):
        broken = UpstreamRequest("POST", url, {"x": 5}, b"", Credential(Secret("k")), streaming=False)  # type: ignore[dict-item]
        with pytest.raises(TypeError):
            await upstream.send(broken, "openai")


def test_each_event_loop_has_a_session_of_its_own() -> None:
    """Buffered under Mangum an invocation may come with another loop, on which the old session would hang."""
    made: list[aiohttp.ClientSession] = []

    def session() -> aiohttp.ClientSession:
        made.append(aiohttp.ClientSession())
        return made[-1]

    upstream = Upstream(Timeouts(), session)

    async def ask() -> bytes:
        async with peer(whole(b"yes")) as (_, url):
            response = await upstream.send(request(url), "openai")
            body = await response.read()
            response.close()
            assert upstream.session is upstream.session
        await made[-1].close()
        return body

    assert [asyncio.run(ask()) for _ in range(2)] == [b"yes", b"yes"]
    assert len(made) == 2


async def test_a_session_that_was_never_needed_is_never_made() -> None:
    def session() -> aiohttp.ClientSession:
        raise AssertionError

    await Upstream(Timeouts(), session).close()
