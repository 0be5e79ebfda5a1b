"""The alarms: of metrics that there are, within CloudWatch's limits, and off where the operator says so."""

from __future__ import annotations

import re

import pytest

from infra.metrics.names import METRICS, NAMESPACE, SERVICE
from tests.infra.template.observed import KNOWN, Json, alarms, observability, passed, template, watched
from tests.infra.template.test_dashboard import AWS
from tests.infra.template.translated import ROOT, grounded, properties, translate

TOPIC = "arn:aws:sns:eu-west-1:000000000000:oncall"
NAMES = {
    "ErrorRateAlarm",
    "FailedAttemptsAlarm",
    "FirstTokenAlarm",
    "OverheadAlarm",
    "BudgetAlarm",
    "ThrottledTablesAlarm",
    "FunctionErrorsAlarm",
    "FunctionThrottlesAlarm",
    "LogFaultsAlarm",
    "UncountedAlarm",
}

every = pytest.mark.parametrize("name", sorted(NAMES))


def test_these_are_all() -> None:
    assert alarms().keys() == NAMES


@every
def test_an_alarm_reads_metrics_that_there_are(name: str) -> None:
    units = {metric.name: metric.unit for metric in METRICS}
    for namespace, metric, at, stat, _ in watched(alarms()[name]):
        if namespace == NAMESPACE:
            assert at == {SERVICE: "sabir"}
            assert stat == ("p90" if units[metric] == "Milliseconds" else "Sum")
        else:
            names, parts = AWS[namespace]
            assert metric in names
            assert at in parts
            assert stat == "Sum"


@every
def test_an_alarm_looks_no_further_back_than_cloudwatch_can(name: str) -> None:
    """PutMetricAlarm: seven days in all, and one day where a period is shorter than an hour."""
    alarm = alarms()[name]
    for *_, period in watched(alarm):
        assert period % 60 == 0
        assert period * alarm["EvaluationPeriods"] <= (86_400 if period < 3600 else 604_800)
    assert alarm.get("DatapointsToAlarm", 1) <= alarm["EvaluationPeriods"]


@every
def test_an_alarm_is_quiet_where_nobody_asks(name: str) -> None:
    assert alarms()[name]["TreatMissingData"] == "notBreaching"


@every
def test_an_alarm_tells_the_topic_when_it_begins_and_when_it_ends(name: str) -> None:
    silent, loud = alarms()[name], alarms(AlarmTopicArn=TOPIC)[name]
    assert not silent.keys() & {"AlarmActions", "OKActions"}
    assert (loud["AlarmActions"], loud["OKActions"]) == ([TOPIC], [TOPIC])


@every
def test_an_alarm_says_whose_it_is(name: str) -> None:
    alarm = alarms()[name]
    assert alarm["AlarmName"].startswith("sabir-")
    assert "sabir" in alarm["AlarmDescription"]
    assert "$" not in alarm["AlarmDescription"]
    assert len(alarm["AlarmDescription"]) <= 1024


def test_an_expression_returns_one_line_made_of_its_own_metrics() -> None:
    mathematical = {name: alarm["Metrics"] for name, alarm in alarms().items() if "Metrics" in alarm}
    assert mathematical.keys() == {"ErrorRateAlarm", "ThrottledTablesAlarm"}
    for parts in mathematical.values():
        (returned,) = [part for part in parts if part["ReturnData"]]
        ids = {part["Id"] for part in parts if part is not returned}
        assert set(re.findall(r"[a-z][a-z_]+", returned["Expression"])) == ids
        # A search cannot be in an alarm.
        assert "SEARCH" not in returned["Expression"]
        assert len(parts) <= 20


def test_the_error_rate_is_of_what_the_operator_can_do_something_about() -> None:
    alarm = alarms(ErrorRatePercent="7", ErrorRateMinRequests="33")["ErrorRateAlarm"]
    (rate,) = [part["Expression"] for part in alarm["Metrics"] if part["ReturnData"]]
    assert rate == "IF(requests >= 33, 100 * (sabir + provider) / requests, 0)"
    assert {name for _, name, *_ in watched(alarm)} == {"Requests", "SabirErrors", "ProviderErrors"}
    assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanThreshold", "7")


def test_both_tables_are_watched_for_reads_and_writes() -> None:
    found = {(name, at["TableName"]) for _, name, at, *_ in watched(alarms()["ThrottledTablesAlarm"])}
    assert len(found) == 4


@pytest.mark.parametrize(
    ("parameter", "alarm", "metric"),
    [
        ("FailedAttempts", "FailedAttemptsAlarm", "AttemptFailures"),
        ("FirstTokenMs", "FirstTokenAlarm", "FirstTokenMs"),
        ("OverheadMs", "OverheadAlarm", "OverheadMs"),
        ("DailyBudgetUsd", "BudgetAlarm", "CostUsd"),
    ],
)
def test_a_bound_is_the_operators(parameter: str, alarm: str, metric: str) -> None:
    found = alarms(**{parameter: "12345"})[alarm]
    assert (found["Threshold"], found["MetricName"]) == ("12345", metric)
    assert "12345" in found["AlarmDescription"]


@pytest.mark.parametrize("name", ["FirstTokenAlarm", "OverheadAlarm"])
def test_a_percentile_of_few_is_chance(name: str) -> None:
    assert alarms()[name]["EvaluateLowSampleCountPercentile"] == "ignore"


def test_the_budget_is_of_a_day_and_none_without_one() -> None:
    assert alarms()["BudgetAlarm"]["Period"] == 24 * 3600
    assert alarms(DailyBudgetUsd="0").keys() == NAMES - {"BudgetAlarm"}


def test_dashboard_and_alarms_are_there_as_the_operator_says() -> None:
    assert "Board" in observability()
    assert observability(Alarms="false").keys() == {"Board"}
    assert observability(Dashboard="false").keys() == NAMES
    neither = translate(Dashboard="false", Alarms="false")
    assert "Observability" not in neither["Resources"]
    assert "DashboardName" not in neither["Outputs"]


def test_what_the_nested_template_asks_for_is_what_it_is_given() -> None:
    assert passed().keys() == template()["Parameters"].keys()
    assert len(set(passed().values()) & set(KNOWN.values())) == 6
    assert passed(StageName="live")["StageName"] == "live"


def test_the_nested_template_is_where_the_parent_says() -> None:
    assert (ROOT / properties(translate(), "Observability")["TemplateURL"]).is_file()


def test_the_output_names_the_dashboard() -> None:
    name = grounded(translate()["Outputs"]["DashboardName"]["Value"], KNOWN)
    assert name == observability()["Board"]["Properties"]["DashboardName"]


def test_the_dimension_is_the_one_that_the_function_is_told() -> None:
    variable = translate()["Resources"]["ProxyFunction"]["Properties"]["Environment"]["Variables"]["SABIR_SERVICE"]
    assert grounded(variable, KNOWN) == passed()["Service"]


def test_the_console_asks_for_every_parameter_in_some_group() -> None:
    parent: Json = translate()
    groups = parent["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(parent["Parameters"])
