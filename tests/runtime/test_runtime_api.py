"""The Runtime API client against a server that says exactly what a test wants, and keeps what it was sent."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from infra.runtime import loop
from infra.runtime.api import RuntimeApi, RuntimeApiError
from infra.runtime.framing import Data, End, FramingError, Head, Headers, MessageReader
from infra.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from infra.runtime.asgi import Application, Receive, Scope, Send

EVENT = json.dumps(
    {
        "resource": "/",
        "path": "/",
        "httpMethod": "GET",
        "headers": {"host": "h"},
        "requestContext": {"identity": {}},
        "body": None,
    }
).encode()

NEXT = (
    b"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: r1\r\nLambda-Runtime-Invocation-Id: try-1\r\n"
    b"Lambda-Runtime-Deadline-Ms: 4102444800000\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT)
)
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Request:
    """As it came over the wire."""

    head: Head
    body: bytes = b""
    trailers: Headers = field(default_factory=Headers)

    @property
    def line(self) -> str:
        return " ".join(self.head.start[:2]).replace("/2018-06-01/runtime", "")


@dataclass
class Script:
    """Answers in turn; after the last one the server keeps silent, as the real one does before the next event."""

    replies: list[bytes]
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    exhausted: asyncio.Event = field(default_factory=asyncio.Event)
    open: set[asyncio.Task[None] | None] = field(default_factory=set)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open.add(asyncio.current_task())
        messages = MessageReader()
        with contextlib.closing(writer):
            while data := await reader.read(65536):
                for event in messages.feed(data):
                    match event:
                        case Head():
                            self.requests.append(Request(event))
                        case Data():
                            self.requests[-1].body += event.content
                        case End():
                            self.requests[-1].trailers = event.trailers
                            await self._reply(writer)

    async def _reply(self, writer: asyncio.StreamWriter) -> None:
        if not self.replies:
            self.exhausted.set()
            return
        reply = self.replies.pop(0)
        writer.write(reply)
        if b"Connection: close" in reply or not reply:
            writer.close()


@asynccontextmanager
async def platform(*replies: bytes) -> AsyncIterator[tuple[Script, str]]:
    script = Script(list(replies))
    server = await asyncio.start_server(script.accept, "127.0.0.1", 0)
    async with server:
        yield script, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*(task for task in script.open if task))


@asynccontextmanager
async def running(address: str, app: Application) -> AsyncIterator[asyncio.Task[int]]:
    task = asyncio.create_task(loop.run(Settings(address, "unused.name"), load=lambda _: app))
    try:
        yield task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_streamed_answer_is_what_the_runtime_api_asks_for(answering: Callable[..., Application]) -> None:
    async with platform(NEXT, ACCEPTED) as (script, address), running(address, answering(body=b"hello")):
        await script.exhausted.wait()
    asked, answered, asked_again = script.requests
    assert asked.line == asked_again.line == "GET /invocation/next"
    assert answered.line == "POST /invocation/r1/response"
    assert answered.head.headers.get("lambda-runtime-function-response-mode") == "streaming"
    assert answered.head.headers.get("transfer-encoding") == "chunked"
    assert answered.head.headers.get("content-length") is None
    assert answered.head.headers.get("content-type") == "application/vnd.awslambda.http-integration-response"
    assert answered.head.headers.get("lambda-runtime-invocation-id") == "try-1"
    assert answered.body == b'{"statusCode": 200, "headers": {}}' + bytes(8) + b"hello"
    assert answered.trailers.fields == []
    assert script.connections == 1


async def test_an_error_before_the_first_byte_is_posted_with_type_and_place(
    answering: Callable[..., Application],
) -> None:
    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        if scope["type"] == "http":
            raise LookupError("secret")

    async with platform(NEXT, ACCEPTED) as (script, address), running(address, app):
        await script.exhausted.wait()
    posted = script.requests[1]
    assert posted.line == "POST /invocation/r1/error"
    assert posted.head.headers.get("lambda-runtime-function-error-type") == "LookupError"
    assert posted.head.headers.get("lambda-runtime-invocation-id") == "try-1"
    error = json.loads(posted.body)
    assert (error["errorType"], error["errorMessage"]) == ("LookupError", "The application raised LookupError.")
    assert any("test_runtime_api.py" in place for place in error["stackTrace"])
    assert b"secret" not in posted.body


async def test_an_error_after_the_first_byte_travels_in_trailers() -> None:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200})
            await send({"type": "http.response.body", "body": b"begun", "more_body": True})
            raise LookupError("secret")

    async with platform(NEXT, ACCEPTED) as (script, address), running(address, app):
        await script.exhausted.wait()
    posted = script.requests[1]
    assert posted.body.endswith(bytes(8) + b"begun")
    assert posted.trailers.get("lambda-runtime-function-error-type") == "LookupError"
    encoded = posted.trailers.get("lambda-runtime-function-error-body")
    assert encoded is not None
    assert json.loads(base64.b64decode(encoded))["errorType"] == "LookupError"
    announced = posted.head.headers.get("trailer")
    assert announced == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"


async def test_an_event_that_is_no_http_request_is_answered_with_an_error(
    answering: Callable[..., Application],
) -> None:
    other = NEXT.replace(b"%x\r\n%b" % (len(EVENT), EVENT), b'9\r\n{"a": 10}')
    listed = NEXT.replace(b"%x\r\n%b" % (len(EVENT), EVENT), b"2\r\n[]")
    async with platform(other, ACCEPTED, listed, ACCEPTED) as (script, address), running(address, answering()):
        await script.exhausted.wait()
    errors = [request for request in script.requests if request.line.endswith("/error")]
    assert [json.loads(request.body)["errorType"] for request in errors] == ["UnknownEventError"] * 2


async def test_a_refused_answer_is_logged_and_the_next_event_asked_for(
    answering: Callable[..., Application], capfd: pytest.CaptureFixture[str]
) -> None:
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"
    async with platform(NEXT, refused) as (script, address), running(address, answering()):
        await script.exhausted.wait()
    assert [request.line for request in script.requests][-1] == "GET /invocation/next"
    assert "status 413" in capfd.readouterr().err


async def test_the_runtime_gives_up_when_the_platform_says_that_nothing_can_be_done(
    answering: Callable[..., Application],
) -> None:
    broken = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
    async with platform(NEXT, broken) as (_, address), running(address, answering()) as task:
        assert await task == loop.EXIT_FAILED
    async with platform(broken) as (_, address), running(address, answering()) as task:
        assert await task == loop.EXIT_FAILED


async def test_the_runtime_gives_up_when_the_platform_is_gone(answering: Callable[..., Application]) -> None:
    async with platform(b"") as (_, address), running(address, answering()) as task:
        assert await task == loop.EXIT_FAILED


async def test_a_connection_that_the_platform_closes_between_calls_is_opened_again(
    answering: Callable[..., Application],
) -> None:
    last = b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    async with platform(NEXT, last, NEXT, ACCEPTED) as (script, address), running(address, answering()):
        await script.exhausted.wait()
    assert script.connections == 2
    assert [request.line for request in script.requests].count("POST /invocation/r1/response") == 2


async def test_the_application_is_told_when_the_platform_breaks_off_within_an_answer() -> None:
    outcome: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()

    async def vanish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(NEXT)
        await reader.readuntil(bytes(8))
        connected.set_result(writer)

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        (await connected).transport.abort()
        try:
            while True:
                await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
        except OSError as exc:
            outcome.set_result(exc)
            raise

    server = await asyncio.start_server(vanish, "127.0.0.1", 0)
    async with server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with running(address, app):
            assert isinstance(await outcome, OSError)


async def test_an_invocation_without_id_or_deadline_cannot_be_answered() -> None:
    async with platform(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (_, address):
        api = RuntimeApi(address)
        with pytest.raises(FramingError, match="without request id"):
            await api.next()
        api.close()


async def test_a_reply_without_a_status_is_no_reply() -> None:
    async with platform(b"HTTP/1.1 OK fine\r\nContent-Length: 0\r\n\r\n") as (_, address):
        api = RuntimeApi(address)
        with pytest.raises(FramingError, match="no status"):
            await api.next()
        api.close()


async def test_a_failed_restore_call_says_so() -> None:
    async with platform(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n") as (_, address):
        api = RuntimeApi(address)
        with pytest.raises(RuntimeApiError, match="/restore/next with status 403"):
            await api.restore_next()
        api.close()
