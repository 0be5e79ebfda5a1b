"""What to do when an endpoint fails: a state machine that neither waits nor asks, but says what to do next.

It begins with `first()`, and every failure goes to `after()`, which names the next try or the error for the client:

- The endpoint failed, was late, broke off or is full: the next leg at once. When all have been tried, again from the
  best, with full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/) between no time
  and a ceiling that doubles, and no leg before the `retry-after` that it gave.
- It refused the credential: the secret may just have been rotated. Once more with it read anew, then without that leg.
- It refused this credential this model: without that leg.
- Its account is empty: without that endpoint.
- It refused the request: so would the others; the client hears of it. Only where a virtual model asks for it, another
  model is asked after a prompt that was too long, or that a filter stopped.
- This provider cannot represent the request, so that nothing was sent: without that model of it. What no provider
  could, the dialect has refused before; and another candidate of a virtual model may well be able to.

A wait that is longer than the client should sit through, or would end after the deadline, is not begun.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from providers.errors import InvalidRequest, Unsupported, UpstreamAuth, UpstreamError
from providers.routing import retry_after
from providers.routing.refusal import another_model_may, model_forbidden, out_of_money

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.errors import SabirError
    from providers.routing.plan import Plan
    from providers.routing.serving import Leg

_MAX_DOUBLINGS: Final = 20  # beyond every ceiling, and no overflow


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Seconds, but for `attempts`: how many requests may be sent upstream for one of the client's.

    `deadline`: for everything, until the first meaningful event. `first_token`: for one try. `max_wait`: for one wait;
    beyond it the client does better to come back itself. A wait for backoff is between 0 and
    `backoff_base` · 2ⁿ, at most `backoff_ceiling`.
    """

    attempts: int = 4
    deadline: float = 240.0
    first_token: float = 90.0
    max_wait: float = 20.0
    backoff_base: float = 0.5
    backoff_ceiling: float = 8.0


@dataclass(frozen=True, slots=True)
class Try:
    """Wait, then ask this leg; `reread_secret`: with a secret that is read anew."""

    leg: Leg
    wait: float = 0.0
    reread_secret: bool = False


@dataclass(frozen=True, slots=True)
class GiveUp:
    """`error`: the one of those seen that tells the client most."""

    error: SabirError


@dataclass(frozen=True, slots=True)
class _Seen:
    """An error, and when its `retry-after` is over (epoch seconds): at once, where it has none."""

    error: UpstreamError | Unsupported | InvalidRequest
    ready: float

    def tells(self, now: float) -> tuple[int, float]:
        """How much a client can do with it, to be compared.

        Most with the time when to come back: of several, the soonest, for any one leg will do. Then comes a failure
        that may have passed when it tries again, then a refusal that it can mend by another request, or another model.
        Least tells a refused credential, which is the operator's affair. Of equals, the last: it is how things stand
        now.
        """
        if not isinstance(self.error, UpstreamError):
            return 1, 0.0
        if out_of_money(self.error) or (isinstance(self.error, UpstreamAuth) and not model_forbidden(self.error)):
            return 0, 0.0
        if not self.error.retryable:
            return 1, 0.0
        return (3, -self.ready) if self.ready > now else (2, 0.0)


class _Way:
    """A leg, how often it was tried, and from when on it may be tried again (epoch seconds)."""

    __slots__ = ("leg", "ready", "tries")

    def __init__(self, leg: Leg) -> None:
        self.leg = leg
        self.tries = 0
        self.ready = 0.0


