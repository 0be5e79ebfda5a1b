"""A record as spans: one of the request, and beneath it one of each attempt. docs/tracing.md lists what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from infra.telemetry.braintrust import PARENT_ATTRIBUTE
from infra.telemetry.context import attempt_span_id
from infra.telemetry.names import (
    CLIENT_GONE,
    error_type,
    gen_ai_attributes,
    http_attributes,
    is_failure,
    is_last,
    request_name,
)
from infra.telemetry.otlp import SCHEMA_URL, SCOPE, key_values, nanoseconds, resource_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infra.requests.record import AttemptRecord, RequestRecord
    from infra.telemetry.otlp import Value
    from providers.usage import Usage

# Span.flags, beside the trace flags: whether the parent was in another process, and that this is known.
_KNOWN_WHERE: Final = 0x100
_PARENT_REMOTE: Final = 0x200

_FIRST_TOKEN: Final = "sabir.first_token"  # noqa: S105 - of an answer
_CACHE_HIT: Final = "sabir.cache.hit"


def trace_request(records: Sequence[RequestRecord], resource: Mapping[str, str]) -> ExportTraceServiceRequest:
    """All spans of these records, which are sampled ones."""
    spans = [span for record in records for span in _spans(record)]
    scope = ScopeSpans(scope=SCOPE, spans=spans, schema_url=SCHEMA_URL)
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(resource=resource_of(resource), scope_spans=[scope], schema_url=SCHEMA_URL)]
    )


def _spans(record: RequestRecord) -> list[Span]:
    return [_server_span(record), *(_client_span(record, number) for number in range(len(record.attempts)))]


def _server_span(record: RequestRecord) -> Span:
    attributes, dropped = key_values({**http_attributes(record), **_sabir_attributes(record)})
    remote = _PARENT_REMOTE if record.parent_span_id else 0
    return Span(
        trace_id=bytes.fromhex(record.trace_id or ""),
        span_id=bytes.fromhex(record.span_id or ""),
        parent_span_id=bytes.fromhex(record.parent_span_id or ""),
        flags=_flags(record) | _KNOWN_WHERE | remote,
        name=request_name(record),
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=_time(record, 0.0),
        end_time_unix_nano=_time(record, _total_ms(record)),
        attributes=attributes,
        dropped_attributes_count=dropped,
        events=_server_events(record),
        status=Status(code=Status.STATUS_CODE_ERROR) if is_failure(record) else None,
    )


def _client_span(record: RequestRecord, number: int) -> Span:
    attempt = record.attempts[number]
    attributes, dropped = key_values({**gen_ai_attributes(record, attempt), **_attempt_attributes(record, number)})
    ended = _total_ms(record) if attempt.ended_ms is None else attempt.ended_ms
    left = record.cause == CLIENT_GONE and is_last(record, attempt)
    failed = error_type(attempt.error, attempt.status) is not None and not left
    return Span(
        trace_id=bytes.fromhex(record.trace_id or ""),
        span_id=bytes.fromhex(attempt_span_id(record.span_id or "", number)),
        parent_span_id=bytes.fromhex(record.span_id or ""),
        flags=_flags(record) | _KNOWN_WHERE,
        name=f"{record.operation} {attempt.model}".strip(),
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=_time(record, attempt.began_ms),
        end_time_unix_nano=_time(record, max(attempt.began_ms, ended)),
        attributes=attributes,
        dropped_attributes_count=dropped,
        events=_first_token(record, attempt.first_token_ms),
        status=Status(code=Status.STATUS_CODE_ERROR) if failed else None,
    )


def _attempt_attributes(record: RequestRecord, number: int) -> dict[str, Value]:
    attempt = record.attempts[number]
    mine: dict[str, Value] = {
        "gen_ai.request.stream": record.stream or None,
        "http.response.status_code": attempt.status,
        "gen_ai.response.time_to_first_chunk": _to_first_chunk(record, attempt),
        "sabir.endpoint": attempt.endpoint,
        "sabir.attempt": number,
        PARENT_ATTRIBUTE: record.bt_parent,
    }
    if not is_last(record, attempt):
        return mine
    reasons: Value = [record.finish_reason] if record.finish_reason else None
    return mine | {"gen_ai.response.finish_reasons": reasons} | _usage_attributes(record.usage)


def _usage_attributes(usage: Usage | None) -> dict[str, Value]:
    """The convention's input and output are totals, of which the others are parts; ours are disjoint."""
    if usage is None:
        return {}
    asked = (usage.input, usage.cache_read, usage.cache_write, usage.audio_input)
    told = (usage.output, usage.reasoning, usage.audio_output)
    return {
        "gen_ai.usage.input_tokens": usage.prompt if any(each is not None for each in asked) else None,
        "gen_ai.usage.output_tokens": usage.completion if any(each is not None for each in told) else None,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }


