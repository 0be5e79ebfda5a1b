"""One call of the admin API, free of HTTP, and what its routes share: where things are, and what happens in a race."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from infra.control.codec import org_document, read_org
from infra.control.key_text import ORG_ID
from infra.control.records import org_place
from infra.control.store import Conflict, Put
from infra.secrets.store import SecretsConflict
from providers.errors import CallerError, InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from handlers.admin.body import Body
    from handlers.admin.services import AdminServices
    from infra.control.records import Org
    from infra.control.store import Item
    from providers.jsonwalk import JsonObject

T = TypeVar("T")

MOST_LISTED: Final = 100
_LIMIT: Final = re.compile(r"\d{1,9}", re.ASCII)

# An item of DynamoDB has 400 KB, and an entry of the audit trail holds a record twice, as it was and as it is.
_MAX_RECORD: Final = 150_000


@dataclass(frozen=True, slots=True)
class Call:
    """`path`: what the route's placeholders stand for; `actor`: who asks, already admitted; `now`: epoch seconds."""

    services: AdminServices
    actor: str
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Body
    now: int

    @property
    def org_id(self) -> str:
        """The org in the path. Raises a 404 for what cannot be one, so that no store is asked for strange keys."""
        org_id = self.path["org"]
        if ORG_ID.fullmatch(org_id) is None:
            raise missing("org", org_id)
        return org_id

    async def org(self) -> Org:
        """The org in the path as it is now. Raises a 404, and `ControlFault`."""
        place = org_place(self.org_id)
        found = await self.services.control.get([place], now=self.now)
        if place not in found:
            raise missing("org", self.org_id)
        return read_org(found[place])

    def window(self) -> tuple[int, str | None]:
        """`limit` and `after` of a listing. Raises `InvalidRequest`."""
        unknown = sorted(self.query.keys() - {"limit", "after"})
        if unknown:
            raise InvalidRequest(f"Unknown query parameter {unknown[0][:64]!r}.", param=unknown[0][:64])
        limit = self.query.get("limit", str(MOST_LISTED))
        if _LIMIT.fullmatch(limit) is None or not 1 <= int(limit) <= MOST_LISTED:
            raise InvalidRequest(f"limit: must be a whole number from 1 to {MOST_LISTED}.", param="limit")
        return int(limit), self.query.get("after") or None


@dataclass(frozen=True, slots=True)
class Reply:
    """`value` is shown to the operator. In one case only it holds a secret: a key that has just been issued."""

    value: JsonObject = field(repr=False)
    status: int = 200


async def listing(
    call: Call, partition: str, prefix: str, show: Callable[[Item], JsonObject], *, newest_first: bool = False
) -> Reply:
    """One page. `next`, where there is more, is the `after` of the following one."""
    limit, after = call.window()
    items = await call.services.control.page(
        partition,
        prefix,
        now=call.now,
        limit=limit + 1,
        after=None if after is None else prefix + after,
        order="descending" if newest_first else "ascending",
    )
    following = _cursor(items[:limit], prefix) if len(items) > limit else None
    return Reply({"object": "list", "data": [show(item) for item in items[:limit]], "next": following})


def _cursor(items: Sequence[Item], prefix: str) -> str:
    return items[-1].key.sort.removeprefix(prefix)


async def retried(attempt: Callable[[], Awaitable[T]]) -> T:
    """`attempt`, once more from the reading on if somebody else wrote in between; then it is a 409."""
    try:
        return await attempt()
    except (Conflict, SecretsConflict):
        pass
    try:
        return await attempt()
    except (Conflict, SecretsConflict):
        raise conflict("Somebody else is changing the same thing; look at it again, then repeat.") from None


def org_write(org: Org) -> Put:
    """The org's record over the version that was read. Raises a 413 for more than an item can hold with its history."""
    document = org_document(org)
    if len(json.dumps(document)) > _MAX_RECORD:
        raise CallerError("The virtual models of this org are too many for one record.", status=413, code="too_large")
    return Put(org_place(org.org_id), document, version=org.version)


def missing(kind: str, name: str) -> CallerError:
    return CallerError(f"There is no {kind} {name[:64]!r}.", status=404, code=f"{kind}_not_found")


def conflict(message: str) -> CallerError:
    return CallerError(message, status=409, code="conflict")
