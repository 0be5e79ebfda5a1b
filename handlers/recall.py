"""`GET /v1/requests/{id}/content`: what a request and its answer said, for whoever may read its record."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cache.content import Place
from cache.errors import CacheFault
from handlers.answer import Whole
from handlers.aside import aside
from handlers.requests import only_key, reader
from infra.requests.ids import began_at
from providers.errors import CallerError, Unavailable

if TYPE_CHECKING:
    from cache.sealed import CacheEntry
    from handlers.asked import Asked
    from handlers.caller import Member
    from handlers.services import Services

_TEXTS: Final = ("request", "response")


async def answer(asked: Asked, services: Services) -> Whole:
    """Raises `SabirError`. Never there, over, of another key or org, not to be opened: all are one 404.

    A temporary credential reads nothing: it is made for browsers and jobs, and would show each of them what all the
    others said under the same key.
    """
    member = await reader(asked, services)
    entry = await _kept(asked.item, member, services)
    body = None
    if entry is not None:
        body = await aside(partial(_shown, entry, only_key(member)), len(entry.payload))
    if body is None:
        raise CallerError("No content is kept of such a request of yours.", status=404, code="content_not_found")
    return Whole(200, {"content-type": "application/json", "cache-control": "no-store"}, body)


async def _kept(request_id: str, member: Member, services: Services) -> CacheEntry | None:
    data_key = member.data_key()
    if data_key is None or began_at(request_id) is None:
        return None
    place = Place(member.org.org_id, member.org.cache_epoch, request_id)
    try:
        return await services.content.get(data_key, place, now=int(services.now()))
    except CacheFault:
        raise Unavailable(
            "The store of the content is out, so it is not known whether there is any. Try again in a moment.",
            code="content_store_unavailable",
            retry_after="1",
        ) from None


def _shown(entry: CacheEntry, only: str | None) -> bytes | None:
    """Request and answer byte for byte as they were, where they are JSON: to read them and write them anew would round
    numbers. Anything else is a string.

    `only`: the key whose requests alone may be seen, None where all of the org's may; of another one it is None.
    """
    document: dict[str, Any] = json.loads(entry.payload)
    if only not in (None, document["key"]):
        return None
    texts = {name: document.pop(name) for name in _TEXTS}
    head = json.dumps({"object": "request.content", **document, "expires_at": entry.expires_at})
    members = "".join(f',"{name}":{_json_of(text)}' for name, text in texts.items())
    return f"{head[:-1]}{members}}}".encode()


def _json_of(text: str | None) -> str:
    if text is None:
        return "null"
    try:
        json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        return json.dumps(text)
    return text


def _no_json(_: str) -> NoReturn:
    """Python reads NaN and Infinity, which no other reader would."""
    raise ValueError
