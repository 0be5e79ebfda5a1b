"""The runtime loop behind the gateway: bytes leave as they come, and the order of things is as promised."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from infra.gateway import Limits, Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.runtime.asgi import Application, Receive, Scope, Send


async def start(send: Send, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def part(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


def http_only(call: Callable[[Scope, Receive, Send], Any]) -> Application:
    """Answers HTTP and knows no lifespan, as the specification lets an application be."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        await call(scope, receive, send)

    return app


async def test_the_first_chunk_reaches_the_client_before_the_second_is_made(rig: Any) -> None:
    client_has_first = asyncio.Event()

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, 200, (b"content-type", b"text/event-stream"))
        await part(send, b"data: one\n\n")
        await client_has_first.wait()
        await part(send, b"data: two\n\n", more=False)

    async with rig(app) as run, run.client.get(f"{run.url}/x") as response:
        assert response.headers["content-type"] == "text/event-stream"
        assert await response.content.readany() == b"data: one\n\n"
        client_has_first.set()
        assert await response.content.read() == b"data: two\n\n"


async def test_headers_reach_the_client_before_any_body_when_the_application_says_so(rig: Any) -> None:
    client_has_status = asyncio.Event()

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, 201)
        await part(send, b"")
        await client_has_status.wait()
        await part(send, b"late", more=False)

    async with rig(app) as run, run.client.get(f"{run.url}/x") as response:
        assert response.status == 201
        client_has_status.set()
        assert await response.read() == b"late"


async def test_work_after_the_last_byte_ends_before_the_next_event_is_asked_for(rig: Any) -> None:
    client_has_all, work_done = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        await part(send, b"all", more=False)
        await client_has_all.wait()
        order.append("work")
        work_done.set()

    async with rig(app) as run:
        await run.gateway.journal.seen(Moment.NEXT_ASKED)
        async with run.client.get(f"{run.url}/x") as response:
            assert await response.read() == b"all"
        order.append("client has the last byte")
        assert len(run.gateway.journal.of(Moment.NEXT_ASKED)) == 1
        client_has_all.set()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
        assert work_done.is_set()
        moments = [entry.moment for entry in run.gateway.journal.entries]
    assert order == ["client has the last byte", "work"]
    assert moments == [
        Moment.NEXT_ASKED,
        Moment.EVENT_GIVEN,
        Moment.ANSWER_ENDED,
        Moment.FIRST_BYTE_OUT,
        Moment.LAST_BYTE_OUT,
        Moment.NEXT_ASKED,
    ]


async def test_an_error_before_the_first_byte_is_an_error_answer_and_names_only_the_type(rig: Any, capfd: Any) -> None:
    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        raise LookupError("the prompt was: sk-secret")

    async with rig(app) as run:
        async with run.client.get(f"{run.url}/x") as response:
            assert response.status == 502
            assert (await response.json())["error"]["message"] == "Internal server error"
        posted = await run.gateway.journal.seen(Moment.ERROR_POSTED)
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
    assert posted.detail == "LookupError"
    logged = capfd.readouterr().err
    assert '"errorType": "LookupError"' in logged
    assert posted.request_id in logged
    assert "test_streaming.py" in logged
    assert "sk-secret" not in logged


async def test_an_error_after_the_first_byte_cuts_the_answer_and_keeps_the_bytes(rig: Any) -> None:
    client_has_first = asyncio.Event()

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        await part(send, b"begun")
        await client_has_first.wait()
        raise LookupError

    async with rig(app) as run:
        async with run.client.get(f"{run.url}/x") as response:
            assert await response.content.readany() == b"begun"
            client_has_first.set()
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.content.read()
        cut = await run.gateway.journal.seen(Moment.ANSWER_CUT)
        assert cut.detail == "LookupError"
        assert run.gateway.journal.of(Moment.ERROR_POSTED) == []
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)


async def test_an_exception_after_a_complete_answer_changes_nothing_for_the_client(rig: Any) -> None:
    # Starlette's outermost middleware sends a whole 500 answer and raises the exception again.
    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send, 500)
        await part(send, b"sorry", more=False)
        raise LookupError

    async with rig(app) as run:
        async with run.client.get(f"{run.url}/x") as response:
            assert (response.status, await response.read()) == (500, b"sorry")
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
        assert not run.gateway.journal.of(Moment.ANSWER_CUT) + run.gateway.journal.of(Moment.ERROR_POSTED)


