"""Which trace a request is part of, and who may hear of it (docs/tracing.md).

Where nothing is exported and the caller sent no trace, nothing of it is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handlers.services import Services
    from infra.requests.record import RequestRecord
    from infra.telemetry.context import Sampler, TraceContext
    from providers.routing.serving import Leg

BT_PARENT: Final = "x-bt-parent"
BT_SPAN: Final = "x-bt-span-id"
_TRACEPARENT: Final = "traceparent"


def begin(
    headers: Mapping[str, str],
    record: RequestRecord,
    sampler: Sampler | None,
    random: Callable[[int], bytes],
    notes: dict[str, str],
) -> TraceContext | None:
    """Notes the ids in the record. `sampler`: None where nothing is exported. `notes`: headers of the answer."""
    if BT_PARENT in headers:
        _note_parent(headers[BT_PARENT], record)
    if sampler is None and _TRACEPARENT not in headers:
        return None
    from infra.telemetry.context import RANDOM_BYTES, begin_trace

    def values(name: str) -> list[str]:
        # Several fields of one name are joined by commas (RFC 9110 §5.3), which a traceparent has none of.
        return [headers[name]] if name in headers else []

    trace = begin_trace(values, random(RANDOM_BYTES), sampler)
    if trace is not None:
        record.trace_id, record.span_id = trace.trace_id, trace.span_id
        record.parent_span_id, record.trace_flags = trace.parent_span_id, trace.trace_flags
        if record.bt_parent is not None:
            notes[BT_SPAN] = trace.span_id
    return trace


def onward(trace: TraceContext | None, leg: Leg, number: int, services: Services) -> dict[str, str]:
    """For the attempt of this place in the record: a trace goes to one's own addresses, and to no public provider."""
    own = leg.endpoint.base_url is not None or leg.provider in services.settings.base_urls
    return trace.upstream_headers(number) if trace is not None and own else {}


def _note_parent(value: str, record: RequestRecord) -> None:
    """What is no parent is named beside the parameters that go unheeded, and refuses no request."""
    from infra.telemetry.braintrust import parse_parent

    record.bt_parent = parse_parent(value)
    if record.bt_parent is None:
        record.dropped = (BT_PARENT,)
