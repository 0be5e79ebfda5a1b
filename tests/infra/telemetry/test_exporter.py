"""The way out: what a receiver gets, and that nothing it does is anybody else's business."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import aiohttp
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceResponse,
)

from infra.telemetry.exporter import Exporter, Surroundings
from infra.telemetry.settings import read_telemetry
from tests.infra.telemetry import requests_made as requests
from tests.infra.telemetry.receiver import NOW, Answer, exporting, plain

ONLY_TRACES = {"OTEL_METRICS_EXPORTER": "none"}


async def test_both_signals_go_to_their_paths_with_the_headers_and_the_resource() -> None:
    env = {
        "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=a%20key,x-other=1",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod",
        "OTEL_SERVICE_NAME": "my-proxy",
    }
    async with exporting(**env) as rig:
        await rig.exporter.keep(requests.answered())
        got = {each.path: each for each in rig.receiver.got}
    assert set(got) == {"/v1/traces", "/v1/metrics"}
    for each in got.values():
        assert each.headers["content-type"] == "application/x-protobuf"
        assert (each.headers["x-api-key"], each.headers["x-other"]) == ("a key", "1")
        assert each.headers["user-agent"].startswith("OTel-OTLP-Exporter-Sabir/")
        assert "content-encoding" not in each.headers
    resource = plain(rig.receiver.of("traces")[0].resource_spans[0].resource.attributes)
    assert resource == {
        "service.name": "my-proxy", "service.version": "0.1.0", "service.instance.id": "instance-1",
        "telemetry.sdk.name": "sabir", "telemetry.sdk.language": "python", "telemetry.sdk.version": "0.1.0",
        "deployment.environment.name": "prod",
    }  # fmt: skip
    assert rig.receiver.of("metrics")[0].resource_metrics[0].resource.attributes


@pytest.mark.parametrize("protocol", ["http/protobuf", "http/json"])
async def test_gzip_is_said_and_done(protocol: str) -> None:
    async with exporting(OTEL_EXPORTER_OTLP_COMPRESSION="gzip", OTEL_EXPORTER_OTLP_PROTOCOL=protocol) as rig:
        await rig.exporter.keep(requests.answered())
        assert len(rig.receiver.spans) == 2
        assert {each.headers["content-encoding"] for each in rig.receiver.got} == {"gzip"}


async def test_a_trace_that_is_not_sampled_is_counted_in_metrics_alone() -> None:
    async with exporting() as rig:
        await rig.exporter.keep(requests.answered(trace_flags="02"))
        await rig.exporter.keep(requests.answered(trace_id=None, span_id=None, trace_flags=None))
        assert rig.receiver.of("traces") == []
        assert len(rig.receiver.of("metrics")) == 2


async def test_records_that_come_during_an_export_go_together_by_the_next() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(held=True)]
        first = asyncio.create_task(rig.exporter.keep(requests.hit()))
        await rig.receiver.arrived.wait()
        others = [asyncio.create_task(rig.exporter.keep(requests.hit())) for _ in range(5)]
        await asyncio.sleep(0)
        assert len(rig.receiver.got) == 1
        rig.receiver.release.set()
        await asyncio.gather(first, *others)
        assert [len(message.resource_spans[0].scope_spans[0].spans) for message in rig.receiver.of("traces")] == [1, 5]
        assert rig.exporter.counts["traces"].sent == 6


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_what_may_work_later_goes_with_a_later_record(status: int) -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(status, headers={"retry-after": "30"})]
        await rig.exporter.keep(requests.hit())
        rig.clock.now += 29
        await rig.exporter.keep(requests.hit())
        assert len(rig.receiver.got) == 1, "it was asked to wait"
        rig.clock.now += 1
        await rig.exporter.keep(requests.hit())
        assert [len(message.resource_spans[0].scope_spans[0].spans) for message in rig.receiver.of("traces")] == [1, 3]
        counts = rig.exporter.counts["traces"]
        assert (counts.sent, counts.failed, counts.problem) == (3, 0, None)
        assert rig.reports == [f"otlp traces: answered {status}"]


async def test_a_retry_after_may_be_a_date() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(503, headers={"retry-after": formatdate(NOW + 60, usegmt=True)})]
        await rig.exporter.keep(requests.hit())
        rig.clock.now = NOW + 59
        await rig.exporter.keep(requests.hit())
        assert len(rig.receiver.got) == 1
        rig.clock.now = NOW + 60
        await rig.exporter.keep(requests.hit())
        assert len(rig.receiver.got) == 2


async def test_without_a_retry_after_the_pauses_double() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(503, headers={"retry-after": "soon"}), Answer(503), Answer(503)]
        await rig.exporter.keep(requests.hit())
        for sent, pause in enumerate((1.0, 2.0, 4.0), start=1):
            rig.clock.now += pause - 0.25
            await rig.exporter.keep(requests.hit())
            assert len(rig.receiver.got) == sent
            rig.clock.now += 0.25
            await rig.exporter.keep(requests.hit())
            assert len(rig.receiver.got) == sent + 1
        assert rig.exporter.counts["traces"].sent == 7


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 500])
async def test_what_is_refused_for_good_is_counted_and_forgotten(status: int) -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(status, b"quotes of what it got", {"location": "/elsewhere"})]
        await rig.exporter.keep(requests.hit())
        await rig.exporter.keep(requests.hit())
        counts = rig.exporter.counts["traces"]
        assert (counts.sent, counts.failed) == (1, 1)
        assert [each.path for each in rig.receiver.got] == ["/v1/traces"] * 2
        assert rig.reports == [f"otlp traces: answered {status}"]


@pytest.mark.parametrize(
    ("protocol", "traces", "metrics"),
    [
        ("http/json", b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}',
         b'{"partialSuccess":{"rejectedDataPoints":2}}'),
        ("http/protobuf", ExportTraceServiceResponse(partial_success=ExportTracePartialSuccess(rejected_spans=2)).SerializeToString(),
         ExportMetricsServiceResponse(partial_success=ExportMetricsPartialSuccess(rejected_data_points=2)).SerializeToString()),
    ],
)  # fmt: skip
async def test_a_partial_success_is_counted_and_not_sent_again(protocol: str, traces: bytes, metrics: bytes) -> None:
    async with exporting(OTEL_EXPORTER_OTLP_PROTOCOL=protocol) as rig:
        rig.receiver.answers = {"traces": [Answer(body=traces)], "metrics": [Answer(body=metrics)]}
        await rig.exporter.keep(requests.answered())
        assert {name: (each.sent, each.rejected) for name, each in rig.exporter.counts.items()} == {
            "traces": (1, 2), "metrics": (1, 2)}  # fmt: skip
        assert len(rig.receiver.got) == 2
        assert sorted(rig.reports) == [
            f"otlp {name}: the receiver rejected 2 of what it got" for name in ("metrics", "traces")
        ]


@pytest.mark.parametrize("protocol", ["http/json", "http/protobuf"])
@pytest.mark.parametrize("body", [b"OK", b"[]", b"null", b'{"partialSuccess":[]}', b"\xff" * 100_000])
async def test_an_answer_that_is_none_is_a_success(protocol: str, body: bytes) -> None:
    async with exporting(OTEL_EXPORTER_OTLP_PROTOCOL=protocol, **ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(body=body)]
        await rig.exporter.keep(requests.hit())
        assert (rig.exporter.counts["traces"].sent, rig.exporter.counts["traces"].rejected) == (1, 0)


async def test_a_receiver_that_is_slow_is_given_up_and_tried_later() -> None:
    async with exporting(OTEL_EXPORTER_OTLP_TIMEOUT="50", **ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(held=True)]
        await rig.exporter.keep(requests.hit())
        assert rig.exporter.counts["traces"].problem == "no answer in time"
        rig.clock.now += 2
        await rig.exporter.keep(requests.hit())
        assert rig.exporter.counts["traces"].sent == 2


async def test_who_waits_behind_a_slow_export_is_let_go_and_its_record_sent_later() -> None:
    async with exporting(OTEL_EXPORTER_OTLP_TIMEOUT="50", **ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(held=True)]
        await asyncio.gather(*(rig.exporter.keep(requests.hit()) for _ in range(3)))
        rig.clock.now += 2
        await rig.exporter.keep(requests.hit())
        assert rig.exporter.counts["traces"].sent == 4


async def test_a_connection_that_died_while_the_sandbox_slept_is_tried_once_more() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(cut=True)]
        await rig.exporter.keep(requests.hit())
        assert (len(rig.receiver.got), rig.exporter.counts["traces"].sent) == (2, 1)
        rig.receiver.answers["traces"] = [Answer(cut=True), Answer(cut=True)]
        await rig.exporter.keep(requests.hit())
        assert rig.exporter.counts["traces"].problem == "the connection was closed"


async def test_nobody_there_is_no_fault_of_the_request(unused_tcp_port: int) -> None:
    telemetry = read_telemetry({"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{unused_tcp_port}"})
    assert telemetry is not None
    async with aiohttp.ClientSession() as session:
        exporter = Exporter(telemetry, lambda: session, Surroundings(clock=lambda: NOW))
        await exporter.keep(requests.answered())
        assert exporter.counts["traces"].problem == "could not be reached (ClientConnectorError)"
        await exporter.close()
        assert {each.failed for each in exporter.counts.values()} == {1}


async def test_the_queue_is_bounded_and_the_oldest_go() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(503)]
        for number in range(2050):
            await rig.exporter.keep(requests.made(request_model=f"m{number}"))
        assert rig.exporter.counts["traces"].dropped == 2
        await rig.exporter.close()
        _, *sent = (message.resource_spans[0].scope_spans[0].spans for message in rig.receiver.of("traces"))
        assert [len(spans) for spans in sent] == [512] * 4
        models = [plain(span.attributes)["sabir.request.model"] for spans in sent for span in spans]
        assert models == [f"m{number}" for number in range(2, 2050)]


async def test_an_export_that_is_cut_short_is_counted() -> None:
    async with exporting(**ONLY_TRACES) as rig:
        rig.receiver.answers["traces"] = [Answer(held=True)]
        keeping = asyncio.create_task(rig.exporter.keep(requests.hit()))
        await rig.receiver.arrived.wait()
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
        assert rig.exporter.counts["traces"].failed == 1
        await rig.exporter.keep(requests.hit())
        assert rig.exporter.counts["traces"].sent == 1
