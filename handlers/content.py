"""What a request says, for the org's content log: whether it is kept, and when it is over, sealed.

docs/content.md says what is kept, who reads it and for how long. Nothing here can fail or hold up a request: it begins
when the last byte has gone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from cache.content import Place, sampled
from handlers.aside import aside
from handlers.caller import Member
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cache.directives import CacheDirectives
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from infra.requests.record import RequestRecord

CONTENT_HEADER: Final = "x-sabir-content"

MAX_TEXT: Final = 1024 * 1024
"""Bytes of a request, and of an answer: what is larger is left out, and the log says so. Most of what is larger is not
text (images, vectors), and each megabyte costs some thousand DynamoDB write units."""


@dataclass(slots=True)
class Draft:
    """What may be kept of one request, as it becomes known.

    `member`: whose log it is, None as long as it is nobody's. `opted_out`: the caller wants it kept nowhere.
    `answer()`: as `Streamed.told`; it is called when the request is over, if at all.
    """

    member: Member | None = None
    opted_out: bool = False
    request: bytes = field(default=b"", repr=False)
    answer: Callable[[], bytes | None] = field(default=lambda: b"", repr=False)


def draft(asked: Asked, caller: Caller, directives: CacheDirectives) -> None:
    """From here on the request is one for the content log. Raises `InvalidRequest`.

    A caller can have less kept, never more: `x-sabir-content: never`, or `cache-control: no-store` (RFC 9111 §5.2.1.5:
    "must not store any part of either this request or any response to it").
    """
    wish = asked.headers.get(CONTENT_HEADER)
    if wish is not None and wish.strip().lower() != "never":
        raise InvalidRequest(f"{CONTENT_HEADER}: must be never.", param=CONTENT_HEADER, code="invalid_header")
    if isinstance(caller, Member):
        asked.draft.member = caller
        asked.draft.opted_out = wish is not None or directives.no_store
        asked.draft.request = asked.body


async def keep(draft: Draft, record: RequestRecord, services: Services, *, hurried: bool) -> None:
    """Seal what was said, where the org wants it, and note for the log whether it is kept.

    Raises nothing but cancellation. `hurried`: whoever runs this process is about to end it.
    """
    member = draft.member
    if member is None or not member.org.content_log_percent:
        return
    if draft.opted_out:
        record.content = "opted_out"
    elif not sampled(record.request_id, member.org.content_log_percent):
        record.content = "sampled_out"
    elif (data_key := member.data_key()) is None:
        record.content = "no_key"
    else:
        record.content = "fault"
        if not hurried:
            await _seal(draft, member, data_key, record, services)


async def _seal(draft: Draft, member: Member, data_key: bytes, record: RequestRecord, services: Services) -> None:
    write = partial(_document, draft, member, record)
    try:
        payload, whole = await aside(write, record.request_bytes + record.response_bytes)
    except Exception:  # noqa: BLE001 - an answer that cannot be put together is out all the same
        return
    place = Place(member.org.org_id, member.org.cache_epoch, record.request_id)
    now, ttl = int(services.now()), member.org.content_log_seconds
    fault = await services.content.put(data_key, place, payload, now=now, ttl=ttl)
    if fault:
        record.cache_fault = fault
    else:
        record.content = "kept" if whole else "partial"


def _document(draft: Draft, member: Member, record: RequestRecord) -> tuple[bytes, bool]:
    """What is sealed, as JSON, and whether nothing was left out. `left_out`: how many bytes had what was too large."""
    texts = {"request": (draft.request, record.request_bytes), "response": (draft.answer(), record.response_bytes)}
    said: dict[str, str | None] = {}
    left_out: dict[str, int] = {}
    for name, (data, size) in texts.items():
        if data is None or len(data) > MAX_TEXT:
            said[name] = None
            left_out[name] = size
        else:
            # What is no UTF-8 is no JSON either: it was refused, and is shown as well as text can.
            said[name] = data.decode("utf-8", "backslashreplace") or None
    document: Mapping[str, Any] = {
        "request_id": record.request_id,
        "key": member.key.key_id,
        "at": record.at,
        "operation": record.operation,
        "dialect": record.dialect,
        "model": record.request_model,
        "stream": record.stream,
        "status": record.status,
        "error": record.error,
        **said,
        "left_out": left_out,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode(), not left_out
