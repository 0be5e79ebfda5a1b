"""The content log: what was asked and answered, sealed under the org's own data key, for a while.

It is off unless an org wants it. What it keeps is an entry like any other, in the same store, under a root of its own
(FORMAT.md). The store holds no more of it than of an answer: whoever reads it brings the data key and the request's id.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Final

from cache.errors import CacheFault, Unopenable
from cache.identity import request_identity
from cache.keyring import EntryKeys, derive
from cache.sealed import CacheEntry, SealContext, Sealer
from cache.sealed_cache import DEFAULT_WRITE_DEADLINE, describe, put_sealed
from cache.stores.base import Store
from cache.wrapped import content_root, org_scope

VERSION: Final = 1
"""Of the identity. Another version neither finds nor is found by what this one kept."""

DEFAULT_READ_DEADLINE: Final = 5.0
"""Somebody waits for this very entry, not for an answer that could be had without it."""

_SAMPLE_LABEL: Final = b"sabir/content/sample/v1"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose content it is, and of which request. A purge raises the org's epoch: what was kept before is not found."""

    org_id: str
    epoch: int
    request_id: str


class ContentLog:
    """Deadlines are seconds."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        read_deadline: float = DEFAULT_READ_DEADLINE,
        write_deadline: float = DEFAULT_WRITE_DEADLINE,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._read_deadline = read_deadline
        self._write_deadline = write_deadline

    async def put(self, data_key: bytes, place: Place, payload: bytes, *, now: int, ttl: int) -> str:
        """Keep it for `ttl` seconds. What went wrong, in words for the log; empty where nothing did.

        Raises nothing but cancellation: the client has its answer.
        """
        try:
            keys, context = _bound(data_key, place)
            entry = CacheEntry(payload, now, now + ttl)
            async with asyncio.timeout(self._write_deadline):
                await put_sealed(self._store, self._sealer, keys.data_key, entry, context, now=now)
        except TimeoutError:
            return "the cache did not take the content in time"
        except Exception as error:  # noqa: BLE001 - whatever a store does wrong, the answer is out
            return describe(error)
        return ""

    async def get(self, data_key: bytes, place: Place, *, now: int) -> CacheEntry | None:
        """None where nothing is kept, not any more, or nothing that opens: nobody is told which.

        Raises `CacheFault` where the store does not answer, for then it is not known whether there is something.
        """
        keys, context = _bound(data_key, place)
        try:
            async with asyncio.timeout(self._read_deadline):
                sealed = await self._store.get(keys.item_id, now=now)
            if sealed is None:
                return None
            entry = self._sealer.open(keys.data_key, sealed, context)
        except TimeoutError:
            raise CacheFault("the cache did not find the content in time") from None
        except Unopenable:
            return None
        return entry if entry.expires_at > now else None


def sampled(request_id: str, percent: int) -> bool:
    """Whether this request is among the `percent` of a hundred. The same for ever, wherever it is asked.

    A request that is in at some rate is in at every higher one.
    """
    digest = hashlib.sha256(_SAMPLE_LABEL + request_id.encode()).digest()
    return int.from_bytes(digest[:8]) * 100 < percent << 64


def _bound(data_key: bytes, place: Place) -> tuple[EntryKeys, SealContext]:
    """Neither an answer nor a note has this root, nor an identity with a member `content`."""
    identity = request_identity({"content": VERSION, "of": place.request_id})
    keys = derive(content_root(data_key, place.epoch), identity)
    return keys, SealContext(keys.item_id, org_scope(place.org_id, place.epoch))
