"""Entries in this process only: for tests, and for a proxy that shall leave nothing on disk."""

from typing import Final

from cache.errors import CacheFault
from cache.sealed import SealedEntry

DEFAULT_MAX_ENTRIES: Final = 1024


class MemoryStore:
    """Holds at most `max_entries`; beyond that the one put longest ago goes."""

    def __init__(self, *, max_entries: int = DEFAULT_MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: dict[bytes, bytes] = {}
        self._closed = False

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        self._refuse_when_closed()
        stored = self._entries.get(item_id)
        if stored is None:
            return None
        sealed = SealedEntry.from_stored(stored)
        return sealed if sealed.expires_at > now else None

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        self._refuse_when_closed()
        self._entries.pop(item_id, None)
        if sealed.expires_at <= now:
            return
        self._entries[item_id] = sealed.stored
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]

    async def close(self) -> None:
        self._closed = True
        self._entries.clear()

    def _refuse_when_closed(self) -> None:
        if self._closed:
            raise CacheFault("the memory store is closed")
