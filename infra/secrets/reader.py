"""The orgs' provider secrets as the proxy asks for them: from memory, at most as old as said, and through an outage."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from infra.secrets.org_secrets import BadDocument, org_document_name, read_org_secrets
from infra.secrets.store import SecretsFault

if TYPE_CHECKING:
    from infra.secrets.org_secrets import OrgSecrets
    from infra.secrets.store import SecretStore, Stage

    _Key: TypeAlias = tuple[str, Stage]
    _Flight: TypeAlias = asyncio.Task[OrgSecrets | None]

PAUSE: Final = 5.0
"""Seconds in which what just brought nothing (a store that is out, a re-read after a 401) is not tried again.

Without it, each request of an outage would wait for the store's timeouts, and each one of an org whose provider refuses
its key would cost a call to the store.
"""


@dataclass(slots=True)
class _Copy:
    """`fresh_until`: served unasked. `usable_until`: served while the store is out. None: there is no document."""

    value: OrgSecrets | None
    fresh_until: float
    usable_until: float


class SecretsReader:
    """`ttl`: seconds for which a copy is served unasked, that is how long a change may take to be seen everywhere.
    `grace`: seconds after that in which the copy is still served while the store is out; then it is a `SecretsFault`.

    An outage is never an answer: that an org has no document is believed for `PAUSE` seconds at most and not in an
    outage. `now` is in seconds and may be of any clock that counts on. Nothing here outlives an event loop.
    """

    def __init__(self, store: SecretStore, ttl: float, grace: float) -> None:
        self._store = store
        self._ttl = ttl
        self._grace = grace
        self._copies: dict[_Key, _Copy] = {}
        self._flights: dict[_Key, _Flight] = {}
        self._in_vain: dict[str, float] = {}

    async def of(self, org_id: str, *, now: float) -> OrgSecrets | None:
        """The org's secrets, None where it has none. Raises `SecretsFault`."""
        return await self._cached((org_id, "current"), now)

    async def previous(self, org_id: str, *, now: float) -> OrgSecrets | None:
        """Those before the last change: for a rotation whose new secret the provider does not know yet."""
        return await self._cached((org_id, "previous"), now)

    async def renewed(self, org_id: str, seen: str, *, now: float) -> OrgSecrets | None:
        """After a provider's 401 for a secret of version `seen`: what the store has now, without regard to `ttl`.

        An answer of version `seen` means that there is nothing newer: give up, or try `previous`. A copy that is newer
        already is the answer. What was asked in vain is asked again after `PAUSE` seconds, so that a secret which stays
        wrong does not bring a call to the store with each request.
        """
        copy = self._copies.get((org_id, "current"))
        same = copy is not None and copy.value is not None and copy.value.version == seen
        if not same or now < self._in_vain.get(org_id, -math.inf) + PAUSE:
            return await self.of(org_id, now=now)
        found = await self._refreshed((org_id, "current"), now)
        if found is None or found.version == seen:
            self._in_vain[org_id] = now
        return found

    async def _cached(self, key: _Key, now: float) -> OrgSecrets | None:
        copy = self._copies.get(key)
        if copy is not None and now < copy.fresh_until:
            return copy.value
        return await self._refreshed(key, now)

    async def _refreshed(self, key: _Key, now: float) -> OrgSecrets | None:
        copy = self._copies.get(key)
        try:
            return await self._fetched(key, now)
        except SecretsFault:
            if copy is None or now >= copy.usable_until:
                raise
            copy.fresh_until = max(copy.fresh_until, min(now + PAUSE, copy.usable_until))
            return copy.value

    async def _fetched(self, key: _Key, now: float) -> OrgSecrets | None:
        """One read for all who ask meanwhile. One of them who goes away takes it from nobody else."""
        flight = self._flights.get(key)
        loop = asyncio.get_running_loop()
        # Under Mangum an invocation may come with another loop; what the old one left behind never ends.
        if flight is None or flight.get_loop() is not loop:
            flight = self._flights[key] = loop.create_task(self._fly(key, now))
            flight.add_done_callback(_look_at)
        return await asyncio.shield(flight)

    async def _fly(self, key: _Key, now: float) -> OrgSecrets | None:
        flight = asyncio.current_task()
        try:
            found = await self._read(key)
            if self._flights.get(key) is flight:
                self._keep(key, found, now)
            return found
        finally:
            if self._flights.get(key) is flight:
                del self._flights[key]

    async def _read(self, key: _Key) -> OrgSecrets | None:
        org_id, stage = key
        document = await self._store.read(org_document_name(org_id), stage)
        try:
            return None if document is None else read_org_secrets(document)
        except BadDocument as fault:
            raise SecretsFault(f"the document of {org_id} cannot be used: {fault}") from fault

    def _keep(self, key: _Key, found: OrgSecrets | None, now: float) -> None:
        org_id, stage = key
        before = self._copies.get(key)
        if found is None:
            until = now + min(self._ttl, PAUSE)
            self._copies[key] = _Copy(None, until, until)
        else:
            until = now + self._ttl
            self._copies[key] = _Copy(found, until, until + self._grace)
        if stage == "current" and _version(before) != (found.version if found else None):
            # What was current is the previous one now, and a read of it that is under way may bring the one before.
            self._copies.pop((org_id, "previous"), None)
            self._flights.pop((org_id, "previous"), None)
        # Secrets stay in memory for no longer than they can be of use.
        for old in [other for other, copy in self._copies.items() if copy.usable_until <= now]:
            del self._copies[old]


def _version(copy: _Copy | None) -> str | None:
    return copy.value.version if copy and copy.value else None


def _look_at(flight: _Flight) -> None:
    """Its fault, if any, has been told to those who waited, or nobody waits any more: asyncio need not complain."""
    if not flight.cancelled():
        flight.exception()
