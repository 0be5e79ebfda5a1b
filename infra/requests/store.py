"""What a store of the request log must do. Both implementations pass tests/infra/requests/test_request_store.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.control.store import Json
    from infra.requests.record import RequestRecord

Step: TypeAlias = Literal["hour", "day"]
Dimension: TypeAlias = Literal["key", "provider", "model"]
Outcome: TypeAlias = Literal["ok", "error"]

DIMENSIONS: Final[tuple[Dimension, ...]] = ("key", "provider", "model")


class RequestsFault(Exception):
    """The store failed or could not be reached. The text holds no secret."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. Times are epoch seconds, `since` inclusive, `until` exclusive; None is without that condition.

    A record's time is the one that its id tells, in milliseconds.

    `model`: as asked for or as served. `outcome`: `error` is every record with an `error`. `tag`: name and value.
    """

    org: str
    since: float
    until: float
    key: str | None = None
    model: str | None = None
    provider: str | None = None
    status: int | None = None
    outcome: Outcome | None = None
    cache: str | None = None
    user: str | None = None
    tag: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Records as documents (`RequestRecord.document`), newest first.

    `next`: opaque, the `after` of the following page; None where there is none. A page may be short, or even empty, and
    still have a `next`: looking for what is rare is done a bounded piece at a time.
    """

    records: Sequence[Mapping[str, Json]]
    next: str | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """Of any number of requests. `errors` counts by cause; times are sums of milliseconds.

    `first_tokens`: how many requests `first_token_ms` is the sum of.
    """

    requests: int = 0
    hits: int = 0
    errors: Mapping[str, int] = field(default_factory=dict)
    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0
    audio_input: int = 0
    audio_output: int = 0
    cost_nano_usd: int = 0
    saved_nano_usd: int = 0
    total_ms: int = 0
    first_token_ms: int = 0
    first_tokens: int = 0


@dataclass(frozen=True, slots=True)
class UsageRow:
    """`at`: epoch seconds at which the hour or day begins, in UTC. A dimension that was not asked for is None.

    A value of "" stands for requests that did not get so far as to have one.
    """

    at: int
    sums: Sums
    key: str | None = None
    provider: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """Which sums: per `step`, split `by` some dimensions. `since` and `until` are rounded outwards to whole steps."""

    org: str
    since: int
    until: int
    step: Step = "day"
    by: tuple[Dimension, ...] = ()
    key: str | None = None
    provider: str | None = None
    model: str | None = None


class RequestStore(Protocol):
    """Every method raises `RequestsFault` for whatever goes wrong, and nothing else.

    `put` keeps the record until `expires_at` (epoch seconds) and adds it to the sums of its hour and day. A put that
    was tried again because its answer was lost may be counted twice in the sums; the record itself is there once. After
    a fault, the record or its sums may be there or not.
    """

    async def put(self, record: RequestRecord, *, expires_at: int) -> None:
        """A record of more than 300 KB is a fault, and so is one whose id is none of `new_request_id`."""
        ...

    async def get(self, org: str, request_id: str, *, now: int) -> Mapping[str, Json] | None: ...

    async def page(self, wanted: Wanted, *, now: int, limit: int = 100, after: str | None = None) -> Page:
        """At most `limit` records. Raises ValueError for an `after` that no page of this search has given, and for a
        limit below 1. The times may have changed since: who asks for the last hour has other ones at every page.
        """
        ...

    async def usage(self, report: Report, *, now: int) -> list[UsageRow]:
        """By time, then by the dimensions. Hours are kept for 40 days, days for 400.

        A key, provider or model whose name is longer than about 300 bytes shows as its beginning and a digest.
        """
        ...

    async def close(self) -> None: ...
