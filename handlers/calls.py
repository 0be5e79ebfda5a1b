"""One request to a provider, and what of its answer is kept."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from cache.sealed_cache import Stored
from handlers.headers import for_client
from providers.errors import UpstreamDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cache.policy import Outcome
    from cache.sealed_cache import Handle, Miss
    from handlers.asked import Asked
    from handlers.course import Turn
    from handlers.services import Services
    from infra.upstream import UpstreamResponse
    from providers.base import UpstreamRequest

# 206 and 204 are no whole answers, and no provider says a completion with another 2xx.
_ANSWERED: Final = frozenset({200, 201})


@asynccontextmanager
async def sent(
    request: UpstreamRequest, turn: Turn, asked: Asked, services: Services, *, headers: dict[str, str], limits: bool
) -> AsyncIterator[UpstreamResponse]:
    """The provider's answer, let go however it ends; what the client may see of its headers joins `headers`.

    `limits`: as in `for_client`. Raises the provider's error where it is none.
    """
    upstream: UpstreamResponse | None = None
    try:
        upstream = await services.upstream.send(request, turn.leg.provider, asked.timing.upstream)
        turn.record.status = upstream.status
        if upstream.status not in _ANSWERED:
            raise turn.provider.error(upstream.status, upstream.headers, await upstream.read_error())
        headers |= {**for_client(upstream.headers, limits=limits), **headers, **asked.notes}
        yield upstream
    finally:
        turn.record.ended_ms = asked.timing.ms
        if upstream is not None:
            upstream.close()


def note_miss(asked: Asked, miss: Miss) -> None:
    """For the log: why there was no hit."""
    record = asked.record
    record.cache = "bypass" if miss.forward == "bypass" else "miss"
    record.cache_reason, record.cache_fault = miss.reason, miss.fault or None


def too_slow(turn: Turn) -> UpstreamDown:
    provider = turn.leg.provider
    return UpstreamDown(f"{provider} did not answer in time", provider=provider, status=504, code="upstream_timeout")


async def keep(payload: bytes, outcome: Outcome, handle: Handle, asked: Asked, services: Services) -> None:
    """Store an answer, and note for the log whether it is. Raises nothing."""
    kept = await services.cache.put(handle, payload, outcome, now=int(services.now()))
    if isinstance(kept, Stored):
        asked.record.stored = "stored"
    else:
        asked.record.stored = kept.reason
        asked.record.cache_fault = kept.fault or asked.record.cache_fault
