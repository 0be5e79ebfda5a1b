"""One page of records or of sums, and one record, out of the store."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from handlers.request_log.shown import request_shown, sums_shown
from infra.requests.store import RequestsFault
from providers.errors import CallerError, InvalidRequest, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from infra.control.store import Json
    from infra.requests.store import Report, RequestStore, UsageRow, Wanted

    Place: TypeAlias = tuple[int, str, str, str]

# Seconds. Below API Gateway's 29 s for a buffered answer.
_PATIENCE: Final = 20.0


async def requests_page(
    store: RequestStore, wanted: Wanted, limit: int, after: str | None, *, now: float
) -> dict[str, Any]:
    """Newest first. Raises `InvalidRequest` for an `after` that is not of this search, and `Unavailable`."""
    async with _store_answers():
        try:
            page = await store.page(wanted, now=int(now), limit=limit, after=after)
        except ValueError:
            raise _not_of_this() from None
    return {"object": "list", "data": [request_shown(one) for one in page.records], "next": page.next}


async def one_request(store: RequestStore, org: str, request_id: str, *, key: str | None, now: float) -> dict[str, Any]:
    """`key`: the only one whose requests may be seen; None for whoever may see all. Raises the same 404 for a request
    that is not there and for one that is not for them, and `Unavailable`.
    """
    found: Mapping[str, Json] | None
    async with _store_answers():
        found = await store.get(org, request_id, now=int(now))
    if found is None or (key is not None and found.get("key") != key):
        raise CallerError("There is no such request, or not any more.", status=404, code="request_not_found")
    return request_shown(found)


async def usage_page(
    store: RequestStore, report: Report, limit: int, after: str | None, *, now: float
) -> dict[str, Any]:
    """By time, then by the dimensions. Raises as `requests_page`."""
    begin = None if after is None else _place_of(report, after)
    async with _store_answers():
        rows = await store.usage(report, now=int(now))
    rest = [row for row in rows if begin is None or _place(row) > begin]
    following = _cursor(report, rest[limit - 1]) if len(rest) > limit else None
    return {"object": "list", "data": [sums_shown(row, report.by) for row in rest[:limit]], "next": following}


@asynccontextmanager
async def _store_answers() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_PATIENCE):
            yield
    except (RequestsFault, TimeoutError):
        raise Unavailable(
            "The request log cannot be reached; try again in a moment.", code="request_log_unavailable", retry_after="1"
        ) from None


def _place(row: UsageRow) -> Place:
    return row.at, row.key or "", row.provider or "", row.model or ""


def _cursor(report: Report, row: UsageRow) -> str:
    plain = json.dumps([_seal(report), *_place(row)], separators=(",", ":"))
    return base64.urlsafe_b64encode(plain.encode()).decode("ascii")


def _place_of(report: Report, after: str) -> Place:
    """Bound to the report, but for its times: who asks for the last month has other ones at each page."""
    try:
        seal, at, key, provider, model = json.loads(base64.urlsafe_b64decode(after))
    except (ValueError, TypeError, RecursionError):
        raise _not_of_this() from None
    names = (key, provider, model)
    if seal != _seal(report) or type(at) is not int or not all(isinstance(name, str) for name in names):
        raise _not_of_this()
    return at, key, provider, model


def _seal(report: Report) -> str:
    search = [report.org, report.step, report.by, report.key, report.provider, report.model]
    return hashlib.sha256(json.dumps(search).encode()).hexdigest()[:16]


def _not_of_this() -> InvalidRequest:
    return InvalidRequest("after: is not the `next` of a page of this search.", param="after", code="invalid_value")
