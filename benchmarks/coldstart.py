"""From nothing to the first answer: how long a process takes, and on what.

Each start is a new process that is sent one chat completion, which it has to fetch from the simulator. The Lambda entry
runs as on Lambda, under our own runtime loop, behind the gateway that plays the Runtime API; `-X importtime` is
read in a start of its own, because it makes imports slower.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.cpu import CpuClock
from benchmarks.imports import by_package
from benchmarks.process import ROOT, DidNotStart, environment, free_port
from benchmarks.scenarios import EXCHANGES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

FIRST = EXCHANGES[0]


@dataclass(slots=True)
class Starts:
    """Seconds to the first answer, and CPU seconds spent by then, of each start; import costs in milliseconds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    imports: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What the Lambda entry runs from, and the interpreter that its compiled wheels were made for."""

    folder: Path = ROOT
    python: str = sys.executable


@dataclass(frozen=True, slots=True)
class Program:
    """A server to be started: its command, its environment, and where to ask."""

    name: str
    command: tuple[str, ...]
    env: dict[str, str]
    url: str
    python: str = sys.executable
    folder: Path = ROOT


async def measure(urls: dict[str, str], count: int, bundle: Bundle, advance: Callable[[], None]) -> dict[str, Starts]:
    """Starts each program `count` times, in turns, and once more to see its imports."""
    results: dict[str, Starts] = {}
    async with aiohttp.ClientSession() as session:
        for turn in range(count + 1):
            for kind in (_bare, _local, _function):
                async with kind(urls, bundle) as program:
                    await _start(program, session, results.setdefault(program.name, Starts()), imports=turn == count)
                advance()
    return results


async def _start(program: Program, session: aiohttp.ClientSession, starts: Starts, *, imports: bool) -> None:
    flags = ("-X", "importtime") if imports else ()
    with tempfile.TemporaryFile() as errors:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: ASYNC220 - its few milliseconds are part of what is measured
            (program.python, *flags, *program.command),
            cwd=program.folder, env=environment(program.env), stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
        try:
            await _first_answer(program, session, process)
            wall, cpu = time.perf_counter() - began, CpuClock(process.pid).read()
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait, 30)
        if not imports:
            starts.wall.append(wall)
            starts.cpu.append(cpu)
            return
        errors.seek(0)
        starts.imports = by_package(errors.read().decode(errors="replace"))


async def _first_answer(program: Program, session: aiohttp.ClientSession, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            async with session.post(program.url, json=FIRST.chat(0), headers=FIRST.headers()) as response:
                body = await response.read()
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.001)  # not listening yet
            continue
        if response.status != 200:
            raise DidNotStart(f"{program.name}: the first answer was {response.status}: {body[:300]!r}")
        return
    raise DidNotStart(f"{program.name}: no answer, exit status {process.poll()}")


@asynccontextmanager
async def _bare(_urls: dict[str, str], _bundle: Bundle) -> AsyncIterator[Program]:
    port = free_port()
    command = ("-m", "benchmarks.bare", "--port", str(port))
    yield Program("bare Starlette", command, {}, f"http://127.0.0.1:{port}/v1/chat/completions")


@asynccontextmanager
async def _local(urls: dict[str, str], _bundle: Bundle) -> AsyncIterator[Program]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = ("-m", "handlers.cli", "serve", "--quiet", "--cache", f"{folder}/cache.db", "--port", str(port))
        env = {**urls, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        yield Program("sabir serve", command, env, f"http://127.0.0.1:{port}/v1/chat/completions")


@asynccontextmanager
async def _function(urls: dict[str, str], bundle: Bundle) -> AsyncIterator[Program]:
    """The runtime loop of the bundle, started by us instead of the gateway, so that it can be timed."""
    from infra.gateway import Function, Gateway

    async with Gateway() as gateway:
        address = await gateway.attach()
        given = Function(bundle.folder, bundle.python, env=urls).environment(address)
        env = {name: value for name, value in given.items() if os.environ.get(name) != value}
        url = f"{gateway.url}/v1/chat/completions"
        yield Program("Lambda entry", ("-m", "infra.runtime"), env, url, bundle.python, bundle.folder)
