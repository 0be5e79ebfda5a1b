"""A control store in a dictionary, for the tests of the directory: it counts, can be held up, and can go out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from infra.control.codec import key_document, org_document
from infra.control.key_text import hash_of, mint
from infra.control.records import Org, SabirKey, health_place, key_place, org_place
from infra.control.store import ControlFault, Item, ItemKey
from providers.routing.health import Health, health_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.control.directory import Known

NOW = 1_800_000_000
TTL = 10.0
SECRET = mint("acme", "abcdefg234", bytes(range(32)))
KEY = SabirKey("acme", "abcdefg234", hash_of(SECRET), "ci", NOW)
ORG = Org("acme", NOW)
HEALTH = {"east": Health(until=NOW + 30.0, failures=3, at=NOW)}


class Book:
    """A control store in a dictionary. `reads`: the places of each `get`. It waits for `gate`, where there is one."""

    def __init__(self, documents: Mapping[ItemKey, Mapping[str, Any]]) -> None:
        self.documents = dict(documents)
        self.reads: list[tuple[ItemKey, ...]] = []
        self.out = False
        self.asked = asyncio.Event()
        self.gate: asyncio.Event | None = None

    async def get(self, keys: Sequence[ItemKey], *, now: int) -> dict[ItemKey, Item]:
        assert type(now) is int
        self.reads.append(tuple(keys))
        found = {key: Item(key, self.documents[key], 1) for key in keys if key in self.documents}
        self.asked.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.out:
            raise ControlFault("the control table did not answer")
        return found

    async def page(self, *args: Any, **kwargs: Any) -> list[Item]:
        raise AssertionError("the directory lists nothing")

    async def write(self, *args: Any, **kwargs: Any) -> None:
        raise AssertionError("the directory writes nothing")

    async def close(self) -> None: ...

    def keep(self, key: SabirKey) -> None:
        self.documents[key_place(key.org_id, key.key_id)] = key_document(key)


def book(*keys: SabirKey) -> Book:
    made = Book({org_place("acme"): org_document(ORG), health_place("acme"): health_document(HEALTH)})
    for key in keys or (KEY,):
        made.keep(key)
    return made


def parts(known: Known | None) -> tuple[str, str]:
    assert known is not None
    return known.org.org_id, known.key.key_id
