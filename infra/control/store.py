"""What a control store must do. Both implementations pass tests/infra/control/test_control_store.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"


class ControlFault(Exception):
    """The store failed or could not be reached: an outage, never an answer. The text holds no secret."""


class Conflict(Exception):
    """Somebody else wrote the item in between; nothing was changed. Read again and decide again."""


@dataclass(frozen=True, slots=True)
class ItemKey:
    """`partition` groups what is listed together (`ORG#acme`), `sort` orders it there (`KEY#7f3k…`)."""

    partition: str
    sort: str


@dataclass(frozen=True, slots=True)
class Item:
    """`version` counts the writes, from 1. `expires_at`: epoch seconds after which it counts as absent."""

    key: ItemKey
    document: Mapping[str, Json]
    version: int
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Put:
    """Write `document` where the item still has `version`: 0 means that there must be none, None that it may be any."""

    key: ItemKey
    document: Mapping[str, Json]
    version: int | None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    key: ItemKey
    version: int | None


Write: TypeAlias = Put | Delete


class ControlStore(Protocol):
    """Small JSON documents by key. Reads see every earlier write. `now`: epoch seconds, for what has expired.

    Every method raises `ControlFault` for whatever goes wrong, and nothing else but `Conflict`.
    """

    async def get(self, keys: Sequence[ItemKey], *, now: int) -> dict[ItemKey, Item]:
        """What is there of at most 25 keys, in one call."""
        ...

    async def page(
        self,
        partition: str,
        prefix: str,
        *,
        now: int,
        limit: int = 100,
        after: str | None = None,
        order: Literal["ascending", "descending"] = "ascending",
    ) -> list[Item]:
        """Items whose sort key starts with `prefix`, by sort key; `after`: the last one of the page before."""
        ...

    async def write(self, writes: Sequence[Write], *, now: int) -> None:
        """All of at most 25 writes or none. Raises `Conflict` where a version does not hold."""
        ...

    async def close(self) -> None: ...
