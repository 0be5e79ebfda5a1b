"""What a request needs of the outside world, put together once for each process."""

from __future__ import annotations

import os
import random
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cache.policy import CachePolicy
from cache.sealed import NONCE_SIZE, Sealer
from cache.sealed_cache import ResponseCache
from handlers.record import JsonLines
from infra.settings import read_settings
from infra.upstream import Upstream
from providers import registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cache.stores.base import Store
    from handlers.record import RequestLog
    from infra.aws.json_client import AwsJsonClient
    from infra.settings import Settings


def _new_id() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Services:
    """`now`: epoch seconds; `new_id`: 32 hexadecimal digits. Both are here so that a test can hold them still."""

    settings: Settings
    upstream: Upstream
    cache: ResponseCache
    log: RequestLog
    now: Callable[[], float] = field(default=time.time)
    new_id: Callable[[], str] = field(default=_new_id)

    async def close(self) -> None:
        await self.upstream.close()
        await self.cache.close()


def build_services(env: Mapping[str, str], *, with_keys: bool = False, log: RequestLog | None = None) -> Services:
    """The services that `env` describes. Connects to nothing yet; raises `infra.settings.Misconfigured`."""
    settings = read_settings(env, registry.AVAILABLE, with_keys=with_keys)
    upstream = Upstream(settings.timeouts)
    store = _store(settings, upstream, env)
    cache = ResponseCache(store, _sealer(), CachePolicy(), read_deadline=settings.cache_read_deadline)
    return Services(settings, upstream, cache, log or JsonLines())


def _sealer() -> Sealer:
    return Sealer(lambda: os.urandom(NONCE_SIZE))


def _store(settings: Settings, upstream: Upstream, env: Mapping[str, str]) -> Store:
    if settings.cache_table is not None:
        from cache.stores.dynamodb import DynamoStore

        return DynamoStore(_dynamodb(upstream, env), settings.cache_table)
    if settings.cache_path is not None:
        from cache.stores.sqlite import SqliteStore

        return SqliteStore(Path(settings.cache_path))
    from cache.stores.memory import MemoryStore

    return MemoryStore()


def _dynamodb(upstream: Upstream, env: Mapping[str, str]) -> Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]:
    """A call over the session that the providers' calls use too, made when the first one is due."""
    client: AwsJsonClient | None = None

    async def call(operation: str, body: dict[str, Any]) -> dict[str, Any]:
        nonlocal client
        if client is None:
            from infra.aws.credentials import credential_source
            from infra.aws.json_client import DYNAMODB, AwsJsonClient, endpoint_url

            region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
            client = AwsJsonClient(
                upstream.session,
                credential_source(env, upstream.session, clock=time.time),
                DYNAMODB,
                region=region,
                endpoint=endpoint_url(DYNAMODB, region, env),
                clock=time.time,
                jitter=random.random,
            )
        return await client.call(operation, body)

    return call
