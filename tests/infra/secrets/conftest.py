"""Secrets Manager over real HTTP: two emulators, of which each is strict where the other is not."""

import itertools
import random
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest

from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import SECRETS_MANAGER, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials
from tests.cache.conftest import _free_port, _serving

Manager = Callable[..., AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]

_prefix_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def moto_secrets_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _serving(command, {}, port, "/moto-api/", tmp_path_factory.mktemp("moto-secrets")) as url:
        yield url


@pytest.fixture(scope="session")
def ministack_secrets_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = _free_port()
    folder = tmp_path_factory.mktemp("ministack-secrets")
    env = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SERVICES": "secretsmanager",
        "TMPDIR": str(folder),
    }
    with _serving([sys.executable, "-m", "ministack"], env, port, "/_ministack/health", folder) as url:
        yield url


@pytest.fixture
def manager() -> Manager:
    """Opens a client to the Secrets Manager at a URL, with a prefix that no other test has."""

    @asynccontextmanager
    async def opened(url: str, *, patience: float = 20, attempts: int = 3) -> AsyncIterator[tuple[AwsJsonClient, str]]:
        async with aiohttp.ClientSession() as session:
            client = AwsJsonClient(
                session,
                StaticCredentials(AwsCredentials("AKIAEXAMPLE", "example-secret", "example-token")),
                SECRETS_MANAGER,
                region="eu-central-1",
                endpoint=f"{url}/",
                clock=time.time,
                jitter=random.random,
                timeout=patience,
                attempts=attempts,
            )
            yield client, f"sabir/test-{next(_prefix_numbers)}/"

    return opened