async def test_a_client_that_goes_away_does_not_stop_the_application_nor_spoil_the_next_call(rig: Any) -> None:
    client_gone, finished = asyncio.Event(), asyncio.Event()

    @http_only
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        await part(send, b"one")
        if scope["path"] == "/leave":
            await client_gone.wait()
            for _ in range(200):
                await part(send, b"x" * 1000)
            finished.set()
        await part(send, b"two", more=False)

    async with rig(app) as run:
        response = await run.client.get(f"{run.url}/leave")
        assert await response.content.readany() == b"one"
        response.close()
        client_gone.set()
        await finished.wait()
        await run.gateway.journal.seen(Moment.CLIENT_GONE)
        async with run.client.get(f"{run.url}/stay") as second:
            assert await second.read() == b"onetwo"


async def test_the_application_hears_of_a_disconnect_only_when_its_answer_is_complete(rig: Any) -> None:
    heard: list[str] = []

    @http_only
    async def app(_scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])
        listening = asyncio.ensure_future(receive())
        await start(send)
        await part(send, b"one")
        heard.append("waiting" if not listening.done() else "disconnected")
        await part(send, b"two", more=False)
        heard.append((await listening)["type"])

    async with rig(app) as run:
        async with run.client.post(f"{run.url}/x", data=b"b") as response:
            await response.read()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
    assert heard == ["http.request", "waiting", "http.disconnect"]


async def test_an_answer_larger_than_lambdas_payload_limit_streams_whole(rig: Any) -> None:
    block = bytes(range(256)) * 4096

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await start(send)
        for _ in range(9):
            await part(send, block)
        await part(send, b"", more=False)

    async with rig(app) as run, run.client.get(f"{run.url}/x") as response:
        body = await response.read()
    assert len(body) > Limits().whole_answer
    assert body == block * 9


async def test_sandboxes_serve_at_the_same_time(rig: Any) -> None:
    both_in = asyncio.Barrier(2)

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await both_in.wait()
        await start(send)
        await part(send, b"in", more=False)

    async with rig(app, sandboxes=2) as run:

        async def get() -> bytes:
            async with run.client.get(f"{run.url}/x") as response:
                return bytes(await response.read())

        assert list(await asyncio.gather(get(), get())) == [b"in", b"in"]


async def test_one_sandbox_polls_as_often_as_it_may_serve_at_once(rig: Any) -> None:
    all_in = asyncio.Barrier(5)

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await all_in.wait()
        await start(send)
        await part(send, b"in", more=False)

    async with rig(app, concurrency=5) as run:
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=5)
        answers = await asyncio.gather(*(run.client.get(f"{run.url}/x") for _ in range(5)))
        assert [await answer.read() for answer in answers] == [b"in"] * 5


async def test_an_application_that_returns_without_an_answer_is_an_error(rig: Any) -> None:
    @http_only
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["path"] == "/half":
            await start(send)
            await part(send, b"half")

    async with rig(app) as run:
        async with run.client.get(f"{run.url}/none") as response:
            assert response.status == 502
        async with run.client.get(f"{run.url}/half") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        cut = await run.gateway.journal.seen(Moment.ANSWER_CUT)
    assert cut.detail == "Runtime.IncompleteAnswer"


@pytest.mark.parametrize("sends", [("body",), ("start", "start"), ("start", "end", "body"), ("trailers",)])
async def test_messages_out_of_order_are_refused(rig: Any, sends: tuple[str, ...]) -> None:
    refused: list[str] = []
    messages: dict[str, dict[str, Any]] = {
        "start": {"type": "http.response.start", "status": 200},
        "body": {"type": "http.response.body", "body": b"x", "more_body": True},
        "end": {"type": "http.response.body"},
        "trailers": {"type": "http.response.trailers"},
    }

    @http_only
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        for name in sends[:-1]:
            await send(messages[name])
        try:
            await send(messages[sends[-1]])
        except RuntimeError as exc:
            refused.append(str(exc))

    async with rig(app) as run:
        async with run.client.get(f"{run.url}/x") as response:
            await response.read()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
    assert len(refused) == 1
    assert messages[sends[-1]]["type"] in refused[0]
