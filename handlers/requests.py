"""`GET /v1/requests`, `/v1/requests/{id}` and `/v1/usage`: what a Sabir key's own requests, or its org's, came to.

Whoever may not see a request cannot tell it from one that never was.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handlers.answer import Whole
from handlers.caller import Member
from handlers.credentials import identified
from handlers.limits import admit_hit
from handlers.request_log.query import Query, parameters, report_of, wanted_of
from handlers.request_log.reading import one_request, requests_page, usage_page
from providers.errors import Forbidden

if TYPE_CHECKING:
    from handlers.asked import Asked
    from handlers.services import Services


async def answer(asked: Asked, services: Services) -> Whole:
    """A page of records, or the one that the URL names. Raises `SabirError`."""
    member, query, now = await reader(asked, services), Query(parameters(asked.query)), services.now()
    store, org, key = services.members.stores.requests, member.org.org_id, only_key(member)
    if asked.item:
        query.finish()
        return _whole(await one_request(store, org, asked.item, key=key, now=now))
    wanted, limit, after = wanted_of(query, org, now)
    if key is not None and wanted.key not in (None, key):
        return _whole(_NOTHING)
    wanted = wanted if key is None else replace(wanted, key=key)
    return _whole(await requests_page(store, wanted, limit, after, now=now))


async def usage(asked: Asked, services: Services) -> Whole:
    """A page of sums. Raises `SabirError`."""
    member, now = await reader(asked, services), services.now()
    store, key = services.members.stores.requests, only_key(member)
    report, limit, after = report_of(Query(parameters(asked.query)), member.org.org_id, now)
    if key is not None and report.key not in (None, key):
        return _whole(_NOTHING)
    report = report if key is None else replace(report, key=key)
    return _whole(await usage_page(store, report, limit, after, now=now))


_NOTHING: dict[str, Any] = {"object": "list", "data": [], "next": None}
"""What another key's requests are to a key that may see its own alone."""


async def reader(asked: Asked, services: Services) -> Member:
    """The Sabir key that asks. It counts as a request, as a hit does: reading takes no tokens and no money."""
    caller = await identified(asked, services)
    if not isinstance(caller, Member):
        raise Forbidden(
            "The request log is for Sabir keys. What was asked with a provider's own key is shown to whoever runs this"
            " Sabir, by `sabir logs -`.",
            code="sabir_key_needed",
        )
    if caller.models is not None:
        raise Forbidden("A temporary credential does not read the request log.", code="temporary_credential")
    await admit_hit(asked, caller, services)
    return caller


def only_key(member: Member) -> str | None:
    """The key whose requests alone may be seen; None for those of the whole org."""
    return None if member.key.log_access == "org" else member.key.key_id


def _whole(body: dict[str, Any]) -> Whole:
    headers = {"content-type": "application/json", "cache-control": "no-store"}
    return Whole(200, headers, json.dumps(body).encode())
