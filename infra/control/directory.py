"""Who a presented Sabir key is: looked up in the control store, and remembered for a few seconds."""

from __future__ import annotations

import asyncio
import hmac
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

from infra.control import key_text
from infra.control.codec import read_key, read_org
from infra.control.records import health_place, key_place, org_place
from providers.routing.health import read_health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.records import Org, SabirKey
    from infra.control.store import ControlStore
    from providers.routing.health import Health
    from providers.secret import Secret

DEFAULT_TTL: Final = 10.0
DEFAULT_UNKNOWN_TTL: Final = 2.0
DEFAULT_CAPACITY: Final = 1024

Verdict: TypeAlias = Literal["usable", "expired", "revoked"]
Ids: TypeAlias = tuple[str, str]
"""An org's id and a key's, or "" for every key of the org."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Known:
    """A key that exists, its org, and what the sandboxes say of the org's endpoints, by name.

    That it exists does not mean that it may be used: ask `verdict`, every time.
    """

    org: Org
    key: SabirKey
    health: Mapping[str, Health]

    def verdict(self, now: float) -> Verdict:
        if self.key.revoked_at is not None:
            return "revoked"
        if self.key.expires_at is not None and now >= self.key.expires_at:
            return "expired"
        return "usable"


class Directory:
    """Finds keys in the control store. One read serves a key for `ttl` seconds, and all who ask for it meanwhile.

    So a revoked key may still work for `ttl` seconds and the length of one read, and other changes of an org or a key
    take as long to be seen; expiry is exact, for `Known.verdict` tells it anew each time. A key or an org that is not
    there is remembered for `unknown_ttl` seconds only: it may be about to be made.

    While the store is out, keys that were read less than `ttl` seconds ago go on, and all others are a `ControlFault`:
    nobody knows whether they are good. That is remembered of no key, so the first answer of the store counts again.

    Made-up keys cannot drive good ones out of the memory, as each kind has its own place for `capacity` keys. One with
    a wrong checksum costs no read, nor do more of an unknown org. One that is well made for an existing org costs one
    read: refusing to look would lock out good keys, and the invocation that brought it has cost many times more.
    """

    def __init__(
        self,
        store: ControlStore,
        ttl: float = DEFAULT_TTL,
        *,
        unknown_ttl: float = DEFAULT_UNKNOWN_TTL,
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self._store = store
        self._known: _Recent[Known] = _Recent(ttl, capacity)
        self._unknown: _Recent[Literal[True]] = _Recent(unknown_ttl, capacity)
        self._reads: dict[Ids, asyncio.Task[Known | None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def find(self, presented: Secret, *, now: float) -> Known | None:
        """Whose key it is, or None: no such key. Raises `ControlFault` when that cannot be known.

        `now`: epoch seconds.
        """
        ids = key_text.parse(presented)
        if ids is None:
            return None
        known = await self.find_by_id(ids.org_id, ids.key_id, now=now)
        if known is None or not hmac.compare_digest(known.key.hash, key_text.hash_of(presented)):
            return None
        return known

    async def find_by_id(self, org_id: str, key_id: str, *, now: float) -> Known | None:
        """The key that a temporary credential stands for: it must be as good as if it were presented itself.

        That it is found says nothing of who asks: that takes a verified signature. Raises as `find` does.
        """
        ids = (org_id, key_id)
        known = self._known.get(ids, now)
        if known is None and not (self._unknown.get(ids, now) or self._unknown.get((org_id, ""), now)):
            known = await asyncio.shield(self._read_once(ids, now))
        return known

    def _read_once(self, ids: Ids, now: float) -> asyncio.Task[Known | None]:
        """The read that is under way for this key, or a new one. It goes on when whoever began it goes away."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            # Buffered under Mangum, an invocation may come with another loop, on which an older read never ends.
            self._loop, self._reads = loop, {}
        read = self._reads.get(ids)
        if read is None:
            read = self._reads[ids] = loop.create_task(self._read(ids, now))
            read.add_done_callback(partial(self._forget_read, ids))
        return read

    def _forget_read(self, ids: Ids, read: asyncio.Task[Known | None]) -> None:
        if self._reads.get(ids) is read:
            del self._reads[ids]
        if not read.cancelled():
            read.exception()  # seen, should nobody have waited for it to the end

    async def _read(self, ids: Ids, now: float) -> Known | None:
        org_id, key_id = ids
        org_at, key_at, health_at = org_place(org_id), key_place(org_id, key_id), health_place(org_id)
        found = await self._store.get((org_at, key_at, health_at), now=int(now))
        if org_at not in found:
            self._unknown.put((org_id, ""), value=True, now=now)
            return None
        if key_at not in found:
            self._unknown.put(ids, value=True, now=now)
            return None
        shared = found[health_at].document if health_at in found else {}
        # Stores give lists and dicts for JSON, and `read_health` takes nothing else for it.
        health = read_health(cast("dict[str, Any]", shared), now=now)
        known = Known(read_org(found[org_at]), read_key(found[key_at]), health)
        self._known.put(ids, value=known, now=now)
        return known


class _Recent(Generic[Value]):
    """At most `capacity` values, each for `ttl` seconds; beyond that the one used longest ago goes."""

    def __init__(self, ttl: float, capacity: int) -> None:
        self._ttl = ttl
        self._capacity = capacity
        self._values: OrderedDict[Ids, tuple[Value, float]] = OrderedDict()

    def get(self, ids: Ids, now: float) -> Value | None:
        value, since = self._values.get(ids, (None, now))
        # A clock that was put back must not make a value last longer than its time.
        if abs(now - since) >= self._ttl:
            self._values.pop(ids, None)
            return None
        if value is not None:
            self._values.move_to_end(ids)
        return value

    def put(self, ids: Ids, *, value: Value, now: float) -> None:
        self._values[ids] = (value, now)
        self._values.move_to_end(ids)
        if len(self._values) > self._capacity:
            self._values.popitem(last=False)
