"""Records and sums as the APIs show them: money as exact decimal text in US dollars, tokens by bucket."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from handlers.admin.money import usd
from infra.requests.record import BUCKETS
from infra.requests.store import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.control.store import Json
    from infra.requests.store import Dimension, UsageRow

_MONEY: Final = {"cost_nano_usd": "cost_usd", "saved_nano_usd": "saved_usd"}


def request_shown(document: Mapping[str, Json]) -> dict[str, Any]:
    """A record's document (`RequestRecord.document`). Its id is `id` too, as clients of such lists expect one."""
    shown: dict[str, Any] = {"object": "request", "id": document.get("request_id")}
    for name, value in document.items():
        if name in _MONEY and isinstance(value, int):
            shown[_MONEY[name]] = usd(value)
        else:
            shown[name] = value
    return shown


def sums_shown(row: UsageRow, by: Sequence[Dimension]) -> dict[str, Any]:
    """Times are milliseconds: sums, by which rows can be added up, and averages, which are null of nothing.

    A dimension that was not asked for is not there.
    """
    sums = asdict(row.sums)
    requests, firsts = sums["requests"], sums["first_tokens"]
    return {
        "object": "usage",
        "at": row.at,
        **{name: getattr(row, name) for name in DIMENSIONS if name in by},
        "requests": requests,
        "hits": sums["hits"],
        "hit_rate": _ratio(sums["hits"], requests, 4),
        "errors": sums["errors"],
        "tokens": {name: sums[name] for name in BUCKETS},
        "cost_usd": usd(sums["cost_nano_usd"]),
        "saved_usd": usd(sums["saved_nano_usd"]),
        "total_ms": sums["total_ms"],
        "first_token_ms": sums["first_token_ms"],
        "first_tokens": firsts,
        "average_ms": _ratio(sums["total_ms"], requests, 1),
        "average_first_token_ms": _ratio(sums["first_token_ms"], firsts, 1),
    }


def _ratio(part: int, whole: int, digits: int) -> float | None:
    return round(part / whole, digits) if whole else None
