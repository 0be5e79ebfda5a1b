"""``python -m infra.gateway`` as a user runs it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from typing import TYPE_CHECKING

import aiohttp
import pytest

from infra.gateway.__main__ import interpreter_for, parser

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TINY = """
    import os
    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        if scope["path"] == "/fail":
            raise LookupError
        body = f"{scope['path']} {os.environ['COLOUR']}".encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})
"""


async def say_until(stderr: asyncio.StreamReader, pattern: str) -> re.Match[str]:
    while line := (await stderr.readline()).decode():
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"it ended without saying {pattern!r}")


async def test_it_says_where_it_listens_and_what_goes_wrong_and_stops_on_a_signal(
    make_bundle: Callable[[str], Path],
) -> None:
    command = [sys.executable, "-m", "infra.gateway", "--bundle", str(make_bundle(TINY)), "--port", "0"]
    command += ["--handler", "tiny.handler", "--sandboxes", "1", "--stage", "dev", "--env", "COLOUR=green=blue"]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    base = (await say_until(process.stderr, r"ready: base URL (http://127\.0\.0\.1:\d+/dev)/v1"))[1]
    async with aiohttp.ClientSession() as client:
        async with client.get(f"{base}/v1/x") as response:
            assert await response.text() == "/v1/x green=blue"
        async with client.get(f"{base}/fail") as response:
            assert response.status == 502
    await say_until(process.stderr, "sandbox 0: error posted LookupError")
    process.send_signal(signal.SIGINT)
    await say_until(process.stderr, "stopping")
    assert await process.wait() == 0


async def test_a_folder_that_is_no_bundle_is_refused_in_plain_words(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "infra.gateway", "--bundle", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await process.communicate()
    assert process.returncode == 2
    assert b"it is no bundle" in said


def test_the_help_shows_a_whole_session(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--help"])
    said = capsys.readouterr().out
    assert "python -m infra.gateway --bundle" in said
    assert "curl -N" in said


def test_the_interpreter_is_the_one_the_bundle_is_built_for(tmp_path: Path) -> None:
    assert interpreter_for(tmp_path, None) == sys.executable
    here = ".".join(map(str, sys.version_info[:2]))
    (tmp_path / "bundle.json").write_text(json.dumps({"python": here}))
    assert interpreter_for(tmp_path, None) == sys.executable
    (tmp_path / "bundle.json").write_text(json.dumps({"python": "2.99"}))
    assert interpreter_for(tmp_path, None) is None
    assert interpreter_for(tmp_path, "no-such-python") is None
    assert interpreter_for(tmp_path, sys.executable) == sys.executable
