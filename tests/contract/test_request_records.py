"""One record for each kind of request, as golden documents: what happened, and nothing of what was said.

Times and ids differ from run to run; each time is checked for what it must be, and left out of what is compared.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.control.records import Limits
from infra.requests.ids import began_at
from providers import catalog
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import KEYS, START, bearer
from tests.simulator import Cut, Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from infra.requests.record import RequestRecord
    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
Document = dict[str, Any]
ASKED: Final[Document] = {
    "model": "gpt-4",
    "messages": [{"role": "user", "content": "Say it"}],
    "user": "u-17",
    "metadata": {"feature": "search"},
    "store": True,  # OpenAI takes metadata of what it stores alone
}
OF_OPENAI: Final = {"input": 13, "output": 92, "cache_read": 0, "reasoning": 0, "audio_input": 0, "audio_output": 0}
OF_PERPLEXITY: Final = {"input": 13, "output": 92}
COST: Final = 13 * 30_000 + 92 * 60_000
"""Nano-dollars: gpt-4 is at 30 and 60 dollars a million tokens."""
SEARCHED: Final = 13 * 1_000 + 92 * 1_000 + 5_000_000
"""sonar is at one dollar a million tokens, and five for a thousand requests."""


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    fallback = VirtualModel("gpt-4", (Candidate("gpt-4", "openai"), Candidate("sonar", "perplexity")))
    return await an_org(sabir, [endpoint("openai"), endpoint("perplexity")], models=(fallback,))


async def record_of(sabir: Sabir, http: aiohttp.ClientSession, key: str, **more: Any) -> Document:
    done = len(sabir.log.records)
    headers = {"authorization": f"Bearer {key}", "user-agent": "golden/1.0", "x-sabir-tags": "team=core;p=1, env=ci"}
    async with http.post(sabir.completions, json={**ASKED, **more}, headers=headers) as answer:
        size = len(await answer.read())
        record = await sabir.log.last(done + 1)
        assert answer.headers["x-request-id"] == record.request_id
    assert record.response_bytes == size
    return golden(record)


def golden(record: RequestRecord) -> Document:
    """The record's document without what no two runs have in common, once that has been found to make sense."""
    document: Document = dict(record.document())
    assert began_at(document.pop("request_id")) == document.pop("at") == START
    spent = [document.pop(name) for name in ("upstream_ms", "overhead_ms")]
    total = document.pop("total_ms")
    assert all(0 <= time <= total for time in spent)
    assert sum(spent) <= total + 0.05
    if "first_token_ms" in document:
        assert 0 < document.pop("first_token_ms") <= total
    for attempt in document.get("attempts", ()):
        times = [attempt.pop(name) for name in ("began_ms", "first_token_ms", "ended_ms") if name in attempt]
        assert times == sorted(times)
        assert all(time > 0 for time in times)
    assert document.pop("request_bytes") > 0 or record.status != 200
    document.pop("response_bytes")
    return document


def who(acme: TestOrg, key: str) -> Document:
    return {"org": "acme", "key": acme.records[key].key_id}


def said(*, stream: bool) -> Document:
    tags = {"team": "core", "env": "ci", "feature": "search"}
    return {**HEARD, "request_model": "gpt-4", "user": "u-17", "tags": tags, "stream": stream}


HEARD: Final = {"dialect": "openai-chat", "operation": "chat", "client": "golden/1.0"}
BYPASS: Final = {"cache": "bypass", "cache_reason": "not-deterministic"}


def answered(by: str, model: str, usage: Document, cost: int, **more: Any) -> Document:
    return {
        "provider": by,
        "model": model,
        "response_model": {"gpt-4": "gpt-4-0613"}.get(model, model),
        "endpoint": by,
        "status": 200,
        "finish_reason": "stop",
        "usage": usage,
        "cost_nano_usd": cost,
        "price_version": version_of(model),
        **more,
    }


def version_of(model: str) -> str:
    info = catalog.find({"gpt-4": "openai", "sonar": "perplexity"}[model], model)
    assert info is not None
    return info.price_version


def attempt(by: str, model: str, status: int | None = 200, error: str | None = None) -> Document:
    document: Document = {"endpoint": by, "provider": by, "model": model}
    return document | {name: value for name, value in {"status": status, "error": error}.items() if value is not None}


WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@WAYS
async def test_a_miss_and_a_hit(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, stream: bool) -> None:
    key = await acme.key()
    common = said(stream=stream) | who(acme, key)
    miss = await record_of(sabir, http, key, stream=stream, seed=1)
    assert miss == common | answered("openai", "gpt-4", OF_OPENAI, COST) | {
        "cache": "miss",
        "cache_reason": "absent",
        "stored": "stored",
        "attempts": [attempt("openai", "gpt-4")],
    }
    hit = await record_of(sabir, http, key, stream=not stream, seed=1)
    assert hit == common | {
        "stream": not stream,
        "provider": "openai",
        "model": "gpt-4",
        "response_model": "gpt-4-0613",
        "status": 200,
        "finish_reason": "stop",
        "cache": "hit",
        "cost_nano_usd": 0,
        "saved_nano_usd": COST,
        "price_version": version_of("gpt-4"),
    }


