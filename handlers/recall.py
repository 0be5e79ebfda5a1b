"""`GET /v1/requests/{id}/content`: what a request and its answer said, for whoever has the key that asked."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cache.content import Place
from cache.errors import CacheFault
from handlers.answer import Whole
from handlers.caller import Member
from handlers.credentials import identify
from infra.requests.ids import began_at
from providers.errors import CallerError, Forbidden, Unavailable

if TYPE_CHECKING:
    from cache.sealed import CacheEntry
    from handlers.asked import Asked
    from handlers.services import Services

_TEXTS: Final = ("request", "response")

# Bytes. To check and copy more takes longer than other requests should wait.
_INLINE: Final = 128 * 1024


async def answer(asked: Asked, services: Services) -> Whole:
    """Raises `SabirError`. Never there, over, of another key or org, not to be opened: all are one 404."""
    caller = await identify(asked.headers, services)
    if not isinstance(caller, Member):
        raise Forbidden("Content is kept for members of an org; present the Sabir key that asked.")
    asked.record.org, asked.record.key = caller.org.org_id, caller.key.key_id
    if caller.models is not None:
        # Made for browsers and jobs, it would show each of them what all the others said under the same key.
        raise Forbidden("A temporary credential reads no content.", code="temporary_credential")
    entry = await _kept(asked.item, caller, services)
    document: dict[str, Any] | None = None if entry is None else json.loads(entry.payload)
    if entry is None or document is None or not _may_read(caller, document["key"]):
        raise CallerError("No content is kept of such a request of yours.", status=404, code="content_not_found")
    write = partial(_shown, document, entry.expires_at)
    body = write() if len(entry.payload) <= _INLINE else await asyncio.to_thread(write)
    return Whole(200, {"content-type": "application/json", "cache-control": "no-store"}, body)


def _may_read(caller: Member, key_id: str) -> bool:
    """The one place that says whose requests a key may read. `key_id`: of the key that asked."""
    return key_id == caller.key.key_id


async def _kept(request_id: str, caller: Member, services: Services) -> CacheEntry | None:
    data_key = caller.data_key()
    if data_key is None or began_at(request_id) is None:
        return None
    place = Place(caller.org.org_id, caller.org.cache_epoch, request_id)
    try:
        return await services.content.get(data_key, place, now=int(services.now()))
    except CacheFault:
        raise Unavailable(
            "The store of the content is out, so it is not known whether there is any. Try again in a moment.",
            code="content_store_unavailable",
            retry_after="1",
        ) from None


def _shown(document: dict[str, Any], expires_at: int) -> bytes:
    """Request and answer byte for byte as they were, where they are JSON: to read them and write them anew would round
    numbers. Anything else is a string."""
    texts = {name: document.pop(name) for name in _TEXTS}
    head = json.dumps({"object": "request.content", **document, "expires_at": expires_at})
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
