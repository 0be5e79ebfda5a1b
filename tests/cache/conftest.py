"""Entries to store, and DynamoDB over real HTTP: two emulators, of which each is strict where the other is not."""

import itertools
import os
import random
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp
import pytest

from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer
from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import DYNAMODB, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials

NOW = 1_800_000_000

_STARTUP_SECONDS = 60.0
_table_numbers = itertools.count(1)

Seal = Callable[..., SealedEntry]
Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]


@pytest.fixture(scope="session")
def moto_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _serving(command, {}, port, "/moto-api/", tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="session")
def ministack_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    folder = tmp_path_factory.mktemp("ministack")
    env = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": "dynamodb",
        "TMPDIR": str(folder),
    }
    with _serving([sys.executable, "-m", "ministack"], env, port, "/_ministack/health", folder) as url:
        yield url


@pytest.fixture
def dynamo() -> Dynamo:
    """Opens a client and a fresh table on the emulator at a URL."""

    @asynccontextmanager
    async def opened(url: str) -> AsyncIterator[tuple[AwsJsonClient, str]]:
        async with aiohttp.ClientSession() as session:
            client = AwsJsonClient(
                session,
                StaticCredentials(AwsCredentials("AKIAEXAMPLE", "example-secret", "example-token")),
                DYNAMODB,
                region="eu-central-1",
                endpoint=f"{url}/",
                clock=time.time,
                jitter=random.random,
                timeout=20,
            )
            table = f"sabir-cache-{next(_table_numbers)}"
            await client.call(
                "CreateTable",
                {
                    "TableName": table,
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "B"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                    "BillingMode": "PAY_PER_REQUEST",
                },
            )
            yield client, table

    return opened


@pytest.fixture
def seal() -> Seal:
    """Seals random bytes, which do not compress, so that `size` is about what gets stored."""

    def sealed(size: int = 100, *, expires_at: int = NOW + 3600, item_id: bytes = b"i" * 32) -> SealedEntry:
        entry = CacheEntry(os.urandom(size), NOW, expires_at)
        return Sealer(lambda: os.urandom(12)).seal(os.urandom(32), entry, SealContext(item_id, b"key"))

    return sealed


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _serving(command: list[str], env: Mapping[str, str], port: int, health: str, folder: Path) -> Iterator[str]:
    """Runs a server until it answers, then for as long as the tests want it, then ends it."""
    url = f"http://127.0.0.1:{port}"
    log = folder / "server.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, env={**os.environ, **env}, cwd=folder, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + _STARTUP_SECONDS
        while not _answers(url + health):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[2]} did not start:\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - a loopback URL made above
            return True
    except urllib.error.HTTPError as answer:
        answer.close()
        return True
    except OSError:
        return False
