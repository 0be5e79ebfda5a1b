"""What a request looks like as spans, in both encodings: read by OpenTelemetry's own messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from infra.requests.record import AttemptRecord
from infra.telemetry.context import attempt_span_id
from infra.telemetry.provider_names import WELL_KNOWN
from providers import registry
from tests.infra.telemetry import requests_made as requests
from tests.infra.telemetry.receiver import NOW, exporting, plain

if TYPE_CHECKING:
    from infra.requests.record import RequestRecord

START = int(NOW * 1e9)


async def exported(record: RequestRecord, protocol: str = "http/protobuf") -> list[Span]:
    async with exporting(OTEL_EXPORTER_OTLP_PROTOCOL=protocol) as rig:
        await rig.exporter.keep(record)
        assert rig.exporter.counts["traces"].sent == 1
        return rig.receiver.spans


def timed(span: Span) -> tuple[float, float]:
    """Milliseconds since the request began."""
    return (span.start_time_unix_nano - START) / 1e6, (span.end_time_unix_nano - START) / 1e6


def status(span: Span) -> int:
    return span.status.code


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_a_miss_is_a_server_span_and_a_client_span(protocol: str) -> None:
    server, client = await exported(requests.answered(), protocol)
    assert (server.name, server.kind) == ("POST /v1/chat/completions", Span.SPAN_KIND_SERVER)
    assert server.trace_id.hex() == client.trace_id.hex() == requests.TRACE
    assert (server.span_id.hex(), server.parent_span_id.hex()) == (requests.SPAN, requests.PARENT)
    assert timed(server) == (0.0, 1020.0)
    # Trace flags, and that the parent is known to be another process's: trace.proto, SpanFlags.
    assert (server.flags, client.flags) == (0x303, 0x103)
    assert plain(server.attributes) == {
        "http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200,
        "user_agent.original": "OpenAI/Python", "user.id": "ada", "faas.coldstart": True,
        "braintrust.parent": "project_name:Sabir", "sabir.request.id": "01890000000070008000000000000001",
        "sabir.request.model": "fast", "sabir.org": "acme", "sabir.key.id": "f5aaahja2c", "sabir.model": "gpt-4o-mini",
        "sabir.provider": "openai", "sabir.endpoint": "openai-1", "sabir.stream": True, "sabir.attempts": 1,
        "sabir.cache.verdict": "miss", "sabir.cache.reason": "no entry", "sabir.cache.stored": "yes",
        "sabir.cost": 0.0025, "sabir.price.version": "2026-11", "sabir.first_token_ms": 415.0,
        "sabir.upstream_ms": 1000.0, "sabir.overhead_ms": 20.0, "sabir.dropped": ["logit_bias"],
        "sabir.tag.team": "red",
    }  # fmt: skip
    assert [(event.name, event.time_unix_nano - START) for event in server.events] == [
        ("sabir.first_token", 415_000_000)
    ]
    assert (client.name, client.kind) == ("chat gpt-4o-mini", Span.SPAN_KIND_CLIENT)
    assert (client.span_id.hex(), client.parent_span_id.hex()) == (attempt_span_id(requests.SPAN, 0), requests.SPAN)
    assert timed(client) == (12.0, 1012.0)
    assert plain(client.attributes) == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18", "gen_ai.request.stream": True,
        "http.response.status_code": 200, "gen_ai.response.time_to_first_chunk": 0.4, "sabir.endpoint": "openai-1",
        "sabir.attempt": 0, "braintrust.parent": "project_name:Sabir", "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 45, "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 30, "gen_ai.usage.cache_creation.input_tokens": 5,
        "gen_ai.usage.reasoning.output_tokens": 3,
    }  # fmt: skip
    assert [(event.name, event.time_unix_nano - START) for event in client.events] == [
        ("sabir.first_token", 412_000_000)
    ]
    assert status(server) == status(client) == Status.STATUS_CODE_UNSET


async def test_a_hit_has_no_client_span() -> None:
    (server,) = await exported(requests.hit())
    said = plain(server.attributes)
    assert (said["sabir.cache.verdict"], said["sabir.cache.reason"]) == ("hit", "fresh")
    assert (said["sabir.saved"], said["sabir.cost"], said["sabir.attempts"]) == (1e-6, 0.0, 0)
    assert [event.name for event in server.events] == ["sabir.cache.hit", "sabir.first_token"]
    assert not any(name.startswith("gen_ai.") for name in said)
    assert (server.parent_span_id, server.flags) == (b"", 0x103)


async def test_every_attempt_of_a_failover_is_a_span_and_the_answer_is_the_lasts() -> None:
    server, first, second = await exported(requests.failed_over())
    assert [timed(span) for span in (first, second)] == [(1.0, 51.0), (60.0, 560.0)]
    assert first.span_id != second.span_id
    failed, answered = plain(first.attributes), plain(second.attributes)
    assert (failed["error.type"], failed["http.response.status_code"]) == ("overloaded", 503)
    assert not any(name.startswith(("gen_ai.response", "gen_ai.usage")) for name in failed)
    assert (answered["gen_ai.provider.name"], answered["gen_ai.usage.input_tokens"]) == ("azure.ai.openai", 45)
    assert "error.type" not in answered
    assert "gen_ai.request.stream" not in answered
    assert [status(span) for span in (server, first, second)] == [0, Status.STATUS_CODE_ERROR, 0]


async def test_a_stream_that_breaks_off_is_an_error_whatever_its_status() -> None:
    server, client = await exported(requests.broken())
    assert status(server) == status(client) == Status.STATUS_CODE_ERROR
    said = plain(server.attributes)
    assert (said["error.type"], said["sabir.error.cause"], said["http.response.status_code"]) == (
        "upstream_truncated", "provider", 200)  # fmt: skip
    assert said["sabir.usage.estimated"] is True
    assert plain(client.attributes)["gen_ai.provider.name"] == "aws.bedrock"


@pytest.mark.parametrize(
    ("record", "error", "cause"),
    [
        (requests.left(), "client_gone", "client_gone"),
        (requests.limited(), "rate_limit_exceeded", "limit"),
        (requests.refused(), "invalid_json", "caller"),
    ],
)
async def test_what_is_not_the_services_fault_is_named_and_no_error_of_it(
    record: RequestRecord, error: str, cause: str
) -> None:
    server, *clients = await exported(record)
    said = plain(server.attributes)
    assert (said["error.type"], said["sabir.error.cause"]) == (error, cause)
    assert [status(span) for span in (server, *clients)] == [0] * (1 + len(record.attempts))


async def test_what_is_no_known_operation_has_no_route() -> None:
    (server,) = await exported(requests.refused())
    said = plain(server.attributes)
    assert (server.name, said["http.request.method"]) == ("HTTP", "_OTHER")
    assert "http.route" not in said


@pytest.mark.parametrize(
    ("operation", "name"),
    [
        ("embeddings", "POST /v1/embeddings"),
        ("count_tokens", "POST /v1/chat/completions/input_tokens"),
        ("models", "GET /v1/models"),
    ],
)
async def test_a_span_is_named_by_its_route(operation: str, name: str) -> None:
    (server,) = await exported(requests.made(operation=operation, status=200, total_ms=1.0))
    assert server.name == name


async def test_a_500_is_the_services_failure() -> None:
    (server,) = await exported(requests.made(status=500, error="internal_error", cause="sabir", bug=("KeyError",)))
    assert status(server) == Status.STATUS_CODE_ERROR
    assert plain(server.attributes)["sabir.bug"] == ["KeyError"]
    assert timed(server) == (0.0, 0.0)


async def test_what_protobuf_cannot_hold_is_no_reason_to_send_nothing() -> None:
    many = {f"t{number}": "v" for number in range(200)}
    (server,) = await exported(requests.made(user="half a pair \ud83d", tags=many, request_model="m" * 9000))
    said = plain(server.attributes)
    assert said["user.id"] == "half a pair ?"
    assert len(said["sabir.request.model"]) == 4096
    assert len(server.attributes) == 128
    assert server.dropped_attributes_count == 200 + 6 - 128


async def test_json_spells_numbers_and_enums_as_otlp_does() -> None:
    async with exporting(OTEL_EXPORTER_OTLP_PROTOCOL="http/json") as rig:
        await rig.exporter.keep(requests.answered())
        sent: Any = next(got.plain for got in rig.receiver.got if got.path == "/v1/traces")
    (resource,) = sent["resourceSpans"]
    server = resource["scopeSpans"][0]["spans"][0]
    assert (server["traceId"], server["kind"]) == (requests.TRACE, 2)
    assert server["startTimeUnixNano"] == str(START)
    assert {"key": "http.response.status_code", "value": {"intValue": "200"}} in server["attributes"]


async def test_an_attempt_without_an_end_ends_with_the_request() -> None:
    attempt = AttemptRecord("a", "openai", "gpt-4", 5.0)
    for total, end in ((9.0, 9.0), (None, 5.0)):
        server, client = await exported(requests.answered(attempts=[attempt], total_ms=total))
        assert (timed(server), timed(client)) == ((0.0, end), (5.0, end))


def test_the_names_of_providers_are_of_ours() -> None:
    assert WELL_KNOWN.keys() <= set(registry.names())
