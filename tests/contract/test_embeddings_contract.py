"""`/v1/embeddings` as OpenAI's own SDK meets it: relayed byte for byte, and cached as numbers."""

from __future__ import annotations

import base64
import json
import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from cache.policy import CachePolicy
from cache.sealed import CacheEntry, Sealer
from cache.sealed_cache import Answer, Hit, ResponseCache
from cache.stores.memory import MemoryStore
from tests.contract.embeddings_rig import KEY, SMALL, post, single
from tests.simulator import Status
from tests.simulator.providers.openai_embeddings import vector_of

if TYPE_CHECKING:
    import aiohttp

    from handlers.services import Services
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
TEXTS: Final = ["Ruby", "Perl", "Jürgen ist größer 🦄"]


# -- as the SDK sees it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["/v1", "/v1/proxy"])
async def test_the_official_sdk_gets_its_vectors(sabir: Sabir, prefix: str) -> None:
    """It asks for base64 by itself, and decodes it as float32."""
    made = await sabir.openai(KEY, prefix=prefix).embeddings.create(model=SMALL, input=TEXTS)
    assert [item.index for item in made.data] == [0, 1, 2]
    assert [item.embedding for item in made.data] == [single(vector_of(text, 1536)) for text in TEXTS]
    assert (made.model, made.usage.prompt_tokens) == (SMALL, made.usage.total_tokens)


async def test_dimensions_tokens_and_single_texts_are_taken(sabir: Sabir) -> None:
    client = sabir.openai(KEY).embeddings
    for given, alone in (("Ruby", "Ruby"), ([7, 8], [7, 8]), ([[7, 8]], [7, 8])):
        made = await client.create(model=SMALL, input=given, dimensions=8, encoding_format="float")
        assert made.data[0].embedding == vector_of(alone, 8)


async def test_a_request_goes_on_and_an_answer_comes_back_byte_for_byte(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    written = b'{ "input": "Ruby" ,"dimensions":10 ,"model":"openai/text-embedding-3-small","x_new": 1.50}'
    status, headers, body = await post(sabir, http, written)
    assert status == 200
    (seen,) = simulator.requests
    assert seen.request.body == written.replace(b"openai/", b"")
    assert body.startswith(b'{\n  "object": "list"')
    assert headers["x-bt-used-endpoint"] == "openai"


async def test_an_error_of_the_provider_reaches_the_client_in_openais_words(sabir: Sabir, simulator: Simulator) -> None:
    simulator.next(Status(429, retry_after="7"))
    with pytest.raises(openai.RateLimitError) as refused:
        await sabir.openai(KEY).embeddings.create(model=SMALL, input="x")
    assert refused.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": SMALL}, "input"),
        ({"model": SMALL, "input": []}, "input"),
        ({"model": SMALL, "input": ["a", 1]}, "input"),
        ({"model": SMALL, "input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a"}, "model"),
        ({"model": "claude-3-opus-20240229", "input": "a"}, "model"),
    ],
)
async def test_what_cannot_be_asked_is_refused_before_it_is_sent(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, body: Any, param: str
) -> None:
    status, _, said = await post(sabir, http, body)
    assert (status, json.loads(said)["error"]["param"]) == (400, param)
    assert simulator.calls() == 0


async def test_a_host_without_chat_says_so(sabir: Sabir) -> None:
    with pytest.raises(openai.BadRequestError, match="voyage serves no chat completions"):
        await sabir.openai(KEY).chat.completions.create(model="voyage-3.5", messages=[{"role": "user", "content": "x"}])
    with pytest.raises(openai.BadRequestError, match="anthropic serves no embeddings"):
        await sabir.openai(KEY).embeddings.create(model="claude-3-opus-20240229", input="x")


