"""Admits a request within the limits of its key and its org: reserve what it may take, settle on what it took.

The scopes are reserved at the same time, each with one conditional write. Where one of them refuses, the other is given
back; in between it may refuse somebody who would have fitted, never admit somebody who does not. A process that dies
leaves leases behind, which expire and are given back by whoever meets them; so `lease_seconds` must be longer than the
longest request, or its place among the parallel ones is lent out twice.

Every method raises `CountersFault` in an outage. Whether a request then goes on is the org's setting and its caller's
to decide; a settlement that failed may be tried again, and is otherwise given back when its lease expires.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Final

from infra.limits.counters import CountersFault, Granted, Refused
from infra.limits.ratelimit_headers import headers
from infra.limits.windows import Bound, LimitName, Need, Refusal, bounds, hit_bounds, refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infra.control.records import Limits
    from infra.limits.counters import Counters

# Seconds for which what is under way goes on when nobody waits for it any more. A store that has not answered then is
# out, and gives back by itself what it may have lent.
_LAST_CHANCE: Final = 2.0

__all__ = ["Admission", "Denied", "LimitName", "Limiter", "Need", "Scope"]


@dataclass(frozen=True, slots=True)
class Scope:
    """`name`: whose counters (`key/acme/7f3k…`, `org/acme`)."""

    name: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Denied:
    """Nothing is reserved. `limit` and `scope`: what is in the way longest.

    `retry_after`: seconds until it may fit. None: never, for the request needs more than the whole limit; to wait
    does not help, a smaller request does.
    """

    limit: LimitName
    scope: str
    retry_after: float | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Admission:
    """The right to go on. `headers`: `x-ratelimit-*` with what was reserved; empty without limits."""

    headers: Mapping[str, str]
    _lease_id: str = field(repr=False)
    _counters: Counters = field(repr=False)
    _held: tuple[_Asked, ...] = field(repr=False)

    async def settle(self, used: Need, *, now: float) -> None:
        """Book what the request really took; it stays counted as a request, its place among the parallel ones ends.

        To be called once the request is over, however it ended; `Need(0, 0)` where no provider charges for it. Goes
        on for a while even if its caller is cancelled, as a charge that is lost is money that nobody counts.
        Raises `CountersFault` after every scope was tried; a repeat is harmless.
        """
        task = asyncio.create_task(self._settle(used, int(now)))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=_LAST_CHANCE)
            raise

    async def _settle(self, used: Need, now: int) -> None:
        outcomes = await asyncio.gather(
            *(
                self._counters.settle(one.scope, self._lease_id, {b.counter: b.used(used) for b in one.bounds}, now=now)
                for one in self._held
            ),
            return_exceptions=True,
        )
        _raise_first(outcomes)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A scope with at least one limit."""

    scope: str
    bounds: tuple[Bound, ...]

    def standing(self, values: Mapping[str, int]) -> list[tuple[Bound, int]]:
        return [(bound, values[bound.counter]) for bound in self.bounds]


class Limiter:
    """`lease_seconds`: see above.

    A `lease_id` is unique and of our own making, such as the request's id. Never a client's: a repeat is taken for our
    own after a lost answer, so who could choose one that is under way would be admitted without a charge.
    """

    def __init__(self, counters: Counters, lease_seconds: int) -> None:
        self._counters = counters
        self._lease_seconds = lease_seconds

    async def admit(self, scopes: Sequence[Scope], need: Need, *, lease_id: str, now: float) -> Admission | Denied:
        """Reserve `need` in every scope or in none. Where nothing is limited the store is not asked."""
        asked = [_Asked(scope.name, bounds(scope.limits, need, now)) for scope in scopes]
        return await self._admit_or_undo(asked, lease_id, now)

    async def admit_hit(self, scopes: Sequence[Scope], *, lease_id: str, now: float) -> Admission | Denied:
        """For an answer from the cache: it counts as a request and against no other limit. To be settled as well."""
        asked = [_Asked(scope.name, hit_bounds(scope.limits, now)) for scope in scopes]
        return await self._admit_or_undo(asked, lease_id, now)

    async def _admit_or_undo(self, asked: Sequence[_Asked], lease_id: str, now: float) -> Admission | Denied:
        limited = [one for one in asked if one.bounds]
        if not limited:
            return Admission({}, lease_id, self._counters, ())
        task = asyncio.create_task(self._admit(limited, lease_id, now))
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            # A caller who hangs up while the writes are under way would leave them there until the lease expires.
            await asyncio.wait([task], timeout=_LAST_CHANCE)
            if not task.done() or task.cancelled() or task.exception() is not None:
                task.cancel()
                raise
            if isinstance(task.result(), Admission):
                undoing = asyncio.create_task(self._give_back(limited, lease_id, now))
                await asyncio.wait([undoing], timeout=_LAST_CHANCE)
            raise

    async def _admit(self, limited: Sequence[_Asked], lease_id: str, now: float) -> Admission | Denied:
        outcomes = await asyncio.gather(*(self._reserve(one, lease_id, now) for one in limited), return_exceptions=True)
        answers = list(zip(limited, outcomes, strict=True))
        granted = [(one, answer) for one, answer in answers if isinstance(answer, Granted)]
        refused = [(one, answer) for one, answer in answers if isinstance(answer, Refused)]
        if len(granted) == len(limited):
            standing = [pair for one, answer in granted for pair in one.standing(answer.values)]
            return Admission(headers(standing, now), lease_id, self._counters, tuple(limited))
        given_back = await self._give_back([one for one, _ in granted], lease_id, now)
        if not refused:
            _raise_first(outcomes)
        # A refusal that is known stands, even if the other scope's store is out and would let the request pass.
        standing = given_back + [pair for one, answer in refused for pair in one.standing(answer.values)]
        return _denied([(one, refusal(one.bounds, answer.values, now)) for one, answer in refused], standing, now)

    async def _reserve(self, one: _Asked, lease_id: str, now: float) -> Granted | Refused:
        charges = [bound.charge for bound in one.bounds]
        expires_at = int(now) + self._lease_seconds
        return await self._counters.reserve(one.scope, lease_id, charges, expires_at=expires_at, now=int(now))

    async def _give_back(self, granted: Sequence[_Asked], lease_id: str, now: float) -> list[tuple[Bound, int]]:
        """How the given back scopes stand; without those of a failure, whose lease will expire."""
        standing: list[tuple[Bound, int]] = []
        for one in granted:
            # All of them by name: so they are told even where this is a repeat after a lost answer.
            nothing = {bound.counter: 0 for bound in one.bounds}
            with contextlib.suppress(CountersFault):
                standing += one.standing(await self._counters.settle(one.scope, lease_id, nothing, now=int(now)))
        return standing


def _denied(refused: Sequence[tuple[_Asked, Refusal]], standing: Sequence[tuple[Bound, int]], now: float) -> Denied:
    one, longest = max(refused, key=lambda pair: inf if pair[1].retry_after is None else pair[1].retry_after)
    return Denied(longest.limit, one.scope, longest.retry_after, headers(standing, now))


def _raise_first(outcomes: Iterable[object]) -> None:
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
