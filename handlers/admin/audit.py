"""The audit trail: who changed what, written before the change and completed after it.

An entry whose outcome is still `started` tells of a change that may or may not have happened: the function, or the
store, failed in between. A change without an entry cannot be.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from handlers.admin.call import Reply, listing
from handlers.record import word_of
from infra.control.store import Conflict, ControlFault, ItemKey, Put
from infra.secrets.store import SecretsConflict, SecretsFault
from providers.errors import SabirError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from handlers.admin.call import Call
    from infra.control.store import Item
    from providers.jsonwalk import Json, JsonObject

_PREFIX: Final = "AUDIT#"


@dataclass(frozen=True, slots=True)
class Entry:
    """`at_ms`: epoch milliseconds. `changes`: members by name, each as it was and as it is to be, never a secret."""

    id: str
    at_ms: int
    org_id: str
    actor: str
    action: str
    subject: str
    changes: JsonObject = field(default_factory=dict)
    outcome: str = "started"

    @property
    def place(self) -> ItemKey:
        return ItemKey(f"ORG#{self.org_id}", f"{_PREFIX}{self.at_ms:013d}#{self.id}")

    @property
    def document(self) -> JsonObject:
        return {
            "id": self.id,
            "at": self.at_ms / 1000,
            "actor": self.actor,
            "action": self.action,
            "subject": self.subject,
            "changes": self.changes,
            "outcome": self.outcome,
        }


@asynccontextmanager
async def recorded(
    call: Call, action: str, subject: str, changes: JsonObject, *, org_id: str | None = None
) -> AsyncIterator[None]:
    """Around a change. Raises `ControlFault` before anything is changed where the entry cannot be written.

    `org_id`: of an org that is yet to be, else the one in the path.
    """
    services = call.services
    at_ms = int(services.now() * 1000)
    entry = Entry(services.new_id(), at_ms, org_id or call.org_id, call.actor, action, subject, changes)
    await services.control.write([Put(entry.place, entry.document, version=0)], now=call.now)
    try:
        yield
    except Exception as fault:
        await _complete(call, entry, f"failed: {_word(fault)}")
        raise
    await _complete(call, entry, "done")


async def _complete(call: Call, entry: Entry, outcome: str) -> None:
    """What was done is done, and its answer may be a key that is shown only once: a fault here does not undo it."""
    document = replace(entry, outcome=outcome).document
    try:
        await call.services.control.write([Put(entry.place, document, version=1)], now=call.now)
    except (ControlFault, Conflict) as fault:
        call.services.report(f"audit entry {entry.id} of {entry.org_id} was not completed ({outcome}): {fault}")


def _word(fault: Exception) -> str:
    match fault:
        case SabirError():
            return word_of(fault)
        case Conflict() | SecretsConflict():
            return "conflict"
        case ControlFault() | SecretsFault():
            return "outage"
        case _:
            return "internal_error"


def differences(before: Mapping[str, Json], after: Mapping[str, Json]) -> JsonObject:
    """The members that differ, each with both values; one that is not there is null. Its kind is no change."""
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name) and name != "object"
    }


async def trail(call: Call) -> Reply:
    """`GET /orgs/{org}/audit`: newest first. Also for an org whose creation failed: its entries are all there is."""
    return await listing(call, f"ORG#{call.org_id}", _PREFIX, _shown, newest_first=True)


def _shown(item: Item) -> JsonObject:
    return dict(item.document)  # type: ignore[arg-type]  # written above, from a JsonObject
