"""Servers as processes of their own on loopback, so that their CPU time is theirs alone."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.cpu import CpuClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parent.parent
_PATIENCE_S = 30.0


class DidNotStart(Exception):
    """A server to be measured ended, or never listened. Its own words are in the message."""


class Server:
    """A running server: where it is and what it has used."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.cpu = CpuClock(process.pid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment without what would change what is measured, and `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SABIR_", "PYTHON"))}
    return kept | dict(extra)


@contextmanager
def serving(module: str, *arguments: str, env: Mapping[str, str]) -> Iterator[Server]:
    """Runs `python -m module … --port N` and waits until it listens. Raises `DidNotStart`."""
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, "--port", str(port)]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, cwd=ROOT, env=environment(env), stdout=subprocess.DEVNULL, stderr=errors)
        try:
            _await_port(process, port)
        except DidNotStart as fault:
            errors.seek(0)
            said = errors.read().decode(errors="replace")[-2000:]
            raise DidNotStart(f"{' '.join(command[1:])} {fault}\n{said}") from None
        try:
            yield Server(process, port)
        finally:
            process.terminate()
            process.wait(_PATIENCE_S)


def _await_port(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise DidNotStart(f"ended with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    process.kill()
    raise DidNotStart("does not listen")


@contextmanager
def simulator() -> Iterator[dict[str, str]]:
    """The provider simulator without delays; yields the `…_BASE_URL` variables that point at it."""
    command = [sys.executable, "-m", "tests.simulator", "--first-token-ms", "0", "--per-token-ms", "0"]
    with ExitStack() as stack:
        process = stack.enter_context(
            subprocess.Popen(command, cwd=ROOT, env=environment({}), stdout=subprocess.PIPE, text=True)
        )
        stack.callback(process.terminate)
        assert process.stdout is not None
        urls: dict[str, str] = {}
        for line in process.stdout:
            if line.strip() == "ready":
                break
            name, _, url = line.strip().partition("=")
            urls[name] = url
        else:
            raise DidNotStart("the provider simulator did not start")
        urls.pop("SIMULATOR_CONTROL_URL")
        yield urls
