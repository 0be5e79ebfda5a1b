"""The real Runtime Interface Emulator, which SAM CLI ships: does our loop keep to the Runtime API as AWS wrote it?

It buffers, and it drops trailers, so of streaming it can show nothing; the gateway's tests do.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import platform
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    BuiltBundle = Any

pytestmark = pytest.mark.slow

REST_EVENT = {
    "resource": "/{proxy+}",
    "path": "/healthz",
    "httpMethod": "GET",
    "headers": {"Host": "localhost"},
    "requestContext": {"identity": {"sourceIp": "127.0.0.1"}, "stage": "prod"},
    "body": None,
    "isBase64Encoded": False,
}
FUNCTION_URL_EVENT = {
    "version": "2.0",
    "rawPath": "/healthz",
    "rawQueryString": "",
    "headers": {"host": "localhost"},
    "requestContext": {"http": {"method": "GET", "path": "/healthz", "sourceIp": "127.0.0.1"}},
    "isBase64Encoded": False,
}


@pytest.fixture
def emulator(tmp_path: Path) -> Path:
    spec = importlib.util.find_spec("samcli")
    arch = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    if spec is None or spec.origin is None:
        pytest.skip("SAM CLI is not installed here")
    shipped = Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{arch}"
    if not shipped.is_file() or platform.system() != "Linux":
        pytest.skip(f"SAM CLI ships no Runtime Interface Emulator for {platform.system()} on {arch}")
    # SAM's own file is not marked executable.
    binary = tmp_path / "rie"
    binary.write_bytes(shipped.read_bytes())
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    return binary


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Emulated:
    """A function under the emulator."""

    def __init__(self, client: aiohttp.ClientSession, port: int) -> None:
        self._client = client
        self._url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"

    async def invoke(self, event: object) -> bytes:
        async with self._client.post(self._url, json=event) as response:
            return await response.read()


@contextlib.asynccontextmanager
async def emulated(emulator: Path, bundle: BuiltBundle, **env: str) -> AsyncIterator[Emulated]:
    front, back = free_port(), free_port()
    command = [str(emulator), "--runtime-interface-emulator-address", f"127.0.0.1:{front}"]
    command += ["--runtime-api-address", f"127.0.0.1:{back}", "--log-level", "error"]
    command += [str(bundle.path / "infra" / "bootstrap.sh"), bundle.interpreter, "/var/runtime/bootstrap.py"]
    own = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "AWS_SAM_LOCAL"}}
    own |= {"LAMBDA_TASK_ROOT": str(bundle.path), "_HANDLER": "handlers.proxy.handler", **env}
    process = await asyncio.create_subprocess_exec(*command, env=own)
    try:
        async with aiohttp.ClientSession() as client:
            await listening(front)
            yield Emulated(client, front)
    finally:
        process.kill()
        await process.wait()


async def listening(port: int) -> None:
    """The emulator says nowhere that it is ready, so its port is asked until it answers."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("event", [REST_EVENT, FUNCTION_URL_EVENT], ids=["rest", "function-url"])
async def test_events_are_answered_one_after_another_in_the_streamed_form(
    emulator: Path, bundle: BuiltBundle, event: dict[str, Any]
) -> None:
    async with emulated(emulator, bundle) as function:
        for _ in range(3):
            metadata, delimiter, body = (await function.invoke(event)).partition(bytes(8))
            assert delimiter == bytes(8)
            assert json.loads(metadata)["statusCode"] == 200
            assert json.loads(body)


async def test_under_sam_local_answers_are_whole_proxy_json(emulator: Path, bundle: BuiltBundle) -> None:
    async with emulated(emulator, bundle, AWS_SAM_LOCAL="true") as function:
        answer = json.loads(await function.invoke(REST_EVENT))
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
        assert json.loads(answer["body"])


async def test_an_event_that_is_no_request_is_an_error_and_the_next_is_served(
    emulator: Path, bundle: BuiltBundle
) -> None:
    async with emulated(emulator, bundle) as function:
        assert json.loads(await function.invoke({"key1": "value1"}))["errorType"] == "UnknownEventError"
        assert bytes(8) in await function.invoke(REST_EVENT)


async def test_a_failing_import_reaches_the_platform(emulator: Path, bundle: BuiltBundle) -> None:
    async with emulated(emulator, bundle, _HANDLER="no_such_module.handler") as function:
        error = json.loads(await function.invoke(REST_EVENT))
    assert error["errorType"] == "ApplicationError"
    assert "no_such_module" in error["errorMessage"]
