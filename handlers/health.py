"""How the orgs' endpoints are doing: what this sandbox has seen, joined with what the others have published.

Nothing here is on a request's way: it reads what came with its key's record, and publishes after its last byte.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from infra.control.records import health_place
from infra.control.store import Conflict, ControlFault, Put
from providers.routing import health
from providers.routing.health import Health, health_document, read_health

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import ControlStore, ItemKey
    from providers.errors import UpstreamError

# Seconds. Times to the first token drift; a cooldown that began or ended is told at once.
_BETWEEN_PACES: Final = 15.0
# What nobody has renewed for so long is no longer true.
_KEPT: Final = 3600
# Seconds. A sandbox must not wait for a store that hangs, with the client's answer long out.
_PATIENCE: Final = 5.0


class HealthBoard:
    """One for the life of the process, for all orgs that it serves."""

    def __init__(self, control: ControlStore) -> None:
        self._control = control
        self._seen: dict[str, dict[str, Health]] = {}
        self._urgent: set[str] = set()
        self._published: dict[str, float] = {}

    def of(self, org_id: str, published: Mapping[str, Health]) -> Mapping[str, Health]:
        """By endpoint name: what is known here, and what others know better."""
        mine = self._seen.get(org_id)
        if not mine:
            return published
        names = {*mine, *published}
        return {name: health.merged(mine.get(name, _NEW), published.get(name, _NEW)) for name in names}

    def failed(self, org_id: str, endpoint: str, error: UpstreamError, *, now: float) -> None:
        before = self._of(org_id, endpoint)
        self._note(org_id, endpoint, before, health.failed(before, error, now))

    def answered(
        self, org_id: str, endpoint: str, model: str, seconds: float | None, *, sent: float, now: float
    ) -> None:
        """`seconds` to the first token; None for a whole answer, which does not show it. `sent`: when it was asked."""
        before = self._of(org_id, endpoint)
        if seconds is not None:
            self._note(org_id, endpoint, before, health.answered(before, model, seconds, now))
        elif before.until or before.failures:
            self._note(org_id, endpoint, before, health.recovered(before, sent))

    async def publish(self, org_id: str, *, now: float) -> None:
        """Tell the other sandboxes, if there is something to tell. Raises nothing: who misses it finds out himself."""
        due = now - self._published.get(org_id, 0.0) >= _BETWEEN_PACES
        if org_id not in self._urgent and not (due and org_id in self._seen):
            return
        self._urgent.discard(org_id)
        self._published[org_id] = now
        place = health_place(org_id)
        with suppress(ControlFault, Conflict, TimeoutError):
            await asyncio.wait_for(self._write(org_id, place, now), _PATIENCE)

    async def _write(self, org_id: str, place: ItemKey, now: float) -> None:
        item = (await self._control.get([place], now=int(now))).get(place)
        theirs = read_health(item.document, now=now) if item else {}
        document = health_document(self.of(org_id, theirs))
        version = item.version if item else 0
        await self._control.write([Put(place, document, version, int(now) + _KEPT)], now=int(now))

    def _of(self, org_id: str, endpoint: str) -> Health:
        return self._seen.get(org_id, {}).get(endpoint, _NEW)

    def _note(self, org_id: str, endpoint: str, before: Health, after: Health) -> None:
        if after is before:
            return
        self._seen.setdefault(org_id, {})[endpoint] = after
        if after.until != before.until:
            self._urgent.add(org_id)


_NEW: Final = Health()
