"""Limits of a key or an org, as the API speaks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.admin.body import Body, nested, optional, whole
from handlers.admin.money import nano_usd, usd
from infra.control.records import Limits

if TYPE_CHECKING:
    from handlers.admin.body import Reader
    from providers.jsonwalk import Json, JsonObject

_COUNT: Final = optional(whole(0, 10**12))
_MONEY: Final = optional(nano_usd)


def limits_over(current: Limits) -> Reader[Limits]:
    """Those that are named change, null takes one away, the others stay; null for all of them takes all away."""

    def build(body: Body) -> Limits:
        return Limits(
            requests_per_minute=body.read("requests_per_minute", _COUNT, current.requests_per_minute),
            tokens_per_minute=body.read("tokens_per_minute", _COUNT, current.tokens_per_minute),
            parallel_requests=body.read("parallel_requests", _COUNT, current.parallel_requests),
            nano_usd_per_day=body.read("usd_per_day", _MONEY, current.nano_usd_per_day),
            nano_usd_per_month=body.read("usd_per_month", _MONEY, current.nano_usd_per_month),
        )

    def read(value: Json, where: str) -> Limits:
        return Limits() if value is None else nested(build)(value, where)

    return read


def limits_shown(limits: Limits) -> JsonObject:
    return {
        "requests_per_minute": limits.requests_per_minute,
        "tokens_per_minute": limits.tokens_per_minute,
        "parallel_requests": limits.parallel_requests,
        "usd_per_day": None if limits.nano_usd_per_day is None else usd(limits.nano_usd_per_day),
        "usd_per_month": None if limits.nano_usd_per_month is None else usd(limits.nano_usd_per_month),
    }
