"""What a request needs of the outside world, put together once for each process."""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cache.content import ContentLog
from cache.policy import CachePolicy
from cache.sealed import NONCE_SIZE, Sealer
from cache.sealed_cache import ResponseCache
from cache.sidecar import Sidecar
from handlers.journal import Journal
from handlers.record import JsonLines
from infra.auth.authorizer import Authorizer
from infra.requests.ids import new_request_id
from infra.requests.store_sink import StoreSink
from infra.settings import read_settings
from infra.telemetry import is_wanted
from infra.upstream import Upstream
from providers import registry

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from cache.stores.base import Store
    from handlers.orgs import Orgs
    from handlers.record import RequestLog
    from infra.requests.sink import Sink
    from infra.settings import Settings
    from infra.telemetry.context import Sampler


# Seconds for which provider secrets are still used while Secrets Manager is out: a secret that is wrong by now is
# refused by the provider, so to go on can harm nobody.
_SECRETS_GRACE: Final = 600.0


def _new_id(now: float) -> str:
    return new_request_id(now, os.urandom(10))


class ColdStart:
    """Whether a request is the first one of its sandbox; `False` for a process that waits for none."""

    def __init__(self, *, pending: bool) -> None:
        self._pending = pending

    def ends(self) -> bool:
        """True once."""
        was, self._pending = self._pending, False
        return was


@dataclass(frozen=True, slots=True)
class Services:
    """`now`: epoch seconds; `tick`: seconds of a clock that never goes back; `new_id(now)`: 32 hexadecimal digits, of
    which the first tell the time; `random(n)`: n bytes; `draw`: a number from 0 to 1; `pause`: waits for seconds. They
    are here so that a test can hold them still. `orgs` is None where no control store is set up, `sampler` where
    nothing is exported.
    """

    settings: Settings
    upstream: Upstream
    cache: ResponseCache
    sidecar: Sidecar
    content: ContentLog
    journal: Journal
    orgs: Orgs | None = None
    sampler: Sampler | None = None
    cold: ColdStart = field(default_factory=lambda: ColdStart(pending=False))
    now: Callable[[], float] = field(default=time.time)
    tick: Callable[[], float] = field(default=time.perf_counter)
    new_id: Callable[[float], str] = field(default=_new_id)
    draw: Callable[[], float] = field(default=random.random)
    random: Callable[[int], bytes] = field(default=os.urandom)
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    @property
    def members(self) -> Orgs:
        """For a request of a member, which there is none of without orgs."""
        assert self.orgs is not None  # noqa: S101
        return self.orgs

    async def close(self) -> None:
        await self.journal.close()
        await self.upstream.close()
        await self.cache.close()
        if self.orgs is not None:
            await self.orgs.close()


def build_services(env: Mapping[str, str], *, with_keys: bool = False, log: RequestLog | None = None) -> Services:
    """The services that `env` describes. Connects to nothing yet; raises `infra.settings.Misconfigured`."""
    settings = read_settings(env, registry.AVAILABLE, with_keys=with_keys)
    upstream = Upstream(settings.timeouts, authorizer=Authorizer(env))
    store = _store(settings, upstream, env)
    sealer = Sealer(_nonce)
    cache = ResponseCache(store, sealer, CachePolicy(), read_deadline=settings.cache_read_deadline)
    sidecar = Sidecar(store, sealer, read_deadline=settings.cache_read_deadline)
    content = ContentLog(store, sealer)
    orgs = _orgs(settings, upstream, env)
    sinks: dict[str, Sink] = {}
    if orgs is not None and settings.request_days:
        sinks["store"] = StoreSink(orgs.stores.requests, settings.request_days)
    sampler = _telemetry(env, upstream, sinks)
    journal = Journal(log or JsonLines(service=settings.service), sinks)
    cold = ColdStart(pending="AWS_LAMBDA_FUNCTION_NAME" in env)
    return Services(settings, upstream, cache, sidecar, content, journal, orgs, sampler, cold)


def _telemetry(env: Mapping[str, str], upstream: Upstream, sinks: dict[str, Sink]) -> Sampler | None:
    """Adds the exporter of traces and metrics where one is wanted. Raises `Misconfigured`."""
    if not is_wanted(env):
        return None
    from infra.telemetry.exporter import Exporter, Surroundings
    from infra.telemetry.settings import read_telemetry

    telemetry = read_telemetry(env)
    if telemetry is None:
        return None
    for note in telemetry.notes:
        _report(note)
    sinks["telemetry"] = Exporter(telemetry, lambda: upstream.session, Surroundings(report=_report))
    return telemetry.sampler


def _report(line: str) -> None:
    """For the operator: of settings and of the exporter, never of a request."""
    sys.stderr.write(json.dumps({"telemetry": line}) + "\n")


def _nonce() -> bytes:
    return os.urandom(NONCE_SIZE)


def _store(settings: Settings, upstream: Upstream, env: Mapping[str, str]) -> Store:
    if settings.cache_table is not None:
        from cache.stores.dynamodb import DynamoStore
        from infra.aws.calls import aws_call

        return DynamoStore(aws_call("dynamodb", upstream, env), settings.cache_table)
    if settings.cache_path is not None:
        from cache.stores.sqlite import SqliteStore

        return SqliteStore(Path(settings.cache_path))
    from cache.stores.memory import MemoryStore

    return MemoryStore()


def _orgs(settings: Settings, upstream: Upstream, env: Mapping[str, str]) -> Orgs | None:
    if settings.control_table is None and settings.control_path is None:
        return None
    from handlers.health import HealthBoard
    from handlers.orgs import Orgs
    from handlers.stores import control_stores
    from infra.control.directory import Directory
    from infra.limits.limiter import Limiter
    from infra.secrets.reader import SecretsReader

    stores = control_stores(settings, upstream, env)
    # A lease must outlive the longest request, what is settled after it included.
    lease = math.ceil(settings.timeouts.total + settings.timeouts.unread) + 60
    return Orgs(
        Directory(stores.control, settings.key_seconds),
        SecretsReader(stores.secrets, settings.secret_seconds, _SECRETS_GRACE),
        Limiter(stores.counters, lease),
        HealthBoard(stores.control),
        _nonce,
        stores,
    )
