"""The runtime loop in this process, behind the gateway, so that a test and the application share locks and events."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

import infra.runtime
from infra.bundle.bytecode import find_interpreter
from infra.gateway import Gateway, Limits
from infra.runtime import loop
from infra.runtime.settings import Settings

if TYPE_CHECKING:
    from infra.runtime.asgi import Application, Receive, Scope, Send

Body = AsyncIterator[bytes]


@dataclass
class Rig:
    """A running gateway, a client of it, and the loops behind it."""

    gateway: Gateway
    client: aiohttp.ClientSession
    loops: list[asyncio.Task[int]]

    @property
    def url(self) -> str:
        return self.gateway.url


ROOT = Path(__file__).parents[2]

OpenRig = Callable[..., AbstractAsyncContextManager[Rig]]


@pytest.fixture
def rig() -> OpenRig:
    """``rig(app, sandboxes=1, limits=..., streaming=..., function_url=..., **settings)``."""

    @asynccontextmanager
    async def open_rig(
        app: Application,
        *,
        sandboxes: int = 1,
        limits: Limits | None = None,
        streaming: bool = True,
        function_url: bool = False,
        **settings: Any,
    ) -> AsyncIterator[Rig]:
        gateway = Gateway(streaming=streaming, function_url=function_url, limits=limits or Limits())
        async with gateway, aiohttp.ClientSession() as client:
            loops = []
            for _ in range(sandboxes):
                chosen = replace(Settings(await gateway.attach(), "unused.name"), streaming=streaming, **settings)
                loops.append(asyncio.create_task(loop.run(chosen, load=lambda _: app)))
            try:
                yield Rig(gateway, client, loops)
            finally:
                for task in loops:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    return open_rig


async def start(send: Send, status: int = 200, *headers: tuple[bytes, bytes]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def part(send: Send, data: bytes, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


@pytest.fixture
def answering() -> Callable[..., Application]:
    """An application that gives one fixed answer."""

    def make(status: int = 200, headers: list[tuple[bytes, bytes]] | None = None, body: bytes = b"ok") -> Application:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                raise NotImplementedError
            await start(send, status, *(headers or []))
            await part(send, body, more=False)

        return app

    return make


@pytest.fixture
def make_bundle(tmp_path: Path) -> Callable[..., Path]:
    """A directory that looks like an unpacked bundle: the runtime, and one module ``tiny`` of the test's own."""

    def make(source: str) -> Path:
        runtime = Path(infra.runtime.__file__).parent
        for module in runtime.glob("*.py"):
            target = tmp_path / "infra" / "runtime" / module.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(module, target)
        shutil.copy(runtime.parent / "__init__.py", tmp_path / "infra")
        shutil.copy(runtime.parent / "bootstrap.sh", tmp_path / "infra")
        (tmp_path / "tiny.py").write_text(textwrap.dedent(source))
        return tmp_path

    return make


@dataclass(frozen=True)
class BuiltBundle:
    """A bundle for this machine's processor and the Python ``interpreter``."""

    path: Path
    interpreter: str
    python: str
    report: str


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BuiltBundle:
    """For the template's Python where this machine has it, else for the one that runs the tests, and says so."""
    python = "3.13"
    interpreter = find_interpreter(python)
    if interpreter is None:
        python, interpreter = ".".join(map(str, sys.version_info[:2])), sys.executable
    out = tmp_path_factory.mktemp("bundle") / "proxy"
    arch = {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    command = [sys.executable, "-m", "infra.bundle", "--out", str(out), "--python", python, "--arch", arch]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    sys.stderr.write(f"bundle for Python {python}, the template's is 3.13; {arch}\n{built.stdout}")
    return BuiltBundle(out, interpreter, python, built.stdout)


class Recorder:
    """An application with a lifespan, which notes what it is asked."""

    def __init__(self, start: str = "complete") -> None:
        self.start = start
        self.heard: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.live(scope, receive, send)
            return
        self.heard.append(f"http with {sorted(scope['state'])}")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def live(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.heard.append((await receive())["type"])
        scope["state"]["session"] = object()
        await send({"type": f"lifespan.startup.{self.start}", "message": "no table"})
        self.heard.append((await receive())["type"])
        await send({"type": "lifespan.shutdown.complete"})


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder
