"""Rows of sums, added up by what was asked for. Money is in whole nano-dollars, so that no cent is lost on the way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from handlers.admin.money import NANO, usd
from infra.requests.record import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from handlers.commands.api import Answer

Group: TypeAlias = tuple[str, ...]

BY: Final = ("day", "hour", "org", "key", "provider", "model")
"""In the order in which they stand in a table, whatever the order in which they were asked for."""

_FORMS: Final = {"day": "%Y-%m-%d", "hour": "%Y-%m-%dT%H:00Z"}
_ADDED: Final = ("requests", "hits", "total_ms", "first_token_ms", "first_tokens")


@dataclass(slots=True)
class Total:
    requests: int = 0
    hits: int = 0
    total_ms: int = 0
    first_token_ms: int = 0
    first_tokens: int = 0
    cost_nano_usd: int = 0
    saved_nano_usd: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)

    def add(self, row: Answer) -> None:
        for name in _ADDED:
            setattr(self, name, getattr(self, name) + row[name])
        self.cost_nano_usd += _nano(row["cost_usd"])
        self.saved_nano_usd += _nano(row["saved_usd"])
        self.errors.update(row["errors"])
        self.tokens.update(row["tokens"])

    @property
    def hit_rate(self) -> float | None:
        return self.hits / self.requests if self.requests else None

    @property
    def average_ms(self) -> float | None:
        return self.total_ms / self.requests if self.requests else None

    @property
    def average_first_token_ms(self) -> float | None:
        return self.first_token_ms / self.first_tokens if self.first_tokens else None

    def shown(self) -> dict[str, Any]:
        """As the API shows such sums."""
        return {
            **{name: getattr(self, name) for name in _ADDED},
            "hit_rate": None if self.hit_rate is None else round(self.hit_rate, 4),
            "errors": dict(self.errors),
            "tokens": {name: self.tokens[name] for name in BUCKETS},
            "cost_usd": usd(self.cost_nano_usd),
            "saved_usd": usd(self.saved_nano_usd),
        }


def by_group(rows: Iterable[tuple[str, Answer]], by: Sequence[str]) -> dict[Group, Total]:
    """Sorted by time, then by cost, the dearest first. `rows`: with the org of each."""
    totals: dict[Group, Total] = {}
    for org, row in rows:
        group = tuple(_value(name, org, row) for name in by)
        totals.setdefault(group, Total()).add(row)
    times = sum(name in _FORMS for name in by)
    ordered = sorted(totals.items(), key=lambda pair: (pair[0][:times], -pair[1].cost_nano_usd, pair[0]))
    return dict(ordered)


def whole(totals: Iterable[Answer]) -> Total:
    summed = Total()
    for row in totals:
        summed.add(row)
    return summed


def _value(name: str, org: str, row: Answer) -> str:
    if name in _FORMS:
        return datetime.fromtimestamp(row["at"], UTC).strftime(_FORMS[name])
    return org if name == "org" else str(row[name])


def _nano(amount: str) -> int:
    return int(Decimal(amount) * NANO)
