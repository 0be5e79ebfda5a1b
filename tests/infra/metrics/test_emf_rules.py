"""The reader of the format refuses what CloudWatch would drop without a word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.metrics.emf_rules import Datum, extract

Json = Any


def line(value: Json = 1, **changed: Json) -> str:
    directive = {"Namespace": "Sabir", "Dimensions": [["service"]], "Metrics": [{"Name": "Requests", "Unit": "Count"}]}
    meta = {"Timestamp": 1, "CloudWatchMetrics": [{**directive, **changed}]}
    return json.dumps({"service": "sabir", "Requests": value, "nested": {"Deep": 1}, "number": 1, "_aws": meta})


def test_it_reads_what_is_right() -> None:
    assert extract(line([1, 2.5])) == [Datum("Sabir", "Requests", "Count", (("service", "sabir"),), (1, 2.5), 1)]


@pytest.mark.parametrize(
    "text",
    [
        line("1"),
        line(value=True),
        line(None),
        line({"sum": 1}),
        line(float("nan")),
        line(float("inf")),
        line([1] * 101),
        line([]),
        line(Namespace="AWS/Lambda"),
        line(Dimensions=[["number"]]),
        line(Dimensions=[]),
        line(Metrics=[]),
        line(Metrics=[{"Name": "Requests", "Unit": "USD"}]),
        line(Metrics=[{"Name": "Requests"}] * 2),
        line(Metrics=[{"Name": f"M{number}"} for number in range(101)]),
        line().replace("number", "REQUESTS"),
        line().replace(" ", "\n", 1),
    ],
)
def test_it_refuses_what_is_wrong(text: str) -> None:
    with pytest.raises(AssertionError):
        extract(text)


@pytest.mark.parametrize("name", ["nested.Deep", "Deep", "Missing"])
def test_a_target_is_a_member_of_the_root(name: str) -> None:
    with pytest.raises(KeyError):
        extract(line(Metrics=[{"Name": name}]))
