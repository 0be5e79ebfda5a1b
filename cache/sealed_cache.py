"""The cache as the pipeline uses it: one call to look up, one to store, and no way for either to fail a request."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Literal, TypeAlias

from cache.directives import CacheDirectives
from cache.errors import CacheFault
from cache.keyring import EntryKeys, derive
from cache.policy import (
    CachePolicy,
    Discard,
    DiscardReason,
    Expired,
    ExpiredReason,
    Outcome,
    RequestFacts,
    Skip,
    SkipReason,
)
from cache.sealed import CacheEntry, SealContext, Sealer
from cache.stores.base import Store

DEFAULT_READ_DEADLINE: Final = 0.05
DEFAULT_WRITE_DEADLINE: Final = 2.0
# Bytes. Compressing takes about 40 ms for each megabyte: above this, other streams must not wait for it.
_SEALED_INLINE: Final = 64 * 1024
CALLER_SCOPE: Final = b"key"
"""The scope of entries under a caller's own key."""

MissReason: TypeAlias = SkipReason | ExpiredReason | Literal["absent", "fault", "timeout"]
NotStoredReason: TypeAlias = DiscardReason | Literal["no-handle", "fault", "timeout"]
Forward = Literal["bypass", "request", "miss", "stale"]
"""RFC 9211 §2.2. The whole request is the key, so `uri-miss` and `vary-miss` are one: that is its `miss`."""

_FORWARD: Final[Mapping[MissReason, Forward]] = {
    "never": "bypass",
    "no-store": "bypass",
    "not-deterministic": "bypass",
    "no-cache": "request",
    "absent": "miss",
    "expired": "stale",
    "max-age": "request",
    "min-fresh": "request",
    "fault": "miss",
    "timeout": "miss",
}


@dataclass(frozen=True, slots=True)
class Handle:
    """The right to store the answer to one looked-up request. Opaque; made by `look_up`, spent by `put`."""

    _keys: EntryKeys = field(repr=False)
    _scope: bytes
    _directives: CacheDirectives
    _facts: RequestFacts

    def _context(self) -> SealContext:
        return SealContext(self._keys.item_id, self._scope)


@dataclass(frozen=True, slots=True)
class Hit:
    """`age` and `remaining` in seconds, for `age`, `cache-control: max-age` and `cache-status: …; hit; ttl=`."""

    entry: CacheEntry
    age: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Miss:
    """`reason` is the `detail` and `forward` the `fwd` of `cache-status` (RFC 9211).

    `handle` goes to `put` when the answer is there; None means that it will not be kept. `may_forward` False: the
    caller wants 504 now. `fault` says for the log what failed, without a secret; empty when nothing did.
    """

    reason: MissReason
    handle: Handle | None
    may_forward: bool
    fault: str = ""

    @property
    def forward(self) -> Forward:
        return _FORWARD[self.reason]


@dataclass(frozen=True, slots=True)
class Stored:
    """The answer is kept for `ttl` seconds."""

    ttl: int


@dataclass(frozen=True, slots=True)
class NotStored:
    """`fault` as in `Miss`."""

    reason: NotStoredReason
    fault: str = ""


Answer: TypeAlias = Hit | Miss
Kept: TypeAlias = Stored | NotStored


@dataclass(slots=True)
class Counters:
    """Since the start of this process. `misses` counts every look-up without an answer, faults included, skips not."""

    hits: int = 0
    misses: int = 0
    skips: int = 0
    read_faults: int = 0
    read_timeouts: int = 0
    stored: int = 0
    discarded: int = 0
    write_faults: int = 0
    write_timeouts: int = 0


