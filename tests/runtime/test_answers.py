"""Requests and answers of every shape, through events and back, in all three ways of serving."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from infra.gateway import Limits, Moment

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.runtime.asgi import Application, Receive, Scope, Send

WAYS = [
    pytest.param({}, id="rest-streamed"),
    pytest.param({"function_url": True}, id="function-url-streamed"),
    pytest.param({"streaming": False}, id="rest-whole"),
    pytest.param({"streaming": False, "function_url": True}, id="function-url-whole"),
]


@pytest.fixture
def echo() -> Application:
    """Answers with what it was asked, as JSON."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise NotImplementedError
        request = await receive()
        seen = {
            "method": scope["method"],
            "path": scope["path"],
            "query": scope["query_string"].decode(),
            "headers": {name.decode(): value.decode() for name, value in scope["headers"]},
            "body": request["body"].hex(),
            "request_id": scope["aws.context"].aws_request_id,
            "left": scope["aws.context"].get_remaining_time_in_millis(),
            "trace": os.environ.get("_X_AMZN_TRACE_ID", ""),
        }
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

    return app


@pytest.mark.parametrize("way", WAYS)
async def test_method_path_query_headers_and_binary_body_reach_the_application(
    rig: Any, echo: Application, way: dict[str, bool]
) -> None:
    body = bytes(range(256))
    async with rig(echo, limits=Limits(function=60), **way) as run:
        headers = [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b"), ("Cookie", "a=1; b=2")]
        url = f"{run.url}/v1/files?a=1&a=2&b=%20c"
        async with run.client.put(url, data=body, headers=headers) as response:
            seen = await response.json()
        given = run.gateway.journal.of(Moment.EVENT_GIVEN)[0]
    assert (seen["method"], seen["path"], seen["body"]) == ("PUT", "/v1/files", body.hex())
    assert seen["query"] in {"a=1&a=2&b=+c", "a=1&a=2&b=%20c"}
    assert (seen["headers"]["x-one"], seen["headers"]["x-two"]) == ("1", "a, b")
    assert seen["headers"]["cookie"] == "a=1; b=2"
    assert seen["request_id"] == given.request_id
    assert 0 < seen["left"] <= 60_000
    assert seen["trace"].startswith("Root=1-")


async def test_the_trace_id_is_not_put_where_concurrent_calls_would_share_it(rig: Any, echo: Application) -> None:
    os.environ.pop("_X_AMZN_TRACE_ID", None)
    async with rig(echo, concurrency=2) as run, run.client.get(f"{run.url}/") as response:
        assert (await response.json())["trace"] == ""


@pytest.mark.parametrize("way", WAYS)
async def test_repeated_headers_and_cookies_reach_the_client_one_by_one(
    rig: Any, answering: Callable[..., Application], way: dict[str, bool]
) -> None:
    headers = [(b"Set-Cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2"), (b"X-A", b"1"), (b"Content-Length", b"2")]
    async with rig(answering(headers=headers), **way) as run, run.client.get(f"{run.url}/") as response:
        assert await response.read() == b"ok"
        assert response.headers.getall("set-cookie") == ["a=1; Path=/", "b=2"]
        assert response.headers["x-a"] == "1"


@pytest.mark.parametrize("way", WAYS)
async def test_a_binary_answer_arrives_byte_for_byte(
    rig: Any, answering: Callable[..., Application], way: dict[str, bool]
) -> None:
    body = bytes(range(256)) * 40
    app = answering(headers=[(b"content-type", b"audio/mpeg")], body=body)
    async with rig(app, **way) as run, run.client.get(f"{run.url}/") as response:
        assert await response.read() == body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
async def test_answers_that_must_have_no_body_have_none(
    rig: Any, answering: Callable[..., Application], way: dict[str, bool], method: str, status: int
) -> None:
    async with rig(answering(status=status, body=b"not to be sent"), **way) as run:
        async with run.client.request(method, f"{run.url}/") as response:
            assert (response.status, await response.read()) == (status, b"")
        async with run.client.request(method, f"{run.url}/") as again:
            assert again.status == status


async def test_a_body_over_the_gateways_or_the_events_limit_is_refused_in_front(rig: Any, echo: Application) -> None:
    async with rig(echo, limits=Limits(request=4000, event=3000)) as run:
        for size, status in ((100, 200), (2500, 413), (5000, 413)):
            async with run.client.post(f"{run.url}/", data=b"x" * size) as response:
                assert response.status == status
                await response.read()
        assert len(run.gateway.journal.of(Moment.EVENT_GIVEN)) == 1


async def test_a_path_outside_of_the_stage_is_refused_as_api_gateway_does(rig: Any, echo: Application) -> None:
    async with rig(echo) as run:
        base = run.url.removesuffix("/prod")
        for path in ("/v1/models", "/production/x", "/"):
            async with run.client.get(base + path) as response:
                assert response.status == 403
                assert (await response.json())["error"]["code"] == "MISSING_AUTHENTICATION_TOKEN"
        async with run.client.get(f"{base}/prod") as response:
            assert (await response.json())["path"] == "/"


async def test_a_whole_answer_over_lambdas_payload_limit_fails(rig: Any, answering: Callable[..., Application]) -> None:
    app = answering(headers=[(b"content-type", b"text/plain")], body=b"x" * 5000)
    async with rig(app, streaming=False, limits=Limits(whole_answer=4000)) as run:
        async with run.client.get(f"{run.url}/") as response:
            assert response.status == 502
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)


async def test_an_error_in_a_whole_answer_is_an_error_even_after_the_first_part(rig: Any) -> None:
    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        raise LookupError

    async with rig(app, streaming=False) as run, run.client.get(f"{run.url}/") as response:
        assert response.status == 502
        assert (await run.gateway.journal.seen(Moment.ERROR_POSTED)).detail == "LookupError"


async def test_a_buffered_answer_to_an_api_that_streams_is_a_bad_gateway(
    rig: Any, answering: Callable[..., Application]
) -> None:
    """Which is why the template turns both with one parameter."""
    async with rig(answering(), streaming=True) as run:
        attached = await run.gateway.attach()
        run.loops[0].cancel()
        await asyncio.wait(run.loops)
        from infra.runtime import loop
        from infra.runtime.settings import Settings

        whole = Settings(attached, "unused.name", streaming=False)
        run.loops.append(asyncio.create_task(loop.run(whole, load=lambda _: answering())))
        async with run.client.get(f"{run.url}/") as response:
            assert response.status == 502
        assert (await run.gateway.journal.seen(Moment.ANSWER_CUT)).detail == "Gateway.MalformedAnswer"


async def test_headers_too_large_for_api_gateway_become_an_error_and_not_a_broken_answer(
    rig: Any, answering: Callable[..., Application]
) -> None:
    async with rig(answering(headers=[(b"x", b"v" * 20_000)])) as run, run.client.get(f"{run.url}/") as response:
        assert response.status == 502
        assert (await run.gateway.journal.seen(Moment.ERROR_POSTED)).detail == "ValueError"
