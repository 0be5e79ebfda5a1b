"""A member's limits on the way of a request: reserved before it is sent, settled after its last byte."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Final, NoReturn

from handlers.caller import Member
from infra.limits.counters import CountersFault
from infra.limits.limiter import Denied, Need, Scope
from providers import catalog
from providers.errors import Forbidden, OverBudget, OverLimit, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.estimates import Estimate
    from handlers.services import Services
    from handlers.tab import Tab
    from infra.control.records import Limits
    from infra.limits.limiter import Admission, Limiter, LimitName
    from providers.routing.plan import Plan
    from providers.routing.serving import Leg

_WORDS: Final[dict[LimitName, str]] = {
    "requests_per_minute": "requests per minute",
    "tokens_per_minute": "tokens per minute",
    "parallel_requests": "parallel requests",
    "nano_usd_per_day": "money per day",
    "nano_usd_per_month": "money per month",
}

# Seconds. The counters answer in milliseconds, or not at all.
_PATIENCE: Final = 5.0


async def admit_hit(asked: Asked, caller: Caller, services: Services) -> None:
    """Raises as `Allowance.for_hit`. The bearer of a provider's own key has no limits here."""
    if isinstance(caller, Member):
        await Allowance(services.members.limiter, caller, asked, services.now).for_hit()


async def admit(asked: Asked, caller: Caller, plan: Plan, tab: Tab, services: Services) -> None:
    """Raises as `Allowance.for_miss`."""
    if isinstance(caller, Member):
        await Allowance(services.members.limiter, caller, asked, services.now).for_miss(plan.legs, tab)


class Allowance:
    """One request of a member within its key's and its org's limits."""

    def __init__(self, limiter: Limiter, member: Member, asked: Asked, now: Callable[[], float]) -> None:
        self._limiter = limiter
        self._member = member
        self._asked = asked
        self._now = now

    async def for_hit(self) -> None:
        """A hit takes no tokens and no money. Raises `OverLimit`, or `Unavailable` where limits fail closed."""
        try:
            async with asyncio.timeout(_PATIENCE):
                admitted = await self._limiter.admit_hit(self._scopes(), lease_id=self._lease_id, now=self._now())
        except (CountersFault, TimeoutError):
            self._unknown()
        else:
            self._take(admitted, None)

    async def for_miss(self, legs: Iterable[Leg], tab: Tab) -> None:
        """Reserve what the dearest of the ways may take. Raises as `for_hit`, and `OverBudget`, `Forbidden`."""
        need = self._need(tab.estimate, legs, tab.at)
        try:
            async with asyncio.timeout(_PATIENCE):
                admitted = await self._limiter.admit(self._scopes(), need, lease_id=self._lease_id, now=self._now())
        except (CountersFault, TimeoutError):
            self._unknown()
        else:
            self._take(admitted, tab)

    @property
    def _lease_id(self) -> str:
        return self._asked.record.request_id

    def _scopes(self) -> tuple[Scope, Scope]:
        org, key = self._member.org, self._member.key
        return Scope(f"key/{org.org_id}/{key.key_id}", key.limits), Scope(f"org/{org.org_id}", org.limits)

    def _need(self, estimate: Estimate, legs: Iterable[Leg], now: int) -> Need:
        """The prices are looked at only where there is a budget: the list of them costs a cold start."""
        limits = (self._member.key.limits, self._member.org.limits)
        assumed = self._member.org.assumed_output_tokens
        counted = any(each.tokens_per_minute is not None for each in limits)
        tokens = estimate.tokens(assumed) if counted else 0
        held = any(map(_budget, limits))
        money = max((_bound(estimate, leg, assumed, now) for leg in legs), default=0) if held else 0
        return Need(tokens, money)

    def _take(self, admitted: Admission | Denied, tab: Tab | None) -> None:
        self._asked.notes.update(admitted.headers)
        if isinstance(admitted, Denied):
            _deny(admitted)

        async def settle() -> None:
            used = tab.bill().need if tab else Need(0, 0)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await admitted.settle(used, now=self._now())
            except (CountersFault, TimeoutError):
                self._asked.record.uncounted = "not_settled"
            except asyncio.CancelledError:
                self._asked.record.uncounted = "not_settled"
                raise

        self._asked.closing.push_async_callback(settle)

    def _unknown(self) -> None:
        """Nobody can say what is left. Whether to go on is the org's own decision."""
        self._asked.record.uncounted = "limits_unavailable"
        if self._member.org.limits_when_down == "closed":
            raise Unavailable(
                "The store of the limits is out, so it is not known whether this request is within yours.",
                code="limits_unavailable",
                retry_after="1",
            )


def _budget(limits: Limits) -> bool:
    return limits.nano_usd_per_day is not None or limits.nano_usd_per_month is not None


def _bound(estimate: Estimate, leg: Leg, assumed: int, now: int) -> int:
    """Raises `Forbidden` for a model without a price: a budget that cannot count it would not hold.

    At an address of the org's own there is none to pay, or the org knows it.
    """
    info = catalog.find(leg.provider, leg.model)
    if info is None and leg.endpoint.base_url is None:
        raise Forbidden(
            f"The price of this model of {leg.provider} is not known, so it cannot be used within a budget.",
            param="model",
            code="model_without_price",
        )
    return estimate.nano_usd_bound(info, assumed, now)


def _deny(denied: Denied) -> NoReturn:
    whose = "key" if denied.scope.startswith("key/") else "organisation"
    limit = _WORDS[denied.limit]
    wait = None if denied.retry_after is None else str(max(1, math.ceil(denied.retry_after)))
    if denied.limit in ("nano_usd_per_day", "nano_usd_per_month"):
        code = "daily_budget_exceeded" if denied.limit == "nano_usd_per_day" else "monthly_budget_exceeded"
        raise OverBudget(f"The {whose}'s {limit} does not cover this request.", code=code, retry_after=wait)
    if wait is None:
        raise OverLimit(f"This request alone needs more than the {whose}'s limit of {limit}.", code="request_too_large")
    raise OverLimit(f"The {whose}'s limit of {limit} is reached.", code=denied.limit, retry_after=wait)
