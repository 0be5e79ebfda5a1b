"""AWS on loopback: two emulators, each a process of its own, and each strict where the other is not."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICES = "cloudformation,dynamodb,kms,secretsmanager,sts"
STARTUP_SECONDS = 60.0


@contextmanager
def moto(folder: Path) -> Iterator[str]:
    """The URL of a fresh one."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _serving(command, {}, f"http://127.0.0.1:{port}", "/moto-api/", folder) as url:
        yield url


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """The URL of a fresh one, which keeps its files in `folder`."""
    port = _free_port()
    env = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": SERVICES,
        "TMPDIR": str(folder),
    }
    command = [sys.executable, "-m", "ministack"]
    with _serving(command, env, f"http://127.0.0.1:{port}", "/_ministack/health", folder) as url:
        yield url


@contextmanager
def _serving(command: list[str], env: dict[str, str], url: str, health: str, folder: Path) -> Iterator[str]:
    log = folder / "emulator.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env={**os.environ, **env}, cwd=folder, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + STARTUP_SECONDS
        while not _answers(url + health):
            said = log.read_text(errors="replace")[-2000:]
            assert server.poll() is None, said
            assert time.monotonic() < deadline, f"the emulator did not start:\n{said}"
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - a loopback URL made above
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except OSError:
        return False
