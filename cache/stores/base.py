"""What a store must do. Every implementation passes tests/cache/test_store_conformance.py."""

from typing import Protocol

from cache.sealed import SealedEntry


class Store(Protocol):
    """Keeps sealed entries by id. It raises `CacheFault` for whatever goes wrong, and never anything else.

    A put under a known id replaces the entry. A store may forget any entry at any time; what it returns is what was
    put, whole, or None. `now` is epoch seconds; an entry is gone from `expires_at` on.
    """

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None: ...

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None: ...

    async def close(self) -> None:
        """Gives back what the store opened itself. Using it afterwards is a `CacheFault`; closing again is not."""
        ...
