"""The nested template as CloudFormation gets it from ours, with names for what AWS would have made."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

from tests.infra.template.translated import ROOT, decide, grounded, properties, translate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json = Any

# What the parent's references become, each another word, so that one in another's place is seen.
KNOWN = {
    "AWS::StackName": "sabir",
    "AWS::Region": "eu-west-1",
    "ProxyFunction": "the-proxy",
    "AdminFunction": "the-admin",
    "CacheTable": "the-cache",
    "ControlTable": "the-control",
    "ProxyLogGroup": "/sabir/sabir/proxy",
}


def template() -> Json:
    return yaml_parse((ROOT / "infra" / "observability.yaml").read_text())


def passed(**chosen: str) -> dict[str, str]:
    """The parameters that the parent gives, for its own."""
    values = grounded(properties(translate(**chosen), "Observability")["Parameters"], KNOWN)
    return {name: str(value) for name, value in values.items()}


def observability(**chosen: str) -> Json:
    """The nested stack's resources for the parent's parameters, with everything decided and filled in."""
    nested, values = template(), passed(**chosen)
    resources = decide(nested, values)["Resources"]
    arns = {f"{name}.Arn": f"arn:aws:cloudwatch:eu-west-1:000000000000:alarm:{name}" for name in resources}
    filled: Json = grounded(resources, {**KNOWN, **values, **arns})
    return filled


def board(**chosen: str) -> Json:
    return json.loads(observability(**chosen)["Board"]["Properties"]["DashboardBody"])


def alarms(**chosen: str) -> dict[str, Json]:
    found = observability(**chosen)
    return {name: one["Properties"] for name, one in found.items() if one["Type"] == "AWS::CloudWatch::Alarm"}


def rows(widget: Json) -> Iterator[tuple[str, str, dict[str, str], Mapping[str, Json]]]:
    """Namespace, name, dimensions and options of each metric; expressions are left out."""
    for row in widget["properties"]["metrics"]:
        options = row[-1] if isinstance(row[-1], dict) else {}
        words = [word for word in row if isinstance(word, str)]
        if words:
            namespace, name, *dimensions = words
            yield namespace, name, dict(zip(dimensions[::2], dimensions[1::2], strict=True)), options


def expressions(widget: Json) -> list[Mapping[str, Json]]:
    return [row[0] for row in widget["properties"]["metrics"] if isinstance(row[0], dict)]


def watched(alarm: Json) -> Iterator[tuple[str, str, dict[str, str], str, int]]:
    """Namespace, name, dimensions, statistic and period (seconds) of each metric that the alarm reads."""
    stats = [
        (one["MetricStat"]["Metric"], one["MetricStat"]["Stat"], one["MetricStat"]["Period"])
        for one in alarm.get("Metrics", [])
        if "MetricStat" in one
    ]
    single = [(alarm, alarm.get("Statistic") or alarm.get("ExtendedStatistic"), alarm.get("Period"))]
    for metric, stat, period in stats or single:
        dimensions = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
        yield metric["Namespace"], metric["MetricName"], dimensions, stat, period
