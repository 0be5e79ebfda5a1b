"""Secrets Manager over real HTTP: two emulators, of which each is strict where the other is not."""

import itertools
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import pytest

from infra.aws.credentials import StaticCredentials
from infra.aws.json_client import SECRETS_MANAGER, AwsJsonClient
from infra.aws.sigv4 import AwsCredentials

Manager = Callable[..., AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]

_prefix_numbers = itertools.count(1)


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