class Attempts:
    """The tries of one request. Times are epoch seconds; the caller waits, asks, and reports what became of it."""

    def __init__(self, plan: Plan, policy: RetryPolicy, started: float) -> None:
        self._policy = policy
        self._end = started + policy.deadline
        self._fallback_on: frozenset[str] = plan.virtual.fallback_on if plan.virtual else frozenset()
        self._ways = [_Way(leg) for leg in plan.legs]
        self._current = self._ways[0]
        self._reread: set[str] = set()
        self._seen: list[_Seen] = []
        self._waits = 0
        self._made = 0

    @property
    def made(self) -> int:
        """How many requests have gone upstream, the one under way included."""
        return self._made

    def first(self) -> Try:
        return self._try(self._current)

    def first_token(self, now: float) -> float:
        """Seconds that a try beginning now may take to its first meaningful event; 0 past the deadline."""
        return max(0.0, min(self._policy.first_token, self._end - now))

    def after(self, error: SabirError, *, now: float, draw: float, sent: bool = True) -> Try | GiveUp:
        """The last try ended with `error`, before the client had seen anything. `draw`: a random number from 0 to 1.

        `sent`: False where it did not come to a request, and is not to count: there was no newer secret to send it
        with. A request that cannot be represented is never sent, and need not say so.
        """
        if not isinstance(error, UpstreamError | Unsupported | InvalidRequest):
            return GiveUp(error)
        if not sent or not isinstance(error, UpstreamError):
            self._made -= 1
        seen = _Seen(error, now + (retry_after.seconds(error.retry_after, now) or 0.0))
        self._seen.append(seen)
        self._current.ready = seen.ready
        if self._secret_may_be_old(error) and self._may_go_on(now):
            self._reread.add(self._current.leg.endpoint.name)
            return self._try(self._current, reread_secret=True)
        hopeless = self._hopeless(error)
        if hopeless is None:
            return GiveUp(error)
        self._ways = [way for way in self._ways if not hopeless(way.leg)]
        return self._next(now, draw)

    def _secret_may_be_old(self, error: SabirError) -> bool:
        fresh = self._current.leg.endpoint.name in self._reread
        refused = isinstance(error, UpstreamAuth) and not model_forbidden(error) and not self._falls_back(error)
        return refused and not fresh

    def _falls_back(self, error: UpstreamError) -> bool:
        return another_model_may(error) in self._fallback_on

    def _hopeless(self, error: UpstreamError | Unsupported | InvalidRequest) -> Callable[[Leg], bool] | None:
        """Which legs not to try any more; None where every other one would fail in the same way."""
        failed = self._current.leg
        if not isinstance(error, UpstreamError):
            return lambda leg: (leg.provider, leg.model) == (failed.provider, failed.model)
        if self._falls_back(error):
            return lambda leg: leg.model == failed.model
        if error.status == 401 or out_of_money(error):
            return lambda leg: leg.endpoint.name == failed.endpoint.name
        if isinstance(error, UpstreamAuth):  # 403 may be about the model alone
            return lambda leg: leg.place == failed.place
        return (lambda _: False) if error.retryable else None

    def _may_go_on(self, now: float) -> bool:
        return self._made < self._policy.attempts and now < self._end

    def _next(self, now: float, draw: float) -> Try | GiveUp:
        """The leg that was tried least, and of those the one that is ready first."""
        backoff = draw * self._ceiling()
        waits = [(way, max(backoff, way.ready - now) if way.tries else 0.0) for way in self._ways]
        fitting = [(way, wait) for way, wait in waits if wait <= self._policy.max_wait and now + wait < self._end]
        if not fitting or not self._may_go_on(now):
            return GiveUp(max(reversed(self._seen), key=lambda seen: seen.tells(now)).error)
        self._current, wait = min(fitting, key=lambda option: (option[0].tries, option[1]))
        self._waits += self._current.tries > 0
        return self._try(self._current, wait)

    def _ceiling(self) -> float:
        grown = self._policy.backoff_base * 2.0 ** min(self._waits, _MAX_DOUBLINGS)
        return min(grown, self._policy.backoff_ceiling, self._policy.max_wait)

    def _try(self, way: _Way, wait: float = 0.0, *, reread_secret: bool = False) -> Try:
        way.tries += 1
        self._made += 1
        return Try(way.leg, wait, reread_secret)