# -- the cache --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["float", "base64"])
async def test_a_hit_is_written_as_this_client_wants_it(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, first: str
) -> None:
    body = {"model": SMALL, "input": TEXTS, "dimensions": 64}
    _, headers, _ = await post(sabir, http, {**body, "encoding_format": first})
    assert headers["x-bt-cached"] == "MISS"
    assert (await sabir.log.last(1)).stored == "stored"
    sabir.clock.now += 60

    _, headers, as_list = await post(sabir, http, body)
    assert (headers["x-bt-cached"], headers["age"], headers["x-bt-used-endpoint"]) == ("HIT", "60", "openai")
    assert [item["embedding"] for item in json.loads(as_list)["data"]] == [vector_of(text, 64) for text in TEXTS]
    _, headers, as_text = await post(sabir, http, {**body, "encoding_format": "base64"})
    assert headers["x-bt-cached"] == "HIT"
    items = json.loads(as_text)
    read = [list(struct.unpack("<64f", base64.b64decode(item["embedding"]))) for item in items["data"]]
    assert read == [single(vector_of(text, 64)) for text in TEXTS]
    assert (items["object"], items["model"]) == ("list", SMALL)
    assert items["usage"] == json.loads(as_list)["usage"] != {}
    assert simulator.calls() == 1


async def test_a_hit_of_numbers_says_what_the_live_answer_said(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    body = {"model": SMALL, "input": "Ruby"}
    _, _, live = await post(sabir, http, body)
    _, headers, hit = await post(sabir, http, body)
    assert headers["x-bt-cached"] == "HIT"
    assert json.loads(hit) == json.loads(live)


async def test_what_changes_the_vector_is_no_hit(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    await post(sabir, http, {"model": SMALL, "input": "Ruby"})
    for other in (
        {"model": SMALL, "input": "Perl"},
        {"model": SMALL, "input": "Ruby", "dimensions": 8},
        {"model": "text-embedding-3-large", "input": "Ruby"},
    ):
        assert (await post(sabir, http, other))[1]["x-bt-cached"] == "MISS"
    _, headers, _ = await post(sabir, http, {"model": SMALL, "input": "Ruby"}, key="sk-of-another")
    assert headers["x-bt-cached"] == "MISS"


async def test_the_cache_obeys_its_directives(sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator) -> None:
    body = {"model": SMALL, "input": "Ruby"}
    status, _, said = await post(sabir, http, body, **{"cache-control": "only-if-cached"})
    assert (status, json.loads(said)["error"]["code"]) == (504, "not_cached")
    _, headers, _ = await post(sabir, http, body, **{"x-bt-use-cache": "never"})
    assert headers["cache-status"] == "sabir; fwd=bypass; detail=never"
    assert (await post(sabir, http, body))[1]["x-bt-cached"] == "MISS"
    assert (await post(sabir, http, body, **{"x-bt-use-cache": "sometimes"}))[0] == 400
    assert simulator.calls() == 2


async def test_what_is_no_vector_of_floats_is_kept_as_it_came(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    """The host has its own words for other numbers; who asks the same is told the same, and nobody else is."""
    body = {"model": SMALL, "input": "Ruby", "dimensions": 4, "output_dtype": "int8"}
    _, _, live = await post(sabir, http, body)
    _, headers, hit = await post(sabir, http, body)
    assert (headers["x-bt-cached"], hit) == ("HIT", live)
    _, headers, _ = await post(sabir, http, {**body, "encoding_format": "base64"})
    assert headers["x-bt-cached"] == "MISS"


class Unreadable(ResponseCache):
    """What a broken release may have left: entries that open, and hold nothing that can be read."""

    async def look_up(self, *asked: Any, **more: Any) -> Answer:
        return Hit(CacheEntry(b"no vectors", 0, 2**40), age=1, remaining=1)


async def test_an_entry_that_cannot_be_read_is_a_miss(start: Start, http: aiohttp.ClientSession) -> None:
    def over(services: Services) -> Services:
        return replace(services, cache=Unreadable(MemoryStore(), Sealer(lambda: os.urandom(12)), CachePolicy()))

    sabir = await start(change=over)
    status, headers, _ = await post(sabir, http, {"model": SMALL, "input": "Ruby"})
    assert (status, headers["cache-status"]) == (200, "sabir; fwd=miss; detail=fault")
    assert sabir.log.records[-1].cache_fault == "the stored answer could not be read"
