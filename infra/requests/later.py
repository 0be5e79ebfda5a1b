"""A store of requests that is made at its first use, so that no process imports it before it has a record to put."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.control.store import Json
    from infra.requests.record import RequestRecord
    from infra.requests.store import Page, Report, RequestStore, UsageRow, Wanted


class LaterRequests:
    """`make` opens nothing, as no store does before it is asked, and so cannot fail."""

    def __init__(self, make: Callable[[], RequestStore]) -> None:
        self._make = make
        self._made: RequestStore | None = None

    async def put(self, record: RequestRecord, *, expires_at: int) -> None:
        await self._store().put(record, expires_at=expires_at)

    async def get(self, org: str, request_id: str, *, now: int) -> Mapping[str, Json] | None:
        return await self._store().get(org, request_id, now=now)

    async def page(self, wanted: Wanted, *, now: int, limit: int = 100, after: str | None = None) -> Page:
        return await self._store().page(wanted, now=now, limit=limit, after=after)

    async def usage(self, report: Report, *, now: int) -> list[UsageRow]:
        return await self._store().usage(report, now=now)

    async def close(self) -> None:
        """One that was never made is made only to be closed, so that it stays so."""
        await self._store().close()

    def _store(self) -> RequestStore:
        if self._made is None:
            self._made = self._make()
        return self._made
