"""The request log and its sums, of an org or, as the org `-`, of those who bring a provider's own key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.admin.call import Reply
from handlers.request_log.query import Query, report_of, wanted_of
from handlers.request_log.reading import one_request, requests_page, usage_page
from infra.requests.record import NO_ORG

if TYPE_CHECKING:
    from handlers.admin.call import Call


async def everyone(call: Call) -> Reply:
    """`GET /orgs/{org}/requests`: newest first."""
    wanted, limit, after = wanted_of(Query(call.query), await _org(call), call.now)
    return Reply(await requests_page(call.services.requests, wanted, limit, after, now=call.now))


async def show(call: Call) -> Reply:
    """`GET /orgs/{org}/requests/{id}`"""
    Query(call.query).finish()
    org = await _org(call)
    return Reply(await one_request(call.services.requests, org, call.path["request_id"], key=None, now=call.now))


async def usage(call: Call) -> Reply:
    """`GET /orgs/{org}/usage`: by time, then by what it is split by."""
    report, limit, after = report_of(Query(call.query), await _org(call), call.now)
    return Reply(await usage_page(call.services.requests, report, limit, after, now=call.now))


async def _org(call: Call) -> str:
    """Raises a 404 for an org that there is not: a typing error must not look like an org that does nothing."""
    return NO_ORG if call.path["org"] == NO_ORG else (await call.org()).org_id
