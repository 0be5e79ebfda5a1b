"""A request's line of log, which CloudWatch reads as metrics too: the Embedded Metric Format.

CloudWatch Logs takes metrics out of any log event that is one JSON object with `_aws` in it (CloudWatch user guide,
"Specification: Embedded metric format"): no agent, no call, nothing that could fail a request. What a directive names
must be a member of the root and a number, or a list of up to 100 numbers; a dimension's must be a string.

Standard output is enough, under AWS's Python runtime as under our loop: of either, a line is an event. With the log
format JSON, Lambda does not encode again what is JSON already (Lambda developer guide, "Configuring JSON and plain text
log formats"). It reads `level` and `timestamp` (RFC 3339) there, and where no valid one is, it puts its own in; so both
are ours. The level is always INFO: a line that a log level filters out takes its metrics with it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.metrics.names import METRICS, NAMESPACE, PROVIDER, PROVIDER_METRICS, SERVICE, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeVar

    from infra.control.store import Json
    from infra.metrics.names import Metric
    from infra.requests.record import AttemptRecord, RequestRecord

    _Of = TypeVar("_Of")


def emf_text(record: RequestRecord, *, service: str, log_faults: int = 0) -> str:
    """`emf_documents` as whole lines, each with its line feed."""
    documents = emf_documents(record, service=service, log_faults=log_faults)
    return "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in documents)


def emf_documents(record: RequestRecord, *, service: str, log_faults: int = 0) -> list[dict[str, Json]]:
    """One a line. The first is the request's: all that the record says, and its metrics.

    Others follow only where attempts were made at another provider than the record names: a line has one value for a
    dimension. They have the `request_id` and that provider's numbers, and no `dialect`, by which they are told apart.

    `service`: the stack. `log_faults`: how many records the request log could not keep since the last call.
    """
    attempts = _by_provider(record.attempts)
    metrics = [_directive([SERVICE], METRICS, Seen(record, log_faults))]
    if record.provider in attempts:
        metrics.append(_directive([SERVICE, PROVIDER], PROVIDER_METRICS, attempts.pop(record.provider)))
    first = _document(record, service, record.document(), metrics)
    others = [
        _document(
            record,
            service,
            {"request_id": record.request_id, PROVIDER: provider},
            [_directive([SERVICE, PROVIDER], PROVIDER_METRICS, made)],
        )
        for provider, made in attempts.items()
    ]
    return [first, *others]


@dataclass(frozen=True, slots=True)
class _Directive:
    """What CloudWatch is told, and the members of the root that this is about."""

    told: Mapping[str, Json]
    values: Mapping[str, Json]


def _directive(dimensions: list[str], metrics: Iterable[Metric[_Of]], of: _Of) -> _Directive:
    found = [(metric, value) for metric in metrics if (value := metric.value(of)) is not None]
    told: dict[str, Json] = {
        "Namespace": NAMESPACE,
        "Dimensions": [dimensions],
        "Metrics": [{"Name": metric.name, "Unit": metric.unit} for metric, _ in found],
    }
    return _Directive(told, {metric.name: value for metric, value in found})


def _document(
    record: RequestRecord, service: str, members: Mapping[str, Json], metrics: Sequence[_Directive]
) -> dict[str, Json]:
    """`_aws` is the last member: Logs Insights finds the first 200 fields of a line, and nobody looks for these."""
    # Of the end: alarms look at the last minutes, and an answer may take fifteen.
    ended = record.at + (record.total_ms or 0) / 1000
    document: dict[str, Json] = {
        "timestamp": datetime.fromtimestamp(ended, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "INFO",
        **members,
        SERVICE: service,
    }
    for one in metrics:
        document |= one.values
    told = [one.told for one in metrics]
    return {**document, "_aws": {"Timestamp": int(ended * 1000), "CloudWatchMetrics": told}}


def _by_provider(attempts: Iterable[AttemptRecord]) -> dict[str, list[AttemptRecord]]:
    found: dict[str, list[AttemptRecord]] = {}
    for attempt in attempts:
        found.setdefault(attempt.provider, []).append(attempt)
    return found
