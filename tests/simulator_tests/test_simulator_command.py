"""The simulator as a process: its ready line, its control port, its end."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.simulator.control import fault
from tests.simulator.fault import Say, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import aiohttp

REQUEST = {"model": "sonar", "messages": [{"role": "user", "content": "Repeat: one two three"}]}
KEY = {"authorization": "Bearer pplx-test"}


@pytest.fixture
async def urls() -> AsyncIterator[dict[str, str]]:
    command = (sys.executable, "-W", "error", "-m", "tests.simulator", "--first-token-ms", "0", "--per-token-ms", "0")
    process = await asyncio.create_subprocess_exec(*command, stdout=-1, stderr=-1)
    assert process.stdout is not None
    lines = []
    while (line := (await process.stdout.readline()).decode().strip()) != "ready":
        assert line, "the process ended before it was ready"
        lines.append(line)
    yield dict(line.split("=", 1) for line in lines)
    process.send_signal(signal.SIGTERM)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


async def test_the_process_tells_its_urls_and_does_over_http_what_the_library_does(
    http: aiohttp.ClientSession, urls: dict[str, str]
) -> None:
    assert set(urls) == {"OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "PERPLEXITY_BASE_URL", "SIMULATOR_CONTROL_URL"}
    control, chat = urls["SIMULATOR_CONTROL_URL"], urls["PERPLEXITY_BASE_URL"] + "/chat/completions"

    order = {"provider": "perplexity", "faults": [{"kind": "Status", "status": 429, "retry_after": "3"}]}
    async with http.post(control + "/next", json=order) as response:
        assert response.status == 200
    async with http.post(chat, json=REQUEST, headers=KEY) as response:
        assert (response.status, response.headers["retry-after"]) == (429, "3")

    await http.post(control + "/hold")
    async with http.post(chat, json=REQUEST | {"stream": True}, headers=KEY) as response:
        await http.post(control + "/step", json={"pieces": 1})
        assert b"one" in await response.content.readuntil(b"\r\n\r\n")
        await http.post(control + "/release")
        assert b'"finish_reason": "stop"' in await response.read()

    async with http.get(control + "/requests") as response:
        seen = await response.json()
    assert [(one["provider"], one["status"]) for one in seen] == [("perplexity", 429), ("perplexity", 200)]
    assert "one two three" in seen[0]["body"]
    await http.post(control + "/forget")
    async with http.get(control + "/requests") as response:
        assert await response.json() == []


async def test_a_fault_is_described_by_its_class_and_its_fields() -> None:
    assert fault({"kind": "Status", "status": 500}) == Status(500)
    assert fault({"kind": "Say", "text": "x"}) == Say("x")
    with pytest.raises(ValueError, match=r"no fault is called 'Sttus'; there are Status, "):
        fault({"kind": "Sttus"})
    with pytest.raises(ValueError, match="Status: "):
        fault({"kind": "Status", "stauts": 500})
