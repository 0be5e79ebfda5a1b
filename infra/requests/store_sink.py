"""The sink that keeps records in a store, for as long as the operator says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord
    from infra.requests.store import RequestStore

READS: Final = frozenset({"requests", "usage"})
"""Operations that read the log. They are not kept in it, for then reading would write, and who follows it would see
nothing but itself. The log's own lines have them."""

_DAY: Final = 86_400


class StoreSink:
    """`store` is closed by whoever opened it."""

    def __init__(self, store: RequestStore, days: float) -> None:
        self._store = store
        self._seconds = days * _DAY

    async def keep(self, record: RequestRecord) -> None:
        if record.operation not in READS:
            await self._store.put(record, expires_at=int(record.at + self._seconds))

    async def close(self) -> None:
        pass
