"""Requests as metrics: names, bounds and sums, read by OpenTelemetry's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from infra.requests.record import AttemptRecord
from infra.telemetry.metrics import metrics_request
from tests.infra.telemetry import requests_made as requests
from tests.infra.telemetry.receiver import NOW, exporting, plain

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord

DELTA = AggregationTemporality.AGGREGATION_TEMPORALITY_DELTA


def measured(*records: RequestRecord) -> dict[str, list[tuple[dict[str, Any], float]]]:
    """By name: attributes and sum of each series."""
    message = metrics_request(records, {}, NOW - 1, NOW)
    found: dict[str, list[tuple[dict[str, Any], float]]] = {}
    for metric in message.resource_metrics[0].scope_metrics[0].metrics:
        if metric.HasField("histogram"):
            values = [(plain(point.attributes), point.sum) for point in metric.histogram.data_points]
        else:
            values = [(plain(each.attributes), each.as_double or float(each.as_int)) for each in metric.sum.data_points]
        found[metric.name] = values
    return found


def test_a_miss_counts_time_tokens_and_money() -> None:
    found = measured(requests.answered())
    asked = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
    }  # fmt: skip
    whose = {"sabir.org": "acme", "sabir.provider": "openai", "sabir.model": "gpt-4o-mini"}
    lookup = {"sabir.org": "acme", "gen_ai.operation.name": "chat", "sabir.cache.verdict": "miss"}
    route = {
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200
    }  # fmt: skip
    assert found == {
        "http.server.request.duration": [(route, 1.02)],
        "gen_ai.client.operation.duration": [(asked, 1.0)],
        "gen_ai.client.operation.time_to_first_chunk": [(asked, 0.4)],
        "gen_ai.client.token.usage": [
            ({**asked, "gen_ai.token.type": "input"}, 45.0),
            ({**asked, "gen_ai.token.type": "output"}, 10.0),
        ],
        "sabir.cost": [(whose, 0.0025)],
        "sabir.cache.lookups": [(lookup, 1.0)],
    }


def test_a_hit_counts_what_it_saved_and_nothing_of_a_provider() -> None:
    found = measured(requests.hit())
    assert set(found) == {"http.server.request.duration", "sabir.saved", "sabir.cache.lookups"}
    assert found["sabir.saved"][0][1] == pytest.approx(1e-6)
    assert found["sabir.cache.lookups"][0][0]["sabir.cache.verdict"] == "hit"


def test_estimated_tokens_are_not_reported() -> None:
    found = measured(requests.broken())
    assert "gen_ai.client.token.usage" not in found
    ((attributes, _),) = found["gen_ai.client.operation.duration"]
    assert attributes["error.type"] == "upstream_truncated"
    ((attributes, _),) = found["gen_ai.client.operation.time_to_first_chunk"]
    assert "error.type" not in attributes


def test_every_attempt_has_a_duration() -> None:
    found = measured(requests.failed_over())["gen_ai.client.operation.duration"]
    assert [(each["gen_ai.provider.name"], each.get("error.type"), seconds) for each, seconds in found] == [
        ("openai", "overloaded", 0.05),
        ("azure.ai.openai", None, 0.5),
    ]


def test_what_has_no_end_has_no_duration() -> None:
    attempt = AttemptRecord("a", "openai", "gpt-4", 1.0)
    found = measured(requests.answered(attempts=[attempt], total_ms=None))
    assert not {name for name in found if name.endswith(("duration", "first_chunk"))}


def test_equal_attributes_are_one_series() -> None:
    found = measured(requests.answered(), requests.answered(), requests.hit())
    assert [value for _, value in found["sabir.cost"]] == [0.005]
    assert sorted(value for _, value in found["sabir.cache.lookups"]) == [1.0, 2.0]
    assert len(found["http.server.request.duration"]) == 1


@given(st.lists(st.floats(0.0, 100_000.0), min_size=1, max_size=50))
def test_every_value_is_in_the_bucket_that_otlp_puts_it_in(durations: list[float]) -> None:
    records = [requests.made(total_ms=each, status=200) for each in durations]
    metric = metrics_request(records, {}, NOW, NOW).resource_metrics[0].scope_metrics[0].metrics[0]
    (point,) = metric.histogram.data_points
    assert metric.histogram.aggregation_temporality == DELTA
    assert (point.count, sum(point.bucket_counts)) == (len(durations), len(durations))
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    # metrics.proto: bucket i holds (bounds[i-1], bounds[i]].
    bounds = [float("-inf"), *point.explicit_bounds, float("inf")]
    for number, count in enumerate(point.bucket_counts):
        assert count == sum(bounds[number] < each / 1000 <= bounds[number + 1] for each in durations)
    assert (point.min, point.max) == (min(durations) / 1000, max(durations) / 1000)


async def test_intervals_follow_each_other_and_sums_are_deltas() -> None:
    async with exporting(OTEL_TRACES_EXPORTER="none") as rig:
        rig.clock.now = NOW + 2
        await rig.exporter.keep(requests.answered())
        rig.clock.now = NOW + 5
        await rig.exporter.keep(requests.answered())
        costs = [metric for metric in rig.receiver.metrics if metric.name == "sabir.cost"]
    assert all(each.sum.is_monotonic and each.sum.aggregation_temporality == DELTA for each in costs)
    points = [each.sum.data_points[0] for each in costs]
    assert [point.as_double for point in points] == [0.0025, 0.0025]
    assert [
        (point.start_time_unix_nano / 1e9 - NOW, point.time_unix_nano / 1e9 - NOW) for point in points
    ] == [(0, 2), (2, 5)]  # fmt: skip
