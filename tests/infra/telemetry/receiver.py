"""A receiver of OTLP on loopback, and what it was sent, read by OpenTelemetry's own messages."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from infra.telemetry.exporter import Exporter, Surroundings
from infra.telemetry.settings import read_telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.proto.common.v1.common_pb2 import KeyValue
    from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

NOW = 1_800_000_000.0


@dataclass
class Answer:
    """`held`: until the receiver's `release` is set; `cut`: hang up instead."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    held: bool = False
    cut: bool = False


@dataclass
class Got:
    path: str
    headers: dict[str, str]
    message: ExportTraceServiceRequest | ExportMetricsServiceRequest
    plain: dict[str, Any] | None


class Receiver:
    """Gives the answers of `answers[signal]` in turn, and then whole successes."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answers: dict[str, list[Answer]] = {"traces": [], "metrics": []}
        self.arrived = asyncio.Event()
        self.release = asyncio.Event()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()  # aiohttp has decompressed it
        signal = "metrics" if "metrics" in request.path else "traces"
        kind = ExportMetricsServiceRequest if signal == "metrics" else ExportTraceServiceRequest
        plain = json.loads(body) if request.content_type == "application/json" else None
        message = kind.FromString(body) if plain is None else Parse(json.dumps(with_base64(plain)), kind())
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.got.append(Got(request.path_qs, headers, message, plain))
        self.arrived.set()
        answer = self.answers[signal].pop(0) if self.answers[signal] else Answer()
        if answer.held:
            await self.release.wait()
        if answer.cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    def of(self, signal: str) -> list[Any]:
        kind = ExportMetricsServiceRequest if signal == "metrics" else ExportTraceServiceRequest
        return [got.message for got in self.got if isinstance(got.message, kind)]

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for message in self.of("traces")
            for resource in message.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    @property
    def metrics(self) -> list[Metric]:
        return [
            metric
            for message in self.of("metrics")
            for resource in message.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        ]


def with_base64(node: Any) -> Any:
    """OTLP's JSON as protobuf's own, whose only difference are ids; asserts that they were hexadecimal."""
    if isinstance(node, list):
        return [with_base64(each) for each in node]
    if not isinstance(node, dict):
        return node
    sizes = {"traceId": 16, "spanId": 8, "parentSpanId": 8}
    assert all(len(bytes.fromhex(node[name])) == size for name, size in sizes.items() if name in node)
    return {
        name: base64.b64encode(bytes.fromhex(value)).decode() if name in sizes else with_base64(value)
        for name, value in node.items()
    }


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield receiver
    finally:
        receiver.release.set()
        await runner.cleanup()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Rig:
    receiver: Receiver
    exporter: Exporter
    clock: Clock
    reports: list[str]


@asynccontextmanager
async def exporting(**env: str) -> AsyncIterator[Rig]:
    """An exporter that sends to a receiver; `{url}` in a variable is the receiver's."""
    async with receiving() as receiver, aiohttp.ClientSession() as session:
        common = {"OTEL_EXPORTER_OTLP_ENDPOINT": "{url}", **env}
        telemetry = read_telemetry({name: value.replace("{url}", receiver.url) for name, value in common.items()})
        assert telemetry is not None
        clock, reports = Clock(), list[str]()
        around = Surroundings(clock=clock, jitter=lambda: 1.0, instance_id=lambda: "instance-1", report=reports.append)
        yield Rig(receiver, Exporter(telemetry, lambda: session, around), clock, reports)


def plain(attributes: Any) -> dict[str, Any]:
    """Attributes as Python values."""
    return {each.key: _plain(each) for each in attributes}


def _plain(each: KeyValue) -> Any:
    kind = each.value.WhichOneof("value")
    assert kind is not None
    if kind == "array_value":
        return [value.string_value for value in each.value.array_value.values]
    return getattr(each.value, kind)