def _sabir_attributes(record: RequestRecord) -> dict[str, Value]:
    return {
        "user_agent.original": record.client,
        "user.id": record.user,
        "faas.coldstart": record.cold_start or None,
        PARENT_ATTRIBUTE: record.bt_parent,
        "sabir.request.id": record.request_id,
        "sabir.request.model": record.request_model,
        "sabir.org": record.org,
        "sabir.key.id": record.key,
        "sabir.model": record.model,
        "sabir.provider": record.provider,
        "sabir.endpoint": record.endpoint,
        "sabir.stream": record.stream,
        "sabir.attempts": len(record.attempts),
        **_cache_attributes(record),
        "sabir.cost": _usd(record.cost_nano_usd),
        "sabir.saved": _usd(record.saved_nano_usd),
        "sabir.usage.estimated": record.usage_estimated or None,
        "sabir.price.version": record.price_version,
        "sabir.first_token_ms": record.first_token_ms,
        "sabir.upstream_ms": record.upstream_ms,
        "sabir.overhead_ms": record.overhead_ms,
        "sabir.error.cause": record.cause,
        "sabir.dropped": list(record.dropped) or None,
        "sabir.uncounted": record.uncounted,
        "sabir.bug": list(record.bug) or None,
        **{f"sabir.tag.{name}": value for name, value in record.tags.items()},
    }


def _cache_attributes(record: RequestRecord) -> dict[str, Value]:
    return {
        "sabir.cache.verdict": record.cache,
        "sabir.cache.reason": record.cache_reason,
        "sabir.cache.stored": record.stored,
        "sabir.cache.fault": record.cache_fault,
    }


def _server_events(record: RequestRecord) -> list[Span.Event]:
    """A hit asks no provider, so it has no span beneath; it happened when there was something to read."""
    first = _first_token(record, record.first_token_ms)
    if record.cache != "hit":
        return first
    at = 0.0 if record.first_token_ms is None else record.first_token_ms
    return [Span.Event(name=_CACHE_HIT, time_unix_nano=_time(record, at)), *first]


def _first_token(record: RequestRecord, at_ms: float | None) -> list[Span.Event]:
    return [] if at_ms is None else [Span.Event(name=_FIRST_TOKEN, time_unix_nano=_time(record, at_ms))]


def _to_first_chunk(record: RequestRecord, attempt: AttemptRecord) -> float | None:
    """Seconds; the convention has it for streams alone."""
    if not record.stream or attempt.first_token_ms is None:
        return None
    return max(0.0, attempt.first_token_ms - attempt.began_ms) / 1000


def _total_ms(record: RequestRecord) -> float:
    """Of a record that has no end, as far as anything in it went."""
    if record.total_ms is not None:
        return record.total_ms
    return max((each.ended_ms or each.began_ms for each in record.attempts), default=0.0)


def _time(record: RequestRecord, after_ms: float) -> int:
    return nanoseconds(record.at) + round(after_ms * 1e6)


def _flags(record: RequestRecord) -> int:
    return int(record.trace_flags or "0", 16)


def _usd(nano: int | None) -> float | None:
    return None if nano is None else nano / 1e9
