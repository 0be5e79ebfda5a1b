"""What both control stores hold their callers and their items to."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.control.store import ControlFault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.control.store import ItemKey, Json, Write

MAX_BATCH: Final = 25
"""Keys of one `get`, writes of one `write`. DynamoDB would take 100 of each; a control record needs four at most."""


def check_keys(keys: Sequence[ItemKey]) -> None:
    """ValueError is a bug of the caller's, here and below: never an outage, so never a `ControlFault`."""
    if len(keys) > MAX_BATCH:
        raise ValueError(f"{len(keys)} keys in one get, at most {MAX_BATCH} are allowed")


def check_writes(writes: Sequence[Write]) -> None:
    if len(writes) > MAX_BATCH:
        raise ValueError(f"{len(writes)} items in one write, at most {MAX_BATCH} are allowed")
    if len({write.key for write in writes}) < len(writes):
        raise ValueError("one write names the same item twice")


def check_page(prefix: str, limit: int, after: str | None) -> None:
    if limit < 1:
        raise ValueError("a page holds at least one item")
    # DynamoDB refuses a start outside of what it is asked for.
    if after is not None and not after.startswith(prefix):
        raise ValueError("a page goes on after an item with the same prefix")


def expired(expires_at: int | None, now: int) -> bool:
    """Gone from the very second in which it expires, whether or not anybody has deleted it yet."""
    return expires_at is not None and expires_at <= now


def to_text(document: Mapping[str, Json]) -> str:
    """Raises TypeError or ValueError for what is not JSON."""
    return json.dumps(dict(document), separators=(",", ":"), allow_nan=False)


def from_text(key: ItemKey, text: str) -> dict[str, Json]:
    """Raises `ControlFault`; what the text holds stays out of it."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise ControlFault(f"the item {key.partition} {key.sort} holds no JSON object")
    return document
