"""The dashboard: CloudWatch draws what it is told, and an empty graph where a name is wrong. So the names are checked."""

from __future__ import annotations

import re
from dataclasses import fields
from itertools import combinations

import pytest

from infra.metrics.names import METRICS, NAMESPACE, PROVIDER, PROVIDER_METRICS, SERVICE
from infra.requests.record import RequestRecord
from tests.infra.template.observed import Json, alarms, board, expressions, observability, rows

# AWS's own, from each service's page of metrics, with the stack's part that each dimension is to name.
PROXY, ADMIN = {"FunctionName": "the-proxy"}, {"FunctionName": "the-admin"}
CACHE, CONTROL = {"TableName": "the-cache"}, {"TableName": "the-control"}
AWS = {
    "AWS/Lambda": ({"Errors", "Throttles", "ConcurrentExecutions", "Invocations", "Duration"}, (PROXY, ADMIN)),
    "AWS/DynamoDB": ({"ReadThrottleEvents", "WriteThrottleEvents"}, (CACHE, CONTROL)),
    "AWS/ApiGateway": ({"Count", "4XXError", "5XXError", "Latency"}, ({"ApiName": "sabir", "Stage": "prod"},)),
    "AWS/Logs": ({"EMFParsingErrors", "EMFValidationErrors"}, ({"LogGroupName": "/sabir/sabir/proxy"},)),
}
UNITS = {metric.name: metric.unit for metric in METRICS}
SEARCH = re.compile(r"SEARCH\('\{([^}]+)\} MetricName=\"(\w+)\" (\w+)=\"([^\"]+)\"', '(\w+)', (\d+)\)")
# Told by the others: what is neither the provider's time nor Sabir's is none.
NOT_DRAWN = {"UpstreamMs"}

graphs = pytest.fixture(lambda: [widget for widget in board()["widgets"] if widget["type"] == "metric"])


def test_every_widget_is_of_a_kind_and_says_what_that_kind_needs() -> None:
    needed = {"text": {"markdown"}, "metric": {"metrics", "region", "title"}, "alarm": {"alarms"}, "log": {"query"}}
    for widget in board()["widgets"]:
        assert needed[widget["type"]] <= widget["properties"].keys()


@pytest.mark.parametrize("shown", ["true", "false"])
def test_widgets_lie_side_by_side_within_24_columns(shown: str) -> None:
    taken: dict[tuple[int, int], str] = {}
    for widget in board(Alarms=shown)["widgets"]:
        assert widget["x"] >= 0
        assert widget["x"] + widget["width"] <= 24
        for x in range(widget["x"], widget["x"] + widget["width"]):
            for y in range(widget["y"], widget["y"] + widget["height"]):
                assert taken.setdefault((x, y), str(widget)) == str(widget)
    rows_used = {y for _, y in taken}
    # No row is left half empty, or empty.
    assert len(taken) == 24 * len(rows_used) == 24 * (max(rows_used) + 1)


def test_every_metric_of_ours_is_one_that_the_code_sends_for_this_stack(graphs: list[Json]) -> None:
    ours = [(name, at) for graph in graphs for namespace, name, at, _ in rows(graph) if namespace == NAMESPACE]
    assert {name for name, _ in ours} == UNITS.keys() - NOT_DRAWN
    assert all(at == {SERVICE: "sabir"} for _, at in ours)


def test_every_metric_of_awss_is_one_that_aws_sends_for_a_part_of_this_stack(graphs: list[Json]) -> None:
    for graph in graphs:
        for namespace, name, at, _ in rows(graph):
            if namespace != NAMESPACE:
                names, parts = AWS[namespace]
                assert name in names
                assert at in parts


def test_providers_are_searched_for_by_the_dimensions_that_the_code_sends(graphs: list[Json]) -> None:
    found = [one["expression"] for graph in graphs for one in expressions(graph) if "SEARCH" in one["expression"]]
    read = [SEARCH.fullmatch(expression) for expression in found]
    assert all(read)
    parts = [match.groups() for match in read if match]
    assert {name for _, name, *_ in parts} == {metric.name for metric in PROVIDER_METRICS}
    for schema, _, dimension, value, stat, period in parts:
        assert (schema.split(",")[0], set(schema.split(",")[1:])) == (NAMESPACE, {SERVICE, PROVIDER})
        assert (dimension, value) == (SERVICE, "sabir")
        assert stat in ("Sum", "p90")
        assert int(period) % 60 == 0
    labels = {one["label"] for graph in graphs for one in expressions(graph) if "SEARCH" in one["expression"]}
    assert labels == {f"${{PROP('Dim.{PROVIDER}')}}"}


def test_an_expression_reads_metrics_of_its_own_graph(graphs: list[Json]) -> None:
    for graph in graphs:
        ids = [options["id"] for *_, options in rows(graph) if "id" in options]
        assert len(set(ids)) == len(ids)
        for one in expressions(graph):
            if "SEARCH" not in one["expression"]:
                assert set(re.findall(r"[a-z_]+", one["expression"])) == set(ids)


def test_times_are_drawn_as_percentiles_and_counts_as_sums(graphs: list[Json]) -> None:
    for graph in graphs:
        for namespace, name, _, options in rows(graph):
            stat = options.get("stat", graph["properties"].get("stat"))
            if namespace == NAMESPACE:
                assert stat in (("p50", "p90", "p99") if UNITS[name] == "Milliseconds" else ("Sum",)), name
            else:
                assert stat == {"ConcurrentExecutions": "Maximum", "Count": "SampleCount"}.get(name, "Sum")


def test_a_graph_says_over_how_long_it_adds_up(graphs: list[Json]) -> None:
    words = {300: ("in 5 minutes", "ms", "%", ""), 3600: ("in an hour", "USD in an hour", "%")}
    for graph in graphs:
        properties = graph["properties"]
        assert properties["yAxis"]["left"]["label"] in words[properties["period"]], properties["title"]


def test_no_two_lines_of_a_graph_have_one_name(graphs: list[Json]) -> None:
    for graph in graphs:
        labels = [options["label"] for *_, options in rows(graph) if options.get("visible", True)]
        assert all(one != other for one, other in combinations(labels, 2))


def test_the_list_of_failures_asks_the_proxys_log_for_members_of_a_record() -> None:
    (query,) = [widget["properties"]["query"] for widget in board()["widgets"] if widget["type"] == "log"]
    source, *commands = query.split(" | ")
    assert source == "SOURCE '/sabir/sabir/proxy'"
    known = {each.name for each in fields(RequestRecord)}
    asked = next(command for command in commands if command.startswith("fields ")).removeprefix("fields ").split(", ")
    assert set(asked) - {"@timestamp"} <= known
    assert set(re.findall(r"ispresent\((\w+)\)", query)) <= known


def test_it_shows_the_state_of_every_alarm_that_there_is() -> None:
    for chosen in ({}, {"DailyBudgetUsd": "0"}):
        (shown,) = [
            widget["properties"]["alarms"] for widget in board(**chosen)["widgets"] if widget["type"] == "alarm"
        ]
        assert sorted(arn.rpartition(":")[2] for arn in shown) == sorted(alarms(**chosen))


def test_without_alarms_it_says_so() -> None:
    widgets = board(Alarms="false")["widgets"]
    assert {widget["type"] for widget in widgets} == {"text", "metric", "log"}
    assert "Alarms are off." in [widget["properties"].get("markdown") for widget in widgets]


def test_its_name_is_the_regions_own() -> None:
    """Dashboards are an account's: two regions' stacks of one name would write over each other's."""
    assert observability()["Board"]["Properties"]["DashboardName"] == "sabir-eu-west-1"
