"""Orgs and Sabir keys to the documents that a control store keeps, and back.

A document has every member of its record and the schema, 1. A member may be added with a default, and the schema stays:
a release that does not know it passes it over (and drops it when it writes the record), one that does know it reads
older documents by the default. Any other change is a new schema, which older releases refuse.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from infra.control.forms import FLAG, TEXT, WHOLE, Unreadable, any_of, blob, each, one_of, optional, record
from infra.control.records import Limits, Org, SabirKey, key_place, org_place
from infra.control.store import ControlFault
from providers.routing.virtual import FALLBACKS, STRATEGIES, Candidate, VirtualModel

if TYPE_CHECKING:
    from infra.control.forms import Record
    from infra.control.records import LogAccess, WhenDown
    from infra.control.store import Item, ItemKey, Json

_T = TypeVar("_T")

SCHEMA: Final = 1

_WHEN_DOWN: Final[tuple[WhenDown, ...]] = ("open", "closed")
LOG_ACCESS: Final[tuple[LogAccess, ...]] = ("own", "org")
_CANDIDATE: Final = record(Candidate, model=TEXT, endpoint=optional(TEXT), weight=WHOLE)
_MODEL: Final = record(
    VirtualModel,
    name=TEXT,
    candidates=each(_CANDIDATE),
    strategy=one_of(STRATEGIES),
    fallback_on=any_of(FALLBACKS),
)
_LIMITS: Final = record(
    Limits,
    requests_per_minute=optional(WHOLE),
    tokens_per_minute=optional(WHOLE),
    parallel_requests=optional(WHOLE),
    nano_usd_per_day=optional(WHOLE),
    nano_usd_per_month=optional(WHOLE),
)
_ORG: Final = record(
    Org,
    org_id=TEXT,
    created_at=WHOLE,
    share_cache=FLAG,
    cache_epoch=WHOLE,
    limits=_LIMITS,
    limits_when_down=one_of(_WHEN_DOWN),
    assumed_output_tokens=WHOLE,
    content_log_percent=WHOLE,
    content_log_seconds=WHOLE,
    models=each(_MODEL),
)
_KEY: Final = record(
    SabirKey,
    org_id=TEXT,
    key_id=TEXT,
    hash=blob(32),
    name=TEXT,
    created_at=WHOLE,
    owner=optional(TEXT),
    expires_at=optional(WHOLE),
    revoked_at=optional(WHOLE),
    models=each(TEXT),
    providers=each(TEXT),
    limits=_LIMITS,
    log_access=one_of(LOG_ACCESS),
    wrapped_cache_key=blob(),
)


def org_document(org: Org) -> dict[str, Json]:
    """`version` is the item's, and no member."""
    return {"schema": SCHEMA, **_ORG.write(org)}


def read_org(item: Item) -> Org:
    """Raises `ControlFault` for a document that cannot be read, and for one that is not the org's of its place."""
    org = _read(_ORG, item)
    _check_place(item, org_place(org.org_id))
    return replace(org, version=item.version)


def key_document(key: SabirKey) -> dict[str, Json]:
    """`version` is the item's, and no member."""
    return {"schema": SCHEMA, **_KEY.write(key)}


def read_key(item: Item) -> SabirKey:
    """Raises `ControlFault` for a document that cannot be read, and for one that is not the key's of its place."""
    key = _read(_KEY, item)
    _check_place(item, key_place(key.org_id, key.key_id))
    return replace(key, version=item.version)


def _read(form: Record[_T], item: Item) -> _T:
    place = f"the item {item.key.partition} {item.key.sort}"
    if item.document.get("schema") != SCHEMA:
        raise ControlFault(f"{place} is of a schema that this release does not know")
    try:
        return form.read(item.document, "")
    except Unreadable as fault:
        raise ControlFault(f"{place} cannot be read: {fault}") from None


def _check_place(item: Item, place: ItemKey) -> None:
    # A record that somebody copied to another org's partition is nobody's.
    if item.key != place:
        raise ControlFault(f"the item {item.key.partition} {item.key.sort} holds the record of another place")
