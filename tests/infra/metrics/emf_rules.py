"""The rules of CloudWatch's Embedded Metric Format, as its specification has them, for a line of log that anyone wrote.

Source: CloudWatch user guide, "Specification: Embedded metric format", and for names the API's `MetricDatum` and
`Dimension`. Nothing here knows what the line is to say.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

Json = Any

MAX_LINE = 256 * 1024
MAX_METRICS = 100
MAX_VALUES = 100
MAX_DIMENSIONS = 30
RATES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes", "Bits", "Kilobits", "Megabits", "Gigabits",
         "Terabits", "Count")  # fmt: skip
UNITS = {"Seconds", "Microseconds", "Milliseconds", "Percent", "None", *RATES, *(f"{unit}/Second" for unit in RATES)}


@dataclass(frozen=True, slots=True)
class Datum:
    """A value of a metric as CloudWatch stores it. Times are epoch milliseconds."""

    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]
    values: tuple[float, ...]
    at: int


def extract(line: str) -> list[Datum]:
    """What CloudWatch makes of the line. AssertionError names the rule that it breaks."""
    assert len(line.encode()) <= MAX_LINE
    assert "\n" not in line, "an event is a line"
    root = json.loads(line, parse_constant=_no_number, object_pairs_hook=_once)
    meta = root["_aws"]
    assert set(meta) == {"Timestamp", "CloudWatchMetrics"}
    assert type(meta["Timestamp"]) is int
    assert isinstance(meta["CloudWatchMetrics"], list)
    assert meta["CloudWatchMetrics"]
    return [
        datum for directive in meta["CloudWatchMetrics"] for datum in _directive(root, directive, meta["Timestamp"])
    ]


def _directive(root: Json, directive: Json, at: int) -> list[Datum]:
    assert set(directive) == {"Namespace", "Dimensions", "Metrics"}
    assert 0 < len(directive["Namespace"]) < 256
    assert not directive["Namespace"].startswith((":", "AWS/"))
    assert 0 < len(directive["Metrics"]) <= MAX_METRICS
    sets = [tuple((name, _dimension(root, name)) for name in names) for names in directive["Dimensions"]]
    assert sets
    assert all(len(one) <= MAX_DIMENSIONS for one in sets)
    names = [metric["Name"] for metric in directive["Metrics"]]
    assert len(set(names)) == len(names)
    return [
        Datum(directive["Namespace"], metric["Name"], _unit(metric), dimensions, _values(root, metric["Name"]), at)
        for metric in directive["Metrics"]
        for dimensions in sets
    ]


def _dimension(root: Json, name: str) -> str:
    assert 0 < len(name) < 256
    value = root[name]
    assert isinstance(value, str)
    assert 0 < len(value) <= 1024
    assert value.isascii()
    assert value.strip()
    assert not value.startswith(":")
    return value


def _unit(metric: Json) -> str:
    assert set(metric) <= {"Name", "Unit", "StorageResolution"}
    unit: str = metric.get("Unit", "None")
    assert unit in UNITS
    return unit


def _values(root: Json, name: str) -> tuple[float, ...]:
    """Of the root's own member: a name with a dot in it finds nothing further in."""
    assert 0 < len(name) < 256
    found = root[name] if isinstance(root[name], list) else [root[name]]
    assert 0 < len(found) <= MAX_VALUES
    for value in found:
        assert type(value) in (int, float), f"{name} is {value!r}"
        assert math.isfinite(value)
        # The range of CloudWatch's numbers.
        assert value == 0 or 8.515920e-109 <= abs(value) <= 1.174271e108
    return tuple(found)


def _no_number(word: str) -> Json:
    raise AssertionError(f"{word} is no JSON")


def _once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    names = [name.lower() for name, _ in pairs]
    assert len(set(names)) == len(names), "readers without regard to case see a member twice"
    return dict(pairs)
