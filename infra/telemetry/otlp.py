"""OTLP messages, and their two encodings. Importing this costs some thirty milliseconds, so only the exporter does."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from infra.telemetry.settings import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    from infra.telemetry.settings import Protocol, Signal

    ExportRequest: TypeAlias = ExportTraceServiceRequest | ExportMetricsServiceRequest

Value: TypeAlias = str | bool | int | float | list[str] | None

SCOPE: Final = InstrumentationScope(name="sabir", version=VERSION)

# The last release of the conventions that has GenAI's and HTTP's together. Those of GenAI have since moved to a
# repository of their own and are being renamed there (semantic-conventions-genai, v0.1.0).
SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.41.0"

# Of a span, as the specification has it by default (Span Limits); tags are as many as the caller sends.
_MOST_ATTRIBUTES: Final = 128
_LONGEST_VALUE: Final = 4096

_ID_FIELDS: Final = ("traceId", "spanId", "parentSpanId")


def key_values(attributes: Mapping[str, Value]) -> tuple[list[KeyValue], int]:
    """Those that have a value, and how many were too many."""
    there = [KeyValue(key=_text(name), value=_any(value)) for name, value in attributes.items() if value is not None]
    return there[:_MOST_ATTRIBUTES], max(0, len(there) - _MOST_ATTRIBUTES)


def resource_of(attributes: Mapping[str, str]) -> Resource:
    return Resource(attributes=key_values(attributes)[0])


def nanoseconds(seconds: float) -> int:
    """Of the epoch. A time before it is a clock that is wrong."""
    return max(0, round(seconds * 1e9))


def encode(message: ExportRequest, protocol: Protocol) -> bytes:
    if protocol == "http/protobuf":
        return bytes(message.SerializeToString())
    plain = MessageToDict(message, use_integers_for_enums=True)
    for group in plain.get("resourceSpans", ()):
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                _spell_ids(span)
    return json.dumps(plain, separators=(",", ":")).encode()


def rejected(body: bytes, signal: Signal, protocol: Protocol) -> int:
    """How many spans or data points a receiver that answered 200 did not take. Raises ValueError for what is no answer.

    An empty body is a whole success, as is a message without the member.
    """
    if protocol == "http/json":
        return _rejected_json(body, signal)
    from google.protobuf.message import DecodeError

    try:
        if signal == "traces":
            return int(ExportTraceServiceResponse.FromString(body).partial_success.rejected_spans)
        return int(ExportMetricsServiceResponse.FromString(body).partial_success.rejected_data_points)
    except DecodeError as fault:
        raise ValueError("no OTLP response") from fault


def _rejected_json(body: bytes, signal: Signal) -> int:
    answer = json.loads(body or b"{}")
    partial = (answer.get("partialSuccess") or {}) if isinstance(answer, dict) else {}
    return int(partial.get("rejectedSpans" if signal == "traces" else "rejectedDataPoints") or 0)


def _spell_ids(span: dict[str, Any]) -> None:
    """OTLP's JSON has ids in hexadecimal, unlike protobuf's own (specification, "JSON Protobuf Encoding")."""
    for name in _ID_FIELDS:
        if name in span:
            span[name] = b64decode(span[name]).hex()


def _any(value: str | float | list[str]) -> AnyValue:
    match value:
        case bool():
            return AnyValue(bool_value=value)
        case int():
            return AnyValue(int_value=value)
        case float():
            return AnyValue(double_value=value)
        case str():
            return AnyValue(string_value=_text(value))
        case _:
            return AnyValue(array_value=ArrayValue(values=[_any(each) for each in value]))


def _text(value: str) -> str:
    """JSON can hold half a surrogate pair, which protobuf refuses."""
    return value[:_LONGEST_VALUE].encode("utf-8", "replace").decode()
