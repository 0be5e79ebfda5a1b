"""The last line of defence: bugs, departures and the record of each, driven message by message."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from handlers import pipeline
from handlers.answer import Whole
from handlers.endpoint import Endpoint
from handlers.services import build_services
from providers.dialects import openai
from providers.errors import InvalidRequest
from tests.contract.rig import KEYS, Records

if TYPE_CHECKING:
    from handlers.asked import Asked
    from handlers.endpoint import Answering
    from handlers.services import Services
    from infra.requests.record import RequestRecord
    from providers.chat import ChatRequest

SECRET_TEXT = "the prompt, which an exception quotes"


@dataclass
class Server:
    """Plays one exchange with an ASGI application."""

    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"authorization": f"Bearer {KEYS['openai']}"})
    sent: list[dict[str, Any]] = field(default_factory=list)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    async def receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def scope(self) -> dict[str, Any]:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        return {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": raw}

    @property
    def answer(self) -> tuple[int, Any]:
        body = b"".join(message.get("body", b"") for message in self.sent)
        return self.sent[0]["status"], json.loads(body)


class Dialect:
    """OpenAI's, with a `parse` of the test's own."""

    wire: ClassVar[str] = "openai-chat"

    def __init__(self, fault: Exception) -> None:
        self._fault = fault

    def parse(self, body: bytes) -> ChatRequest:
        raise self._fault

    def __getattr__(self, name: str) -> Any:
        return getattr(openai.DIALECT, name)


def endpoint(
    log: Records,
    dialect: Any = openai.DIALECT,
    env: dict[str, str] | None = None,
    answering: Answering = pipeline.answer,
) -> Endpoint:
    services = replace(build_services(env or {}, log=log), new_id=lambda _: "f" * 32)
    return Endpoint("chat/completions", dialect, services, answering, operation="chat")


async def test_a_bug_is_a_500_with_an_id_and_without_a_word_of_the_exception(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    log = Records()
    server = Server(b"{}")
    await endpoint(log, Dialect(ZeroDivisionError(SECRET_TEXT)))(server.scope, server.receive, server.send)
    status, body = server.answer
    assert (status, body["error"]["code"], body["error"]["type"]) == (500, "internal_error", "server_error")
    assert dict(server.sent[0]["headers"])[b"x-request-id"] == b"f" * 32
    (record,) = log.records
    assert (record.status, record.error, record.request_id) == (500, "internal_error", "f" * 32)
    assert record.bug[0] == "ZeroDivisionError"
    assert any(place.startswith("parse:") for place in record.bug)
    assert "quotes" not in json.dumps(body) + log.text + caplog.text


async def test_a_bug_after_the_answer_has_begun_is_logged_and_sends_no_second_status() -> None:
    log = Records()
    server = Server(b"{}")

    async def cut_off(message: Any) -> None:
        server.sent.append(message)
        raise RuntimeError(SECRET_TEXT)

    await endpoint(log, Dialect(InvalidRequest("no")))(server.scope, server.receive, cut_off)
    assert [message["type"] for message in server.sent] == ["http.response.start"]
    (record,) = log.records
    assert record.bug[0] == "RuntimeError"
    assert "quotes" not in log.text


async def test_a_fault_of_the_request_is_logged_by_its_code() -> None:
    log = Records()
    server = Server(b"nonsense")
    await endpoint(log)(server.scope, server.receive, server.send)
    assert server.answer[0] == 400
    (record,) = log.records
    assert (record.status, record.error, record.bug) == (400, "invalid_json", ())
    assert record.total_ms is not None


async def test_a_log_that_cannot_be_written_is_no_clients_trouble() -> None:
    class Full(Records):
        def write(self, record: RequestRecord) -> None:
            raise BrokenPipeError(SECRET_TEXT)

    server = Server(b"nonsense")
    await endpoint(Full())(server.scope, server.receive, server.send)
    assert server.answer[0] == 400


async def test_repeated_headers_are_joined_as_one_list() -> None:
    log = Records()
    server = Server(json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "x"}]}).encode())
    scope = server.scope
    scope["headers"] += [(b"X-BT-Use-Cache", b"auto"), (b"x-bt-use-cache", b"never")]
    await endpoint(log)(scope, server.receive, server.send)
    assert server.answer[1]["error"]["param"] == "x-bt-use-cache"


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_40_a_client_that_leaves_ends_the_work_and_a_cancellation_from_elsewhere_stays_one(
    stream: bool,
) -> None:
    """Nobody was given a status, so the log has none."""
    for leaves in (True, False):
        log = Records()
        async with _silent_host() as (url, connected):
            body = {"model": "gpt-4", "messages": [{"role": "user", "content": "x"}], "stream": stream}
            server = Server(json.dumps(body).encode())
            served = endpoint(log, env={"OPENAI_BASE_URL": url})
            serving = asyncio.create_task(served(server.scope, server.receive, server.send))
            await asyncio.wait_for(connected.wait(), 20)
            if leaves:
                server.leave.set()
                await asyncio.wait_for(serving, 20)
            else:
                serving.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await serving
            await served._services.close()
        assert server.sent == []
        (record,) = log.records
        assert (record.error, record.status, record.bug) == ("client_gone" if leaves else "cancelled", None, ())


async def test_what_hangs_behind_a_request_that_is_cancelled_does_not_take_the_logs_time() -> None:
    """Lambda's deadline with the stores out: the runtime loop waits 0.4 s, and then gives up the process."""
    log, reached = Records(), asyncio.Event()
    done: list[str] = []

    async def settle() -> None:
        """As a store that is out is waited for: not for ever."""
        try:
            async with asyncio.timeout(2):
                await asyncio.Event().wait()
        except TimeoutError:
            done.append("waited for")

    async def answering(asked: Asked, _: Services) -> Whole:
        asked.closing.callback(done.append, "noted")
        asked.closing.push_async_callback(settle)
        asked.closing.push_async_callback(settle)
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    server, served = Server(b"{}"), endpoint(log, answering=answering)
    serving = asyncio.create_task(served(server.scope, server.receive, server.send))
    await reached.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    (record,) = log.records
    assert (record.error, record.bug, done) == ("cancelled", (), ["noted"])


async def test_a_request_that_is_cancelled_behind_its_last_byte_has_been_answered() -> None:
    log, reached = Records(), asyncio.Event()

    async def after() -> None:
        reached.set()
        await asyncio.Event().wait()

    async def answering(_: Asked, __: Services) -> Whole:
        return Whole(200, {}, b"{}", after)

    server, served = Server(b"{}"), endpoint(log, answering=answering)
    serving = asyncio.create_task(served(server.scope, server.receive, server.send))
    await reached.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    (record,) = log.records
    assert (record.error, record.cause, record.status) == (None, None, 200)


class _silent_host:  # noqa: N801 - reads as the function that it stands for
    """A provider that takes the request and says nothing."""

    async def __aenter__(self) -> tuple[str, asyncio.Event]:
        self._connected = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []

        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._writers.append(writer)
            await reader.readuntil(b"\r\n\r\n")
            self._connected.set()

        self._server = await asyncio.start_server(take, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1", self._connected

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await self._server.wait_closed()
