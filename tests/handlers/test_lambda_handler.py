"""The function as AWS's own runtime calls it: buffered, through Mangum, with real API Gateway events."""

from __future__ import annotations

import asyncio
import base64
import importlib
import json
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.rig import KEYS
from tests.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASKED: dict[str, Any] = {
    "model": "gpt-3.5-turbo",
    "messages": [{"role": "user", "content": "What is a proxy?"}],
    "seed": 1,
}
Handler = Any


def event(body: bytes, *, path: str = "/v1/chat/completions", method: str = "POST", encoded: bool = False) -> Any:
    """API Gateway's REST proxy event, payload format 1.0, as in its developer guide."""
    headers = {
        "Authorization": f"Bearer {KEYS['openai']}",
        "Content-Type": "application/json",
        "Host": "abcde12345.execute-api.eu-central-1.amazonaws.com",
        "X-Forwarded-For": "203.0.113.9, 130.176.0.1",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "abcde12345",
            "domainName": "abcde12345.execute-api.eu-central-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "OpenAI/Python 3.54.0"},
            "path": f"/prod{path}",
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTimeEpoch": 1_800_000_000_000,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod",
        },
        "body": base64.b64encode(body).decode() if encoded else body.decode(),
        "isBase64Encoded": encoded,
    }


@contextmanager
def simulator_in_a_thread() -> Iterator[Simulator]:
    """The handler blocks its own thread and loop; so the providers have to live in another one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    simulator = Simulator()
    try:
        run(simulator.__aenter__())
        yield simulator
        run(simulator.__aexit__(None, None, None))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with simulator_in_a_thread() as running:
        yield running


@pytest.fixture
def handler(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Handler]:
    """`handlers.proxy.handler`, imported at its first call as a cold start does, on a loop of its own."""
    for name, value in {**simulator.environment(), "SABIR_CACHE_PATH": str(tmp_path / "cache.db")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SABIR_CACHE_READ_MS", "10000")
    sys.modules.pop("handlers.proxy", None)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield lambda given, context: importlib.import_module("handlers.proxy").handler(given, context)
    loop.run_until_complete(_shut_down(sys.modules.pop("handlers.proxy").app))
    loop.close()
    asyncio.set_event_loop(None)


async def _shut_down(app: Any) -> None:
    async with app.router.lifespan_context(app):
        pass


def test_the_same_event_twice_is_a_miss_and_a_hit(
    capsys: pytest.CaptureFixture[str], handler: Handler, simulator: Simulator
) -> None:
    first = handler(event(json.dumps(ASKED).encode()), None)
    again = handler(event(json.dumps(ASKED).encode(), encoded=True), None)
    assert (first["statusCode"], again["statusCode"]) == (200, 200)
    assert (first["isBase64Encoded"], again["isBase64Encoded"]) == (False, False)
    assert [answer["headers"]["x-bt-cached"] for answer in (first, again)] == ["MISS", "HIT"]
    texts = [json.loads(answer["body"])["choices"][0]["message"]["content"] for answer in (first, again)]
    assert texts[0] == texts[1]
    assert texts[0].startswith("A proxy stands")
    assert simulator.calls() == 1
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["status"], line["cache"], line.get("cache_reason")) for line in logged] == [
        (200, "miss", "absent"),
        (200, "hit", None),
    ]


def test_a_stream_comes_whole(handler: Handler) -> None:
    answer = handler(event(json.dumps({**ASKED, "stream": True}).encode(), path="/v1/proxy/chat/completions"), None)
    assert answer["statusCode"] == 200
    assert answer["headers"]["content-type"] == "text/event-stream"
    assert answer["body"].endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (event(b"nonsense"), 400),
        (event(b"{}", path="/nowhere"), 404),
        (event(b"", method="GET"), 405),
        (event(b"", path="/healthz", method="GET"), 200),
    ],
    ids=["bad-json", "unknown-url", "wrong-method", "health"],
)
def test_errors_keep_their_status(handler: Handler, given: Any, status: int) -> None:
    answer = handler(given, None)
    assert answer["statusCode"] == status
    assert ("error" in json.loads(answer["body"])) == (status >= 400)
