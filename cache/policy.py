"""Which requests may use the cache, which entries may answer, and which answers may be kept. Pure decisions."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from cache.directives import CacheDirectives
from cache.sealed import CacheEntry

Refusal = Literal["never", "no-store", "not-deterministic"]
"""Reasons for which a request neither reads nor writes the cache."""
SkipReason = Literal["never", "no-store", "not-deterministic", "no-cache"]
ExpiredReason = Literal["expired", "max-age", "min-fresh"]
DiscardReason = Literal["never", "no-store", "not-deterministic", "status", "incomplete", "finish", "too-large"]

DEFAULT_MAX_SIZE: Final = 5 * 1024 * 1024
"""Bytes of one payload before compression: far above any chat answer, below what one DynamoDB batch read returns."""

MAX_SKEW: Final = 300
"""Seconds by which the clock that wrote an entry may run ahead of ours."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the request itself says. Embeddings and moderations are always deterministic."""

    deterministic: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the request upstream.

    `complete`: the provider's own end marker was seen. `storable_finish`: it ended for a reason worth repeating (not
    cut by a length limit, not filtered, not failed). `size`: bytes of the payload to be kept.
    """

    status: int
    complete: bool
    storable_finish: bool
    size: int


@dataclass(frozen=True, slots=True)
class Try:
    """Look the request up."""


@dataclass(frozen=True, slots=True)
class Skip:
    """Do not look; `storable` says whether the new answer may be kept all the same (`no-cache`)."""

    reason: SkipReason
    storable: bool


@dataclass(frozen=True, slots=True)
class Fresh:
    """Both in seconds; `remaining` is at least 1."""

    age: int
    remaining: int


@dataclass(frozen=True, slots=True)
class Expired:
    """`expired`: its time is over. The other two: the caller wants a younger or a longer-lived answer."""

    reason: ExpiredReason


@dataclass(frozen=True, slots=True)
class Store:
    """Keep the answer for `ttl` seconds."""

    ttl: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Do not keep the answer."""

    reason: DiscardReason


Lookup: TypeAlias = Try | Skip
Reuse: TypeAlias = Fresh | Expired
Keep: TypeAlias = Store | Discard


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """ARCHITECTURE's rules for reading and writing; `max_size` is the largest payload kept, in bytes."""

    max_size: int = DEFAULT_MAX_SIZE

    def lookup(self, directives: CacheDirectives, facts: RequestFacts) -> Lookup:
        refusal = _refusal(directives, facts)
        if refusal is not None:
            return Skip(refusal, storable=False)
        return Skip("no-cache", storable=True) if directives.no_cache else Try()

    def reuse(self, entry: CacheEntry, directives: CacheDirectives, now: int) -> Reuse:
        remaining = entry.expires_at - now
        # Clocks of two machines differ: an entry from a moment ahead is simply new. One from far ahead was written by
        # a clock that was wrong, and its end with it: it would be served long after its time.
        age = max(0, now - entry.created_at)
        if remaining <= 0 or entry.created_at - now > MAX_SKEW:
            return Expired("expired")
        if directives.max_age is not None and age > directives.max_age:
            return Expired("max-age")
        if directives.min_fresh is not None and remaining < directives.min_fresh:
            return Expired("min-fresh")
        return Fresh(age, remaining)

    def store(self, directives: CacheDirectives, facts: RequestFacts, outcome: Outcome) -> Keep:
        """Asks every question again that `lookup` asked: what may be kept is decided here alone."""
        refusal = _refusal(directives, facts)
        if refusal is not None:
            return Discard(refusal)
        # 206 and 204 are no whole answers; no provider says a completion with anything but 200 or 201.
        if outcome.status not in (200, 201):
            return Discard("status")
        if not outcome.complete:
            return Discard("incomplete")
        if not outcome.storable_finish:
            return Discard("finish")
        return Discard("too-large") if outcome.size > self.max_size else Store(directives.ttl)

    def may_forward(self, directives: CacheDirectives) -> bool:
        """False: on a miss the caller wants a 504 and no upstream call (`only-if-cached`, RFC 9111 §5.2.1.7)."""
        return not directives.only_if_cached


def _refusal(directives: CacheDirectives, facts: RequestFacts) -> Refusal | None:
    if directives.mode == "never":
        return "never"
    if directives.no_store:
        return "no-store"
    if directives.mode == "auto" and not facts.deterministic:
        return "not-deterministic"
    return None
