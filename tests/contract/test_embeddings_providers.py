"""Embeddings of providers that speak another wire, and the requests that one of the client's becomes there."""

from __future__ import annotations

import base64
import json
import struct
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from infra.control.records import Limits
from tests.contract.embeddings_rig import KEY, post, said, single
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.simulator.providers.openai_embeddings import vector_of
from tests.simulator.server import Listener

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import aiohttp

    from tests.simulator.ledger import Seen
    from tests.simulator.reply import Reply

Start = Any
Upstream = Any


@pytest.fixture
async def upstream() -> AsyncIterator[Callable[[Callable[[Seen], Reply]], Any]]:
    async with AsyncExitStack() as stack:

        async def started(respond: Callable[[Seen], Reply]) -> Listener:
            return await stack.enter_async_context(Listener("upstream", respond))

        yield started


async def test_a_provider_that_takes_one_text_at_a_time_is_asked_for_each(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    """Titan on Bedrock. The vectors stand in the order of the texts, whichever came first."""
    texts = [f"text {number}" for number in range(20)]

    def titan(seen: Seen) -> Reply:
        text = json.loads(seen.request.body)["inputText"]
        return said({"embedding": vector_of(text, 256), "inputTextTokenCount": 3})

    bedrock = await upstream(titan)
    sabir = await start({"BEDROCK_BASE_URL": bedrock.origin})
    body = {"model": "amazon.titan-embed-text-v2:0", "input": texts, "dimensions": 256}
    status, headers, read = await post(sabir, http, body)
    answer = json.loads(read)
    assert (status, headers["x-sabir-attempts"]) == (200, "1")
    assert [item["embedding"] for item in answer["data"]] == [vector_of(text, 256) for text in texts]
    assert answer["usage"] == {"prompt_tokens": 60, "total_tokens": 60}
    assert answer["model"] == "amazon.titan-embed-text-v2:0"
    assert len(bedrock.ledger.requests) == 20
    assert (await post(sabir, http, body))[1]["x-bt-cached"] == "HIT"
    made = await sabir.openai(KEY).embeddings.create(model="amazon.titan-embed-text-v2:0", input="one")
    assert made.data[0].embedding == single(vector_of("one", 256))


async def test_every_request_of_a_try_bears_the_callers_trace(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    def titan(_: Seen) -> Reply:
        return said({"embedding": vector_of("one", 256), "inputTextTokenCount": 3})

    bedrock = await upstream(titan)
    sabir = await start({"BEDROCK_BASE_URL": bedrock.origin})
    body = {"model": "amazon.titan-embed-text-v2:0", "input": ["one", "two", "three"], "dimensions": 256}
    assert (await post(sabir, http, body, traceparent=traceparent))[0] == 200
    assert [seen.headers.get("traceparent") for seen in bedrock.ledger.requests] == [traceparent] * 3


async def test_one_refusal_of_many_requests_is_the_answer(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    def titan(seen: Seen) -> Reply:
        if b"bad" in seen.request.body:
            return said({"message": "Too long."}, 400, **{"x-amzn-errortype": "ValidationException"})
        return said({"embedding": [0.5], "inputTextTokenCount": 1})

    bedrock = await upstream(titan)
    sabir = await start({"BEDROCK_BASE_URL": bedrock.origin})
    body = {"model": "amazon.titan-embed-text-v2:0", "input": ["good", "bad", "good"]}
    status, _, read = await post(sabir, http, body)
    assert (status, json.loads(read)["error"]["message"]) == (400, "Too long.")
    assert (await post(sabir, http, body))[0] == 400, "nothing of it is kept"


async def test_what_was_answered_before_a_failure_is_paid_for(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    answers = iter([said({"embedding": [0.5], "inputTextTokenCount": 200})] * 9 + [said({"message": "No."}, 400)] * 99)
    bedrock = await upstream(lambda _: next(answers))
    sabir = await start({**org_env(tmp_path), "BEDROCK_BASE_URL": bedrock.origin})
    acme = await an_org(sabir, [endpoint("bedrock")])
    key = await acme.key(limits=Limits(tokens_per_minute=1000))
    body = {"model": "amazon.titan-embed-text-v2:0", "input": ["x"] * 30}
    assert (await post(sabir, http, body, key))[0] == 400
    status, _, read = await post(sabir, http, body, key)
    assert (status, json.loads(read)["error"]["code"]) == (429, "tokens_per_minute"), "1800 were used"


async def test_large_answers_are_read_aside(start: Start, upstream: Upstream, http: aiohttp.ClientSession) -> None:
    texts = [f"text {number}" for number in range(96)]
    floats = [vector_of(text, 1024) for text in texts]
    cohere = await upstream(
        lambda _: said({"embeddings": {"float": floats}, "meta": {"billed_units": {"input_tokens": 5}}})
    )
    sabir = await start({"COHERE_BASE_URL": cohere.origin})
    made = await sabir.openai(KEY).embeddings.create(model="embed-v4.0", input=texts, encoding_format="float")
    assert [item.embedding for item in made.data] == floats
    assert made.usage.total_tokens == 5


async def test_parameters_that_are_left_out_are_named(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession
) -> None:
    google = await upstream(lambda _: said({"embeddings": [{"values": [0.25, 1]}]}))
    sabir = await start({"GOOGLE_BASE_URL": google.origin})
    body = {"model": "gemini-embedding-001", "input": "x", "user": "u", "encoding_format": "base64"}
    _, headers, read = await post(sabir, http, body)
    assert headers["x-sabir-dropped-params"] == "user"
    assert "usage" not in json.loads(read), "Google has not said"
    assert struct.unpack("<2f", base64.b64decode(json.loads(read)["data"][0]["embedding"])) == (0.25, 1.0)
    status, _, read = await post(sabir, http, {"model": "gemini-embedding-001", "input": [1, 2]})
    assert (status, json.loads(read)["error"]["code"]) == (400, "unsupported_parameter")


async def test_a_host_that_counts_nothing_is_counted_by_length(
    start: Start, upstream: Upstream, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    google = await upstream(lambda _: said({"embeddings": [{"values": [0.25]}]}))
    sabir = await start({**org_env(tmp_path), "GOOGLE_BASE_URL": google.origin})
    acme = await an_org(sabir, [endpoint("google")])
    key = await acme.key(limits=Limits(tokens_per_minute=1000))
    body = {"model": "gemini-embedding-001", "input": "x" * 3600}
    assert (await post(sabir, http, body, key))[0] == 200
    assert (await post(sabir, http, {**body, "input": "y" * 3600}, key))[0] == 429