class ResponseCache:
    """Deadlines are seconds: a read that takes longer is a miss, a write that takes longer is given up."""

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        policy: CachePolicy,
        *,
        read_deadline: float = DEFAULT_READ_DEADLINE,
        write_deadline: float = DEFAULT_WRITE_DEADLINE,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._policy = policy
        self._read_deadline = read_deadline
        self._write_deadline = write_deadline
        self.counters = Counters()

    async def look_up(
        self,
        root: bytes,
        identity: bytes,
        directives: CacheDirectives,
        facts: RequestFacts,
        *,
        now: int,
        scope: bytes = CALLER_SCOPE,
    ) -> Answer:
        """`root` and `identity` as in `keyring.derive`; `now` in epoch seconds.

        Whatever the store does is a `Miss`. Raises ValueError for an empty root, which no caller can have.
        """
        verdict = self._policy.lookup(directives, facts)
        if isinstance(verdict, Skip):
            self.counters.skips += 1
            handle = Handle(derive(root, identity), scope, directives, facts) if verdict.storable else None
            return Miss(verdict.reason, handle, self._policy.may_forward(directives))
        handle = Handle(derive(root, identity), scope, directives, facts)
        try:
            entry = await self._read(handle, now)
        except TimeoutError:
            self.counters.read_timeouts += 1
            return self._miss("timeout", handle, "the cache did not answer in time")
        except Exception as error:  # noqa: BLE001 - whatever a store does wrong, the request goes on without it
            self.counters.read_faults += 1
            return self._miss("fault", handle, describe(error))
        if entry is None:
            return self._miss("absent", handle)
        reuse = self._policy.reuse(entry, directives, now)
        if isinstance(reuse, Expired):
            return self._miss(reuse.reason, handle)
        self.counters.hits += 1
        return Hit(entry, reuse.age, reuse.remaining)

    async def put(self, handle: Handle | None, payload: bytes, outcome: Outcome, *, now: int) -> Kept:
        """Seal and store the answer to a missed request, after its last byte. Raises nothing but cancellation.

        `now` is when the answer was complete: its age counts from here.
        """
        if handle is None:
            return NotStored("no-handle")
        verdict = self._policy.store(handle._directives, handle._facts, outcome)
        if isinstance(verdict, Discard):
            self.counters.discarded += 1
            return NotStored(verdict.reason)
        try:
            await self._write(handle, CacheEntry(payload, now, now + verdict.ttl), now)
        except TimeoutError:
            self.counters.write_timeouts += 1
            return NotStored("timeout", "the cache did not take the entry in time")
        except Exception as error:  # noqa: BLE001 - the client has its answer; a lost entry is a later miss
            self.counters.write_faults += 1
            return NotStored("fault", describe(error))
        self.counters.stored += 1
        return Stored(verdict.ttl)

    async def close(self) -> None:
        await self._store.close()

    def _miss(self, reason: MissReason, handle: Handle, fault: str = "") -> Miss:
        self.counters.misses += 1
        return Miss(reason, handle, self._policy.may_forward(handle._directives), fault)

    async def _read(self, handle: Handle, now: int) -> CacheEntry | None:
        async with asyncio.timeout(self._read_deadline):
            sealed = await self._store.get(handle._keys.item_id, now=now)
        if sealed is None:
            return None
        return self._sealer.open(handle._keys.data_key, sealed, handle._context())

    async def _write(self, handle: Handle, entry: CacheEntry, now: int) -> None:
        async with asyncio.timeout(self._write_deadline):
            await put_sealed(self._store, self._sealer, handle._keys.data_key, entry, handle._context(), now=now)


async def put_sealed(
    store: Store, sealer: Sealer, data_key: bytes, entry: CacheEntry, context: SealContext, *, now: int
) -> None:
    """Seal and store; a large entry is sealed in a thread. Raises what sealer and store raise."""
    seal = partial(sealer.seal, data_key, entry, context)
    sealed = seal() if len(entry.payload) <= _SEALED_INLINE else await asyncio.to_thread(seal)
    await store.put(context.item_id, sealed, now=now)


def describe(error: Exception) -> str:
    """For the log. Our own faults are written to be shown; any other exception may quote anything."""
    return str(error) if isinstance(error, CacheFault) else f"unexpected {type(error).__name__}"
