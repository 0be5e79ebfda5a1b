"""Records of requests, and what a plain list of them would answer."""

from __future__ import annotations

import hashlib
import itertools
from typing import TYPE_CHECKING, Any

from infra.requests.ids import began_at, new_request_id
from infra.requests.record import AttemptRecord, RequestRecord
from infra.requests.store import Wanted
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infra.requests.store import RequestStore

NOW = 1_800_000_000
"""08:00 UTC, a Friday."""
HOUR, DAY = 3600, 86_400
LATER = NOW + 30 * DAY
MIDNIGHT = NOW // DAY * DAY

_numbers = itertools.count(1)


def request_id(at: float) -> str:
    """Random as real ones are, and the same in each run."""
    return new_request_id(at, hashlib.sha256(str(next(_numbers)).encode()).digest()[:10])


def a_record(at: float = NOW, **members: Any) -> RequestRecord:
    plain: dict[str, Any] = {"request_id": request_id(at), "at": at, "dialect": "chat", "org": "acme", "status": 200}
    return RequestRecord(**{**plain, **members})


def full_record(at: float = NOW, **members: Any) -> RequestRecord:
    """With everything that an ordinary request has."""
    attempt = AttemptRecord("main", "openai", "gpt-4o", 3.2, 401.7, 1203.9, 200)
    ordinary: dict[str, Any] = {
        "operation": "chat",
        "key": "7f3kq2mz4a",
        "user": "u-1",
        "tags": {"team": "search", "run": "nightly"},
        "client": "openai-python/3.1",
        "request_model": "smart",
        "model": "gpt-4o",
        "response_model": "gpt-4o-2024-08-06",
        "provider": "openai",
        "endpoint": "main",
        "stream": True,
        "attempts": [attempt],
        "cache": "miss",
        "cache_reason": "not stored",
        "stored": "stored",
        "finish_reason": "stop",
        "first_token_ms": 402.5,
        "total_ms": 1204.75,
        "upstream_ms": 1200.7,
        "overhead_ms": 4.05,
        "usage": Usage(input=812, output=120, cache_read=0, reasoning=64),
        "cost_nano_usd": 3_870_000,
        "price_version": "2026-11-30",
        "request_bytes": 4_112,
        "response_bytes": 9_871,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "span_id": "b7ad6b7169203331",
    }
    return a_record(at, **{**ordinary, **members})


def matches(record: RequestRecord, wanted: Wanted) -> bool:
    """Each condition in words of its own."""
    began = began_at(record.request_id)
    assert began is not None
    return (
        record.owner == wanted.org
        and wanted.since <= began < wanted.until
        and (wanted.key is None or record.key == wanted.key)
        and (wanted.model is None or wanted.model in (record.request_model, record.model, record.response_model))
        and (wanted.provider is None or record.provider == wanted.provider)
        and (wanted.status is None or record.status == wanted.status)
        and (wanted.outcome is None or (wanted.outcome == "error") == (record.error is not None))
        and (wanted.cache is None or record.cache == wanted.cache)
        and (wanted.user is None or record.user == wanted.user)
        and (wanted.tag is None or record.tags.get(wanted.tag[0]) == wanted.tag[1])
    )


def expected(records: Iterable[RequestRecord], wanted: Wanted) -> list[str]:
    """The ids of those that match, newest first."""
    return sorted((one.request_id for one in records if matches(one, wanted)), reverse=True)


def everything(org: str = "acme", **conditions: Any) -> Wanted:
    return Wanted(**{"org": org, "since": 0, "until": NOW + DAY, **conditions})


async def put(store: RequestStore, *records: RequestRecord, expires_at: int = LATER) -> None:
    for one in records:
        await store.put(one, expires_at=expires_at)


async def pages(store: RequestStore, wanted: Wanted, limit: int, *, now: int = NOW) -> list[list[str]]:
    """The ids of each page until there is no next one."""
    found: list[list[str]] = []
    after: str | None = None
    while True:
        page = await store.page(wanted, now=now, limit=limit, after=after)
        found.append([str(document["request_id"]) for document in page.records])
        assert len(found[-1]) <= limit
        after = page.next
        if after is None:
            return found
        assert len(found) < 1000, "the pages do not end"


async def listed(store: RequestStore, wanted: Wanted, limit: int = 100, *, now: int = NOW) -> list[str]:
    return [one for page in await pages(store, wanted, limit, now=now) for one in page]