@WAYS
async def test_a_failover(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    key = await acme.key()
    simulator.next(Status(429), provider="openai")
    record = await record_of(sabir, http, key, stream=stream)
    assert record == said(stream=stream) | who(acme, key) | BYPASS | answered(
        "perplexity",
        "sonar",
        OF_PERPLEXITY,
        SEARCHED,
        attempts=[attempt("openai", "gpt-4", 429, "rate_limit_exceeded"), attempt("perplexity", "sonar")],
    )


@WAYS
async def test_an_outage_of_all_providers(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    key = await acme.key()
    simulator.next(Status(503), times=4)
    record = await record_of(sabir, http, key, stream=stream)
    tried = [attempt("openai", "gpt-4", 503, "server_overloaded")]
    tried.append(attempt("perplexity", "sonar", 503, "internal_server_error"))
    assert record == said(stream=stream) | who(acme, key) | BYPASS | {
        "provider": "perplexity",
        "model": "sonar",
        "endpoint": "perplexity",
        "status": 503,
        "error": "internal_server_error",
        "cause": "provider",
        "attempts": [*tried, *tried],
    }


async def test_a_failure_in_the_midst_of_a_stream(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    """What was said until then is paid for; how much that was is only likely."""
    key = await acme.key()
    simulator.next(Cut(after=5), provider="openai")
    record = await record_of(sabir, http, key, stream=True)
    assert record == said(stream=True) | who(acme, key) | BYPASS | {
        "provider": "openai",
        "model": "gpt-4",
        "endpoint": "openai",
        "response_model": "gpt-4-0613",
        "status": 200,
        "error": "upstream_truncated",
        "cause": "provider",
        "usage": {"input": 6, "output": 4},
        "usage_estimated": True,
        "cost_nano_usd": 6 * 30_000 + 4 * 60_000,
        "price_version": version_of("gpt-4"),
        "attempts": [attempt("openai", "gpt-4", 200, "upstream_truncated")],
    }


@WAYS
async def test_a_client_that_leaves(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    """Whether it has heard something by then or not, the provider has read its prompt."""
    key = await acme.key()
    simulator.hold()
    headers = {"authorization": f"Bearer {key}"}
    asking = asyncio.create_task(http.post(sabir.completions, json={**ASKED, "stream": stream}, headers=headers))
    await simulator.seen(1)
    if stream:
        await simulator.step(3)
        (await asking).close()
    else:
        asking.cancel()
    record = await sabir.log.last(1)
    simulator.release()
    assert (record.error, record.cause, record.provider) == ("client_gone", "client_gone", "openai")
    assert (record.org, record.key, record.status) == ("acme", who(acme, key)["key"], 200 if stream else None)
    assert record.usage is not None
    assert record.usage.input == 6
    assert record.usage_estimated
    assert record.cost_nano_usd == 6 * 30_000 + (record.usage.output or 0) * 60_000
    assert record.attempts[0].ended_ms is not None


async def test_a_client_that_leaves_before_it_has_its_vectors(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    """The provider has read the text: a budget that did not count it could be emptied by hanging up."""
    key = await acme.key()
    simulator.hold()
    body = {"model": "text-embedding-3-small", "input": "Say it again, and again."}
    headers = {"authorization": f"Bearer {key}"}
    asking = asyncio.create_task(http.post(sabir.url() + "/embeddings", json=body, headers=headers))
    await simulator.seen(1)
    asking.cancel()
    record = await sabir.log.last(1)
    simulator.release()
    assert (record.error, record.usage_estimated) == ("client_gone", True)
    assert record.usage is not None
    assert record.usage.input is not None
    assert record.cost_nano_usd == record.usage.input * 20 > 0


@WAYS
async def test_a_request_over_a_limit(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, stream: bool) -> None:
    key = await acme.key(limits=Limits(requests_per_minute=1))
    await record_of(sabir, http, key, stream=stream)
    record = await record_of(sabir, http, key, stream=stream)
    assert record == said(stream=stream) | who(acme, key) | {
        "provider": "openai",
        "model": "gpt-4",
        "status": 429,
        "error": "requests_per_minute",
        "cause": "limit",
    }


async def test_bad_input_bears_the_name_of_who_sent_it(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    refused = {"status": 400, "error": "invalid_type", "cause": "caller"}
    assert await record_of(sabir, http, key, temperature="hot") == HEARD | who(acme, key) | refused
    unknown = {"status": 401, "error": "invalid_api_key", "cause": "caller"}
    assert await record_of(sabir, http, "sbr_acme_x", temperature="hot") == HEARD | unknown


@WAYS
async def test_a_bearer_of_a_providers_own_key_is_nobody_in_particular(
    sabir: Sabir, http: aiohttp.ClientSession, stream: bool
) -> None:
    record = await record_of(sabir, http, KEYS["openai"], stream=stream)
    assert record == said(stream=stream) | BYPASS | answered(
        "openai", "gpt-4", OF_OPENAI, COST, attempts=[attempt("openai", "gpt-4")]
    )


async def test_an_embedding_and_its_repeat(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    documents = []
    for number in (1, 2):
        body = {"model": "text-embedding-3-small", "input": "Say it", "user": "u-17"}
        headers = {**bearer("openai"), "user-agent": "golden/1.0"}
        async with http.post(sabir.url() + "/embeddings", json=body, headers=headers) as answer:
            await answer.read()
        documents.append(golden(await sabir.log.last(number)))
    miss, hit = documents
    assert (miss["operation"], miss["cache"], miss["usage"]) == ("embeddings", "miss", {"input": 1})
    assert miss["cost_nano_usd"] == 20
    assert (hit["cache"], hit["cost_nano_usd"], hit["saved_nano_usd"]) == ("hit", 0, 20)
