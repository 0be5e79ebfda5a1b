"""Where records go after a request's last byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord


class Sink(Protocol):
    async def keep(self, record: RequestRecord) -> None:
        """May raise anything and may take long: whoever calls it bounds its time and goes on without it."""
        ...

    async def close(self) -> None: ...
