"""A request's line of log is metrics as well: read back by the rules of the format, not by our own code."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.metrics.emf import emf_documents, emf_text
from infra.metrics.names import NAMESPACE
from tests.infra.metrics.emf_rules import Datum, extract
from tests.infra.metrics.records import AT, EVERY_METRIC, RECORDS, attempt, base

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord

Json = Any

ALL = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS.keys())


def data(record: RequestRecord, log_faults: int = 0) -> list[Datum]:
    text = emf_text(record, service="sabir", log_faults=log_faults)
    assert text.endswith("\n")
    return [datum for line in text.removesuffix("\n").split("\n") for datum in extract(line)]


def of_service(record: RequestRecord, log_faults: int = 0) -> dict[str, float]:
    found = [datum for datum in data(record, log_faults) if datum.dimensions == (("service", "sabir"),)]
    assert all(len(datum.values) == 1 for datum in found)
    return {datum.name: datum.values[0] for datum in found}


def of_provider(record: RequestRecord, provider: str) -> dict[str, tuple[float, ...]]:
    named = (("service", "sabir"), ("provider", provider))
    return {datum.name: datum.values for datum in data(record) if datum.dimensions == named}


@ALL
def test_every_record_is_a_document_of_the_format(record: RequestRecord) -> None:
    found = data(record, log_faults=3)
    assert {datum.namespace for datum in found} == {NAMESPACE} == {"Sabir"}
    keys = [(datum.name, datum.dimensions) for datum in found]
    assert len(set(keys)) == len(keys)
    units = {metric.name: metric.unit for metric in EVERY_METRIC}
    assert {datum.name: datum.unit for datum in found}.items() <= units.items()


@ALL
def test_the_line_says_all_that_the_record_says(record: RequestRecord) -> None:
    line = json.loads(emf_text(record, service="sabir").split("\n")[0])
    said = json.loads(json.dumps(record.document()))
    assert {name: line[name] for name in said} == said
    assert line["service"] == "sabir"
    known = {metric.name for metric in EVERY_METRIC}
    assert set(line) - set(said) <= {"timestamp", "level", "service", "_aws"} | known


@ALL
def test_only_the_first_line_is_a_request(record: RequestRecord) -> None:
    first, *others = emf_documents(record, service="sabir")
    assert first["dialect"] == "openai"
    for other in others:
        assert "dialect" not in other
        assert other["request_id"] == record.request_id


@ALL
def test_only_the_service_and_the_provider_are_dimensions(record: RequestRecord) -> None:
    """Each value of a dimension is a metric of its own on the bill."""
    names = {tuple(name for name, _ in datum.dimensions) for datum in data(record)}
    assert names <= {("service",), ("service", "provider")}


@ALL
def test_what_errors_are_divided_by_and_into_is_always_there(record: RequestRecord) -> None:
    found = of_service(record)
    assert found["Requests"] == 1
    assert {"Errors", "ProviderErrors", "SabirErrors"} <= found.keys()


def test_every_metric_is_sent_by_some_record() -> None:
    sent = {datum.name for record in RECORDS.values() for datum in data(record, log_faults=1)}
    assert sent == {metric.name for metric in EVERY_METRIC}


def test_names_are_said_once() -> None:
    names = [metric.name for metric in EVERY_METRIC]
    assert len(set(names)) == len(names)


def test_of_a_record_that_knows_nothing_no_average_is_made() -> None:
    nothing = {"Requests": 1, "Errors": 0, "ProviderErrors": 0, "SabirErrors": 0}
    assert of_service(RECORDS["nothing known"]) == nothing


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("caller's error", "CallerErrors"),
        ("limit", "LimitErrors"),
        ("provider's error", "ProviderErrors"),
        ("bug", "SabirErrors"),
        ("client gone", "ClientsGone"),
    ],
)
def test_an_error_counts_for_its_cause_and_for_no_other(name: str, metric: str) -> None:
    causes = {"CallerErrors", "LimitErrors", "ProviderErrors", "SabirErrors", "ClientsGone"}
    found = of_service(RECORDS[name])
    assert found["Errors"] == 1
    assert {cause for cause in causes if found.get(cause)} == {metric}


def test_an_answer_is_no_error() -> None:
    found = of_service(RECORDS["answered"])
    assert (found["Errors"], found["ProviderErrors"], found["SabirErrors"]) == (0, 0, 0)
    assert not found.keys() & {"CallerErrors", "LimitErrors", "ClientsGone"}


@pytest.mark.parametrize(("name", "lookups", "hits"), [("hit", 1, 1), ("answered", 1, 0), ("bypass", None, None)])
def test_a_hit_rate_is_hits_by_lookups(name: str, lookups: int | None, hits: int | None) -> None:
    found = of_service(RECORDS[name])
    assert (found.get("CacheLookups"), found.get("CacheHits")) == (lookups, hits)


def test_a_hit_has_no_time_of_a_provider() -> None:
    found = of_service(RECORDS["hit"])
    assert "UpstreamMs" not in found
    assert "AttemptFailures" not in found
    assert of_provider(RECORDS["hit"], "north") == {}


def test_money_is_in_dollars_and_what_costs_nothing_is_known_to() -> None:
    assert of_service(RECORDS["everything"])["CostUsd"] == pytest.approx(0.001234567)
    assert of_service(RECORDS["hit"])["CostUsd"] == 0
    assert of_service(RECORDS["hit"])["SavedUsd"] == pytest.approx(0.0025)
    assert "CostUsd" not in of_service(RECORDS["answered"])


def test_tokens_are_in_the_records_own_buckets() -> None:
    found = of_service(RECORDS["everything"])
    buckets = ("InputTokens", "OutputTokens", "CacheReadTokens", "ReasoningTokens")
    assert [found[name] for name in buckets] == [10, 20, 30, 50]
    assert not set(buckets) & of_service(RECORDS["answered"]).keys()


def test_times_are_the_records() -> None:
    found = of_service(RECORDS["answered"])
    assert found["FirstTokenMs"] == 400.5
    assert (found["TotalMs"], found["UpstreamMs"], found["OverheadMs"]) == (1500.5, 1490.0, 10.5)


@pytest.mark.parametrize("metric", ["ColdStarts", "CacheFaults", "UncountedRequests"])
def test_what_is_rare_is_sent_when_it_happens(metric: str) -> None:
    assert of_service(RECORDS["everything"])[metric] == 1
    assert metric not in of_service(RECORDS["answered"])


def test_records_that_the_log_lost_are_counted_by_the_next_line() -> None:
    assert of_service(RECORDS["answered"], log_faults=7)["LogFaults"] == 7
    assert "LogFaults" not in of_service(RECORDS["answered"])


def test_a_retry_is_a_failure_of_the_provider_that_answered_in_the_end() -> None:
    record = RECORDS["retried"]
    assert of_service(record)["AttemptFailures"] == 1
    assert "FailedOver" not in of_service(record)
    assert of_provider(record, "north") == {
        "ProviderAttempts": (2,),
        "ProviderFailures": (1,),
        "ProviderFirstTokenMs": (375.0,),
    }
    assert len(emf_documents(record, service="sabir")) == 1


def test_a_failure_that_failover_hid_counts_for_the_provider_whose_it_is() -> None:
    record = RECORDS["failed over"]
    assert (of_service(record)["AttemptFailures"], of_service(record)["FailedOver"]) == (3, 1)
    assert of_provider(record, "north") == {"ProviderAttempts": (1,), "ProviderFailures": (1,)}
    assert of_provider(record, "east") == {"ProviderAttempts": (2,), "ProviderFailures": (2,)}
    assert of_provider(record, "south")["ProviderFailures"] == (0,)


def test_attempts_count_even_where_the_record_names_no_provider() -> None:
    record = base(attempts=[attempt("north", error="overloaded")])
    assert of_provider(record, "north")["ProviderFailures"] == (1,)


def test_the_time_is_that_of_the_end() -> None:
    """An alarm looks at the last minutes; a metric of when a long answer began would come too late for it."""
    assert {datum.at for datum in data(RECORDS["answered"])} == {int((AT + 1.5005) * 1000)}
    first, *_ = emf_documents(RECORDS["answered"], service="sabir")
    # RFC 3339, as Lambda wants it of a line that is not to be given a time of Lambda's own.
    assert (first["timestamp"], first["level"]) == ("2026-01-01T00:00:01.750Z", "INFO")
    assert {datum.at for datum in data(replace(RECORDS["answered"], total_ms=None))} == {int(AT * 1000)}


def test_logs_insights_finds_every_word_of_the_record() -> None:
    """It takes the first 200 fields of a line, a list's and an object's members each for one."""
    many = [attempt(f"p{number}", error="overloaded") for number in range(6)]
    first, *_ = emf_documents(replace(RECORDS["everything"], attempts=many), service="sabir", log_faults=1)
    assert list(first)[-1] == "_aws"
    assert fields({name: value for name, value in first.items() if name != "_aws"}) <= 200


def fields(node: Json) -> int:
    inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
    return 1 if inner is None else sum(fields(value) for value in inner)


def test_a_golden_line() -> None:
    record = base(provider="north", cache="hit", upstream_ms=None, cost_nano_usd=0, saved_nano_usd=2_500_000)
    assert json.loads(emf_text(record, service="sabir")) == {
        "timestamp": "2026-01-01T00:00:01.750Z",
        "level": "INFO",
        "request_id": "0198f0c0a0007000800000000000abcd",
        "dialect": "openai",
        "at": AT,
        "operation": "chat",
        "org": "acme",
        "key": "k_1",
        "provider": "north",
        "cache": "hit",
        "status": 200,
        "first_token_ms": 400.5,
        "total_ms": 1500.5,
        "overhead_ms": 10.5,
        "cost_nano_usd": 0,
        "saved_nano_usd": 2_500_000,
        "request_bytes": 0,
        "response_bytes": 0,
        "service": "sabir",
        "Requests": 1,
        "Errors": 0,
        "ProviderErrors": 0,
        "SabirErrors": 0,
        "CacheLookups": 1,
        "CacheHits": 1,
        "FirstTokenMs": 400.5,
        "TotalMs": 1500.5,
        "OverheadMs": 10.5,
        "CostUsd": 0.0,
        "SavedUsd": 0.0025,
        "_aws": {
            "Timestamp": 1_767_225_601_750,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Sabir",
                    "Dimensions": [["service"]],
                    "Metrics": [
                        {"Name": "Requests", "Unit": "Count"},
                        {"Name": "Errors", "Unit": "Count"},
                        {"Name": "ProviderErrors", "Unit": "Count"},
                        {"Name": "SabirErrors", "Unit": "Count"},
                        {"Name": "CacheLookups", "Unit": "Count"},
                        {"Name": "CacheHits", "Unit": "Count"},
                        {"Name": "FirstTokenMs", "Unit": "Milliseconds"},
                        {"Name": "TotalMs", "Unit": "Milliseconds"},
                        {"Name": "OverheadMs", "Unit": "Milliseconds"},
                        {"Name": "CostUsd", "Unit": "None"},
                        {"Name": "SavedUsd", "Unit": "None"},
                    ],
                }
            ],
        },
    }
