"""Traces through a running Sabir: the caller's is continued, told onward to one's own addresses, and exported."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from handlers import tracing
from infra.telemetry.context import attempt_span_id, begin_trace
from providers.routing.endpoint import Endpoint
from providers.routing.serving import Leg
from providers.routing.virtual import Candidate, VirtualModel
from providers.secret import Secret
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import BEARER, GOOD
from tests.infra.telemetry.receiver import plain, receiving
from tests.simulator import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import aiohttp

    from tests.contract.rig import Sabir
    from tests.infra.telemetry.receiver import Receiver
    from tests.simulator import Simulator

Start = Any
TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS: Final = "00f067aa0ba902b7"
TRACEPARENT: Final = {"traceparent": f"00-{TRACE}-{CALLERS}-01", "tracestate": "vendor=1"}
TOLD: Final = re.compile(r'traceparent;desc="00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})"')


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as running:
        yield running


@pytest.fixture
async def traced(start: Start, receiver: Receiver, tmp_path: Path) -> Sabir:
    started: Sabir = await start({**org_env(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url})
    return started


async def ask(
    sabir: Sabir, http: aiohttp.ClientSession, headers: dict[str, str] = BEARER, **more: Any
) -> dict[str, str]:
    done = len(sabir.log.records)
    async with http.post(sabir.completions, json={**GOOD, **more}, headers={**BEARER, **headers}) as answer:
        await answer.read()
        await sabir.log.records_of(done + 1)
        return {name.lower(): value for name, value in answer.headers.items()}


def told(headers: dict[str, str]) -> tuple[str, str, str]:
    found = TOLD.search(headers["server-timing"])
    assert found is not None
    return found[1], found[2], found[3]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_callers_trace_goes_through_to_the_provider_and_to_the_receiver(
    traced: Sabir, http: aiohttp.ClientSession, simulator: Simulator, receiver: Receiver, stream: bool
) -> None:
    headers = await ask(traced, http, TRACEPARENT, stream=stream)
    server, client = receiver.spans
    assert told(headers) == (TRACE, server.span_id.hex(), "01")
    assert (server.trace_id.hex(), server.parent_span_id.hex()) == (TRACE, CALLERS)
    assert (client.trace_id.hex(), client.parent_span_id) == (TRACE, server.span_id)
    (seen,) = simulator.requests
    assert seen.headers["traceparent"] == f"00-{TRACE}-{client.span_id.hex()}-01"
    assert seen.headers["tracestate"] == "vendor=1"
    record = traced.log.records[0]
    assert (record.trace_id, record.parent_span_id, record.unkept) == (TRACE, CALLERS, ())
    said = plain(client.attributes)
    assert (said["gen_ai.request.model"], said["gen_ai.usage.output_tokens"]) == ("gpt-4", record.usage.completion)  # type: ignore[union-attr]
    assert {metric.name for metric in receiver.metrics} >= {"gen_ai.client.token.usage", "sabir.cost"}


async def test_each_attempt_bears_its_own_span(
    traced: Sabir, http: aiohttp.ClientSession, simulator: Simulator, receiver: Receiver
) -> None:
    fallback = VirtualModel("gpt-4", (Candidate("gpt-4", "openai"), Candidate("sonar", "perplexity")))
    acme = await an_org(traced, [endpoint("openai"), endpoint("perplexity")], models=(fallback,))
    simulator.next(Status(503), provider="openai")
    await ask(traced, http, {**TRACEPARENT, "authorization": f"Bearer {await acme.key()}"})
    server, *clients = receiver.spans
    sent = [seen.headers["traceparent"].split("-")[2] for seen in simulator.requests]
    assert sent == [span.span_id.hex() for span in clients]
    assert sent == [attempt_span_id(server.span_id.hex(), number) for number in (0, 1)]


async def test_without_a_trace_of_the_callers_a_new_one_begins_and_a_hit_is_one_span(
    traced: Sabir, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    miss, hit = [told(await ask(traced, http, seed=1)) for _ in range(2)]
    assert miss[0] != hit[0]
    first, _, again = receiver.spans
    assert (first.trace_id.hex(), again.trace_id.hex()) == (miss[0], hit[0])
    assert plain(again.attributes)["sabir.cache.verdict"] == "hit"


async def test_a_trace_is_no_part_of_what_makes_two_requests_the_same(
    traced: Sabir, http: aiohttp.ClientSession
) -> None:
    await ask(traced, http, TRACEPARENT, seed=1)
    assert (await ask(traced, http, {"traceparent": f"00-{'a' * 32}-{CALLERS}-01"}, seed=1))["x-bt-cached"] == "HIT"


async def test_where_nothing_is_exported_the_ids_are_in_the_log_and_the_callers_header_goes_on_as_it_came(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    headers = await ask(sabir, http, TRACEPARENT)
    record = sabir.log.records[0]
    assert (record.trace_id, record.parent_span_id) == (TRACE, CALLERS)
    assert told(headers)[0] == TRACE
    assert simulator.requests[0].headers["traceparent"] == TRACEPARENT["traceparent"]
    plainly = await ask(sabir, http)
    assert "traceparent" not in plainly["server-timing"]
    assert "traceparent" not in simulator.requests[1].headers
    assert sabir.log.records[1].trace_id is None


async def test_a_public_provider_never_hears_of_a_trace(sabir: Sabir) -> None:
    trace = begin_trace(lambda name: [TRACEPARENT[name]], bytes(range(24)))
    nowhere = replace(sabir.services, settings=replace(sabir.services.settings, base_urls={}))
    public = Leg(Endpoint("o", "openai", Secret("x")), "openai", "gpt-4")
    own = Leg(Endpoint("o", "openai", Secret("x"), base_url="https://models.acme.example/v1"), "openai", "gpt-4")
    assert tracing.onward(trace, public, 0, nowhere) == {}
    assert tracing.onward(None, own, 0, nowhere) == {}
    assert tracing.onward(trace, own, 0, nowhere) == TRACEPARENT


async def test_braintrusts_parent_becomes_the_spans_and_the_client_is_told_which_span_it_is(
    traced: Sabir, http: aiohttp.ClientSession, receiver: Receiver
) -> None:
    headers = await ask(traced, http, {"x-bt-parent": "project_name:Search"})
    server = receiver.spans[0]
    assert plain(server.attributes)["braintrust.parent"] == "project_name:Search"
    assert headers["x-bt-span-id"] == server.span_id.hex()


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_no_parent_is_named_and_refuses_no_request(
    traced: Sabir, http: aiohttp.ClientSession, receiver: Receiver, stream: bool
) -> None:
    headers = await ask(traced, http, {"x-bt-parent": "whose:ever"}, stream=stream)
    assert headers["x-sabir-dropped-params"] == "x-bt-parent"
    assert "x-bt-span-id" not in headers
    assert "braintrust.parent" not in plain(receiver.spans[0].attributes)


async def test_a_receiver_that_is_not_there_is_the_logs_trouble_alone(
    start: Start, http: aiohttp.ClientSession, capfd: pytest.CaptureFixture[str]
) -> None:
    sabir = await start({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"})
    assert (await ask(sabir, http))["x-bt-cached"] == "MISS"
    assert capfd.readouterr().err.count("otlp traces") == 1


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "carrier-pigeon"}, "OTEL_EXPORTER_OTLP_PROTOCOL"),
        ({"OTEL_SDK_DISABLED": "true"}, ""),
    ],
)
async def test_a_setting_that_is_not_understood_is_said_at_the_start(
    start: Start,
    receiver: Receiver,
    http: aiohttp.ClientSession,
    capfd: pytest.CaptureFixture[str],
    env: Any,
    said: str,
) -> None:
    sabir = await start({"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, **env})
    assert said in capfd.readouterr().err
    await ask(sabir, http)
    assert bool(receiver.spans) == bool(said)
