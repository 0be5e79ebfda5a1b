"""Records as metrics, summed: what happened since the last export (delta temporality), by the conventions' names.

Delta, because a sandbox ends without a word, and no other knows what it had counted.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from infra.telemetry.names import gen_ai_attributes, http_attributes
from infra.telemetry.otlp import SCHEMA_URL, SCOPE, key_values, nanoseconds, resource_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from infra.requests.record import RequestRecord
    from infra.telemetry.otlp import Value

    Point: TypeAlias = tuple["Instrument", dict[str, Value], float]


@dataclass(frozen=True, slots=True)
class Instrument:
    """`bounds`: the upper ones of a histogram's buckets, each inclusive; None for a sum."""

    name: str
    unit: str
    description: str
    bounds: tuple[float, ...] | None = None


# The bounds that the conventions advise: docs/gen-ai/gen-ai-metrics.md and docs/http/http-metrics.md, v1.41.0.
_GEN_AI_SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_HTTP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_TOKENS: Final = tuple(float(4**power) for power in range(14))

REQUEST_DURATION: Final = Instrument(
    "http.server.request.duration", "s", "Duration of HTTP server requests.", _HTTP_SECONDS
)
OPERATION_DURATION: Final = Instrument(
    "gen_ai.client.operation.duration", "s", "GenAI operation duration.", _GEN_AI_SECONDS
)
FIRST_CHUNK: Final = Instrument(
    "gen_ai.client.operation.time_to_first_chunk", "s", "Time to receive the first chunk.", _GEN_AI_SECONDS
)
TOKEN_USAGE: Final = Instrument("gen_ai.client.token.usage", "{token}", "Number of tokens used.", _TOKENS)
COST: Final = Instrument("sabir.cost", "{USD}", "What providers charge for it, by the price list.")
SAVED: Final = Instrument("sabir.saved", "{USD}", "What hits would have cost.")
LOOKUPS: Final = Instrument("sabir.cache.lookups", "{request}", "Requests by what the cache had for them.")


@dataclass(slots=True)
class _Series:
    """One instrument with one set of attributes, and what was measured."""

    instrument: Instrument
    attributes: dict[str, Value]
    values: list[float] = field(default_factory=list)


def metrics_request(
    records: Sequence[RequestRecord], resource: Mapping[str, str], since: float, until: float
) -> ExportMetricsServiceRequest:
    """`since`, `until`: epoch seconds, the interval that these records are all of."""
    found: dict[tuple[str, tuple[tuple[str, object], ...]], _Series] = {}
    for record in records:
        for instrument, attributes, value in _points(record):
            there: dict[str, Value] = {name: each for name, each in attributes.items() if each is not None}
            key = (instrument.name, tuple(sorted(there.items())))
            found.setdefault(key, _Series(instrument, there)).values.append(value)
    interval = (nanoseconds(since), nanoseconds(until))
    by_name: dict[str, list[_Series]] = {}
    for series in found.values():
        by_name.setdefault(series.instrument.name, []).append(series)
    scope = ScopeMetrics(
        scope=SCOPE, metrics=[_metric(each, interval) for each in by_name.values()], schema_url=SCHEMA_URL
    )
    return ExportMetricsServiceRequest(
        resource_metrics=[ResourceMetrics(resource=resource_of(resource), scope_metrics=[scope], schema_url=SCHEMA_URL)]
    )


def _points(record: RequestRecord) -> Iterator[Point]:
    if record.total_ms is not None:
        yield REQUEST_DURATION, http_attributes(record), record.total_ms / 1000
    for attempt in record.attempts:
        attributes = gen_ai_attributes(record, attempt)
        if attempt.ended_ms is not None:
            yield OPERATION_DURATION, attributes, (attempt.ended_ms - attempt.began_ms) / 1000
        if record.stream and attempt.first_token_ms is not None:
            plain = {name: value for name, value in attributes.items() if name != "error.type"}
            yield FIRST_CHUNK, plain, (attempt.first_token_ms - attempt.began_ms) / 1000
    yield from _token_points(record)
    yield from _sabir_points(record)


def _token_points(record: RequestRecord) -> Iterator[Point]:
    """What was only estimated is not reported: the convention forbids it."""
    usage = record.usage
    if usage is None or record.usage_estimated or not record.attempts:
        return
    attributes = gen_ai_attributes(record, record.attempts[-1])
    del attributes["error.type"]
    for kind, count in (("input", usage.prompt), ("output", usage.completion)):
        if count:
            yield TOKEN_USAGE, {**attributes, "gen_ai.token.type": kind}, float(count)


def _sabir_points(record: RequestRecord) -> Iterator[Point]:
    whose: dict[str, Value] = {"sabir.org": record.org, "sabir.provider": record.provider, "sabir.model": record.model}
    if record.cost_nano_usd:
        yield COST, whose, record.cost_nano_usd / 1e9
    if record.saved_nano_usd:
        yield SAVED, whose, record.saved_nano_usd / 1e9
    if record.cache is not None:
        operation: dict[str, Value] = {"sabir.org": record.org, "gen_ai.operation.name": record.operation}
        yield LOOKUPS, {**operation, "sabir.cache.verdict": record.cache}, 1.0


def _metric(series: list[_Series], interval: tuple[int, int]) -> Metric:
    instrument = series[0].instrument
    delta = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA
    metric = Metric(name=instrument.name, unit=instrument.unit, description=instrument.description)
    if instrument.bounds is None:
        points = [_number(each, interval) for each in series]
        metric.sum.CopyFrom(Sum(data_points=points, aggregation_temporality=delta, is_monotonic=True))
    else:
        buckets = [_histogram(each, instrument.bounds, interval) for each in series]
        metric.histogram.CopyFrom(Histogram(data_points=buckets, aggregation_temporality=delta))
    return metric


def _number(series: _Series, interval: tuple[int, int]) -> NumberDataPoint:
    """Counts are whole numbers, money is not."""
    total = sum(series.values)
    point = NumberDataPoint(
        attributes=key_values(series.attributes)[0], start_time_unix_nano=interval[0], time_unix_nano=interval[1]
    )
    if series.instrument is LOOKUPS:
        point.as_int = round(total)
    else:
        point.as_double = total
    return point


def _histogram(series: _Series, bounds: tuple[float, ...], interval: tuple[int, int]) -> HistogramDataPoint:
    counts = [0] * (len(bounds) + 1)
    for value in series.values:
        counts[bisect_left(bounds, value)] += 1
    return HistogramDataPoint(
        attributes=key_values(series.attributes)[0],
        start_time_unix_nano=interval[0],
        time_unix_nano=interval[1],
        count=len(series.values),
        sum=sum(series.values),
        bucket_counts=counts,
        explicit_bounds=bounds,
        min=min(series.values),
        max=max(series.values),
    )
