"""Every metric: its name, its unit, and how a request's record has it. docs/observability.md and the alarms go by this.

A custom metric is billed for each set of dimension values, so there are two sets only: the whole service, and one
provider of it. Keys, users, models and tags are in the log, where looking costs by the query.

None is "no value": nothing is sent. An average is made of those who have one, so a hit has no upstream time, not 0. A
rate is made of sums, so what is divided is sent as 0, too. What is rare and divided by nothing is sent when it happens:
CloudWatch bills a metric by the hours in which it had a value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.requests.record import AttemptRecord, Cause, RequestRecord

NAMESPACE: Final = "Sabir"

SERVICE: Final = "service"
PROVIDER: Final = "provider"
"""Dimensions are members of the log line, `provider` the record's own. Hence small letters: Athena and others read
members without regard to case, and trip over a line with `provider` and `Provider`."""

Unit: TypeAlias = Literal["Count", "Milliseconds", "None"]
Value: TypeAlias = "float | list[float] | None"


@dataclass(frozen=True, slots=True)
class Seen:
    """`log_faults`: how many records the request log could not keep since the last line."""

    record: RequestRecord
    log_faults: int = 0


_Of = TypeVar("_Of")


@dataclass(frozen=True, slots=True)
class Metric(Generic[_Of]):
    """`about` is for people, in the documentation. Money is in USD, which is no unit of CloudWatch's."""

    name: str
    unit: Unit
    about: str
    value: Callable[[_Of], Value]


def _field(name: str) -> Callable[[Seen], Value]:
    def value(seen: Seen) -> Value:
        found: float | None = getattr(seen.record, name)
        return found

    return value


def _usd(name: str) -> Callable[[Seen], Value]:
    """Of nano-USD."""

    def value(seen: Seen) -> Value:
        nano: int | None = getattr(seen.record, name)
        return None if nano is None else nano / 1e9

    return value


def _tokens(bucket: str) -> Callable[[Seen], Value]:
    def value(seen: Seen) -> Value:
        count: int | None = getattr(seen.record.usage, bucket, None)
        return count

    return value


def _if(happened: Callable[[RequestRecord], object]) -> Callable[[Seen], Value]:
    def value(seen: Seen) -> Value:
        return 1 if happened(seen.record) else None

    return value


def _caused_by(cause: Cause) -> Callable[[Seen], Value]:
    return _if(lambda record: record.cause == cause)


def _whether_caused_by(cause: Cause) -> Callable[[Seen], Value]:
    """Also when not: alarms divide it by the requests."""

    def value(seen: Seen) -> Value:
        return int(seen.record.cause == cause)

    return value


def _erred(seen: Seen) -> Value:
    return int(seen.record.error is not None)


def _looked_up(record: RequestRecord) -> bool:
    """A bypass is no look-up: it says nothing of how good the cache is."""
    return record.cache in ("hit", "miss")


def _hit(seen: Seen) -> Value:
    return int(seen.record.cache == "hit") if _looked_up(seen.record) else None


def _failed_attempts(seen: Seen) -> Value:
    return len(seen.record.failed) if seen.record.attempts else None


def _failed_over(record: RequestRecord) -> bool:
    return len({attempt.endpoint for attempt in record.attempts}) > 1


def _failures(attempts: Sequence[AttemptRecord]) -> Value:
    return sum(1 for attempt in attempts if attempt.error is not None)


def _first_tokens(attempts: Sequence[AttemptRecord]) -> Value:
    return [one.first_token_ms - one.began_ms for one in attempts if one.first_token_ms is not None] or None


METRICS: Final[tuple[Metric[Seen], ...]] = (
    Metric("Requests", "Count", "Requests of every kind and outcome.", lambda _: 1),
    Metric(
        "Errors", "Count", "Of these: ended in an error, whoever's.", lambda seen: int(seen.record.error is not None)
    ),
    Metric("CallerErrors", "Count", "The request or its key was wrong.", _caused_by("caller")),
    Metric("LimitErrors", "Count", "A limit or budget of the caller's was reached.", _caused_by("limit")),
    Metric("ProviderErrors", "Count", "No provider answered as it should.", _whether_caused_by("provider")),
    Metric("SabirErrors", "Count", "A bug, or a store that is out.", _whether_caused_by("sabir")),
    Metric("ClientsGone", "Count", "The client left before the end.", _caused_by("client_gone")),
    Metric("AttemptFailures", "Count", "Failed attempts at providers, also those that failover hid.", _failed_attempts),
    Metric("FailedOver", "Count", "Requests that went on to another endpoint than the first.", _if(_failed_over)),
    Metric("CacheLookups", "Count", "Requests that the cache was asked for.", _if(_looked_up)),
    Metric("CacheHits", "Count", "Of these: answered from the cache.", _hit),
    Metric("CacheFaults", "Count", "The cache could not be read or written.", _if(lambda record: record.cache_fault)),
    Metric("FirstTokenMs", "Milliseconds", "Until the client had something to read.", _field("first_token_ms")),
    Metric("TotalMs", "Milliseconds", "Until the client had the last byte.", _field("total_ms")),
    Metric("UpstreamMs", "Milliseconds", "Of that, the wait for providers.", _field("upstream_ms")),
    Metric("OverheadMs", "Milliseconds", "The rest: Sabir's own time.", _field("overhead_ms")),
    Metric("CostUsd", "None", "The providers' price, where it is known.", _usd("cost_nano_usd")),
    Metric("SavedUsd", "None", "What hits would have cost.", _usd("saved_nano_usd")),
    Metric("InputTokens", "Count", "Read afresh.", _tokens("input")),
    Metric("CacheReadTokens", "Count", "Read by the provider from its own prompt cache.", _tokens("cache_read")),
    Metric("OutputTokens", "Count", "Of visible answers.", _tokens("output")),
    Metric("ReasoningTokens", "Count", "Of reasoning, shown or not.", _tokens("reasoning")),
    Metric("ColdStarts", "Count", "First requests of a sandbox.", _if(lambda record: record.cold_start)),
    Metric(
        "UncountedRequests", "Count", "Limits not applied, or use not booked.", _if(lambda record: record.uncounted)
    ),
    Metric("LogFaults", "Count", "Records that the request log could not keep.", lambda seen: seen.log_faults or None),
)
"""Of the whole service. The buckets of tokens are disjoint, as in the record."""

PROVIDER_METRICS: Final[tuple[Metric[Sequence[AttemptRecord]], ...]] = (
    Metric("ProviderAttempts", "Count", "Requests to this provider.", len),
    Metric("ProviderFailures", "Count", "Of these: came to nothing.", _failures),
    Metric("ProviderFirstTokenMs", "Milliseconds", "Until its stream said something.", _first_tokens),
)
"""Of one request's attempts at one provider. A hit asks nobody, so it has none of these."""
