"""The sums that reports are made of: one cell for each hour and day, key, provider and model.

A cell's numbers are by name: those of `Sums`, and `err_` with a cause. Both stores add to cells and sum cells up.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from infra.requests.ids import began_at
from infra.requests.kept import escaped
from infra.requests.record import BUCKETS
from infra.requests.store import DIMENSIONS, RequestsFault, Sums, UsageRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infra.requests.record import RequestRecord
    from infra.requests.store import Report, Step

STEPS: Final[tuple[Step, ...]] = ("hour", "day")
SECONDS: Final[Mapping[Step, int]] = {"hour": 3600, "day": 86_400}
KEPT_FOR: Final[Mapping[Step, int]] = {"hour": 40 * 86_400, "day": 400 * 86_400}
"""Seconds from a cell's beginning."""

MAX_NAME: Final = 300
"""Bytes of an escaped name: three of them, a time and their marks stay below the 1024 of a DynamoDB sort key."""
_DIGEST: Final = 32
_HEAD: Final = MAX_NAME - _DIGEST - len(escaped("…"))
# DynamoDB's numbers have 38 digits.
_MOST: Final = 10**38
_PLAIN: Final = (
    "requests",
    "hits",
    *BUCKETS,
    "cost_nano_usd",
    "saved_nano_usd",
    "total_ms",
    "first_token_ms",
    "first_tokens",
)
_ERRORS: Final = "err_"


@dataclass(frozen=True, slots=True)
class Cell:
    """`at`: epoch seconds at which the step begins. A name is "" where the request did not get so far as to have it."""

    step: Step
    at: int
    key: str
    provider: str
    model: str

    @property
    def expires_at(self) -> int:
        return self.at + KEPT_FOR[self.step]


def cells(record: RequestRecord) -> tuple[Cell, ...]:
    """Where a request counts. Raises `RequestsFault` for an id that tells no time.

    What a caller got wrong, or did not wait for, counts for no model unless it used one: anybody can invent names, and
    each is a cell.
    """
    began = began_at(record.request_id)
    if began is None:
        raise RequestsFault("a request's id does not tell when it began")
    model = "" if _may_be_invented(record) else record.model or ""
    names = (bounded(record.key or ""), bounded(record.provider or ""), bounded(model))
    return tuple(Cell(step, int(began) // SECONDS[step] * SECONDS[step], *names) for step in STEPS)


def _may_be_invented(record: RequestRecord) -> bool:
    """Whether nobody but the caller has said that there is such a model: no answer, and no price list."""
    if record.error is None:
        return False
    if record.cause == "client_gone":  # its usage is what is likely, also of a model that there is not
        return record.response_model is None and record.cost_nano_usd is None
    return record.cause in ("caller", "limit") and record.usage is None


def numbers(record: RequestRecord) -> dict[str, int]:
    """What a request adds to its cells; what it adds nothing to is left out."""
    usage, first = record.usage, record.first_token_ms
    added: dict[str, int | None] = {
        "requests": 1,
        "hits": int(record.cache == "hit"),
        **({} if usage is None else {name: getattr(usage, name) for name in BUCKETS}),
        "cost_nano_usd": record.cost_nano_usd,
        "saved_nano_usd": record.saved_nano_usd,
        "total_ms": round(record.total_ms or 0),
        "first_token_ms": round(first or 0),
        "first_tokens": int(first is not None),
    }
    if record.error is not None:
        added[f"{_ERRORS}{record.cause or ''}"] = 1
    plain = {name: number for name, number in added.items() if number}
    if any(abs(number) >= _MOST for number in plain.values()):
        raise RequestsFault("a request counts more than a store can hold")
    return plain


def bounded(name: str) -> str:
    """The name; of one that is too long its beginning and a digest, so that it is still one of its own."""
    if len(escaped(name)) <= MAX_NAME:
        return name
    head = name
    while (size := len(escaped(head))) > _HEAD:
        head = head[: len(head) * _HEAD // size]
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{head}…{digest[:_DIGEST]}"


def times(report: Report, now: int) -> range:
    """When the cells of a report begin. What has expired is not there, whether or not somebody has deleted it.

    Nothing has begun later than now; a step more is for clocks that differ.
    """
    seconds = SECONDS[report.step]
    kept_since = (now - KEPT_FOR[report.step]) // seconds * seconds + seconds
    since = max(report.since // seconds * seconds, kept_since)
    until = min(-(-report.until // seconds) * seconds, now // seconds * seconds + 2 * seconds)
    return range(since, until, seconds)


def summed(report: Report, found: Iterable[tuple[Cell, Mapping[str, int]]]) -> list[UsageRow]:
    """The rows of a report, of cells that are of its time."""
    filters = [
        (name, bounded(value))
        for name, value in (("key", report.key), ("provider", report.provider), ("model", report.model))
        if value is not None
    ]
    by_place: dict[tuple[int, str, str, str], dict[str, int]] = {}
    for cell, amounts in found:
        if all(getattr(cell, name) == value for name, value in filters):
            key, provider, model = (getattr(cell, name) if name in report.by else "" for name in DIMENSIONS)
            add(by_place.setdefault((cell.at, key, provider, model), {}), amounts)
    return [_row(report, place, sums) for place, sums in sorted(by_place.items())]


def add(sums: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        sums[name] = sums.get(name, 0) + amount


def _row(report: Report, place: tuple[int, str, str, str], sums: Mapping[str, int]) -> UsageRow:
    at, *names = place
    errors = {name.removeprefix(_ERRORS): count for name, count in sums.items() if name.startswith(_ERRORS)}
    split = {name: value for name, value in zip(DIMENSIONS, names, strict=True) if name in report.by}
    return UsageRow(at, Sums(errors=errors, **{name: sums.get(name, 0) for name in _PLAIN}), **split)
