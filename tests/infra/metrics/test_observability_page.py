"""docs/observability.md says what is so: the log's members, the metrics, the queries, the alarms' defaults."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from infra.metrics.names import METRICS, PROVIDER_METRICS, Metric
from infra.requests.record import BUCKETS, AttemptRecord, RequestRecord
from tests.infra.metrics.records import EVERY_METRIC
from tests.infra.template.observed import alarms
from tests.infra.template.translated import ROOT, translate

PAGE = (ROOT / "docs" / "observability.md").read_text()
MEMBERS = {each.name for each in fields(RequestRecord)}
ADDED = {"timestamp", "level", "service", "_aws"}


def table(section: str, header: str) -> list[list[str]]:
    """The rows of the table with that first column, below the heading."""
    below = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = below.partition(f"\n| {header} |")[2].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_the_line_has_every_member_once() -> None:
    named = [name for row in table("The log line", "member") for name in words(row[0])]
    assert sorted(named) == sorted(MEMBERS | ADDED)


def test_what_is_within_attempts_and_usage_is_said() -> None:
    cells = {name: row[1] for row in table("The log line", "member") for name in words(row[0])}
    assert set(words(cells["attempts"])) == {each.name for each in fields(AttemptRecord)}
    assert words(cells["usage"]) == list(BUCKETS)


def rows_of(metrics: tuple[Metric[Any], ...]) -> str:
    rows = [(one.name, "USD" if one.name.endswith("Usd") else one.unit, one.about) for one in metrics]
    return "\n".join(f"| `{name}` | {unit} | {about} |" for name, unit, about in rows)


@pytest.mark.parametrize("metrics", [METRICS, PROVIDER_METRICS], ids=["service", "provider"])
def test_the_tables_of_metrics_are_the_codes(metrics: tuple[Metric[Any], ...]) -> None:
    assert f"|---|---|---|\n{rows_of(metrics)}\n\n" in PAGE


INSIGHTS = {
    "filter",
    "stats",
    "fields",
    "sort",
    "limit",
    "by",
    "as",
    "desc",
    "and",
    "not",
    "ispresent",
    "sum",
    "count",
    "max",
}


def test_queries_ask_for_what_a_line_has() -> None:
    known = MEMBERS | {metric.name for metric in EVERY_METRIC} | {each.name for each in fields(AttemptRecord)}
    queries = re.findall(r"```\n(.*?)```", PAGE, re.DOTALL)
    assert len(queries) == 5
    for query in queries:
        assert query.startswith("filter ")
        own = set(re.findall(r" as (\w+)", query))
        asked = re.findall(r"@timestamp|[A-Za-z_]+(?:\.\w+)*", query)
        parts = {part for name in asked for part in (name.split(".")[:1] if "tags" in name else name.split("."))}
        unknown = {part for part in parts if not part.isdigit()} - known - own - INSIGHTS - {"@timestamp"}
        assert unknown == set()


def test_the_table_of_alarms_has_each_with_its_parameters_and_their_defaults() -> None:
    rows = table("Alarms", "alarm")
    names = {words(row[0])[0].replace("…", "sabir") for row in rows}
    assert names == {alarm["AlarmName"] for alarm in alarms().values()}
    parameters = translate()["Parameters"]
    said = {name: row[1] for row in rows for name in words(row[2])}
    switches = {"Dashboard", "Alarms", "AlarmTopicArn"}
    group = translate()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"][-1]
    assert said.keys() == set(group["Parameters"]) - switches
    for name, text in said.items():
        default = parameters[name]["Default"]
        assert re.search(rf"\b{default // 1000} s\b|\b{default}\b", text), name


def test_lambda_md_lists_every_parameter() -> None:
    page = (ROOT / "docs" / "lambda.md").read_text()
    rows = page.partition("| parameter | default |")[2].split("\n\n")[0].splitlines()[2:]
    assert sorted(name for row in rows for name in words(row.split("|")[1])) == sorted(translate()["Parameters"])
