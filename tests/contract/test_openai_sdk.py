"""The story of the README, word for word, with the official `openai` SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.contract.rig import KEYS, PROVIDERS, STORY
from tests.simulator import Say

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletionChunk

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "What is a proxy?"}], "seed": 1}
SHY: list[Any] = [{"role": "user", "content": "Say it"}]


async def whole(sabir: Sabir, provider: str, **asked: Any) -> tuple[str, str]:
    """The verdict of the cache, and the text."""
    answer = await sabir.client_of(provider).chat.completions.with_raw_response.create(**asked)
    return answer.headers["x-bt-cached"], answer.parse().choices[0].message.content or ""


async def streamed(sabir: Sabir, provider: str, **asked: Any) -> tuple[str, str]:
    answer = await sabir.client_of(provider).chat.completions.with_raw_response.create(stream=True, **asked)
    assert answer.headers["content-type"] == "text/event-stream"
    chunks = [chunk async for chunk in answer.parse()]
    return answer.headers["x-bt-cached"], text_of(chunks)


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_second_run_of_the_script_comes_from_the_cache(
    sabir: Sabir, simulator: Simulator, provider: str, ask: Any
) -> None:
    first = await ask(sabir, provider, model=STORY[provider], **ASKED)
    await sabir.log.records_of(1)
    second = await ask(sabir, provider, model=STORY[provider], **ASKED)

    assert (first[0], second[0]) == ("MISS", "HIT")
    assert first[1] == second[1]
    assert first[1].startswith("A proxy stands between a client and a server.")
    assert simulator.calls() == simulator.calls(provider) == 1
    hit = await sabir.log.last(2)
    assert (hit.provider, hit.model, hit.cache, hit.status) == (provider, STORY[provider], "hit", 200)


@pytest.mark.parametrize("prefix", ["/v1", "/v1/proxy"])
async def test_both_prefixes_lead_to_the_same_place_and_the_same_cache(sabir: Sabir, prefix: str) -> None:
    other = {"/v1": "/v1/proxy", "/v1/proxy": "/v1"}[prefix]
    for number, (where, verdict) in enumerate([(prefix, "MISS"), (other, "HIT")], start=1):
        client = sabir.openai(KEYS["openai"], prefix=where)
        answer = await client.chat.completions.with_raw_response.create(model="gpt-4", **ASKED)
        assert answer.headers["x-bt-cached"] == verdict
        await sabir.log.records_of(number)


@pytest.mark.parametrize(
    ("model", "provider", "upstream"),
    [
        ("gpt-4", "openai", "gpt-4"),
        ("gpt-4o-mini", "openai", "gpt-4o-mini"),
        ("claude-2", "anthropic", "claude-2"),
        ("claude-sonnet-4-5", "anthropic", "claude-sonnet-4-5"),
        ("llama-2-70b-chat", "perplexity", "llama-2-70b-chat"),
        ("sonar", "perplexity", "sonar"),
        ("openai/gpt-4o", "openai", "gpt-4o"),
        ("anthropic/claude-haiku-4-5", "anthropic", "claude-haiku-4-5"),
        ("perplexity/sonar-pro", "perplexity", "sonar-pro"),
    ],
)
async def test_a_model_name_finds_its_provider(
    sabir: Sabir, simulator: Simulator, model: str, provider: str, upstream: str
) -> None:
    answer = await sabir.client_of(provider).chat.completions.with_raw_response.create(model=model, messages=SHY)
    assert answer.headers["x-bt-used-endpoint"] == provider
    assert answer.parse().choices[0].message.content
    (seen,) = simulator.requests
    assert (seen.provider, seen.json["model"]) == (provider, upstream)


async def test_a_bare_name_and_its_explicit_form_are_one_cache_entry(sabir: Sabir) -> None:
    assert (await whole(sabir, "openai", model="gpt-4o", **ASKED))[0] == "MISS"
    await sabir.log.records_of(1)
    assert (await whole(sabir, "openai", model="openai/gpt-4o", **ASKED))[0] == "HIT"


async def test_an_unknown_model_is_a_not_found_error_with_near_names(sabir: Sabir, simulator: Simulator) -> None:
    with pytest.raises(openai.NotFoundError) as refused:
        await sabir.client_of("openai").chat.completions.create(model="gtp-4o", messages=SHY)
    assert refused.value.code == "model_not_found"
    assert refused.value.param == "model"
    assert refused.value.type == "invalid_request_error"
    assert "gpt-4o" in refused.value.message
    assert simulator.calls() == 0


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_usage_comes_in_a_stream_only_when_it_was_asked_for(sabir: Sabir, provider: str) -> None:
    client = sabir.client_of(provider)
    for options, reports in (({}, 0), ({"stream_options": {"include_usage": True}}, 1)):
        stream = await client.chat.completions.create(
            model=STORY[provider], messages=SHY, stream=True, extra_body=options
        )
        chunks = [chunk async for chunk in stream]
        if provider == "perplexity":
            # Its chunks have carried usage all along; they are its own bytes, and no chunk is usage alone.
            assert all(chunk.choices for chunk in chunks)
            continue
        assert sum(chunk.usage is not None for chunk in chunks) == reports
        if reports:
            assert chunks[-1].choices == []
            assert chunks[-1].usage is not None
            assert chunks[-1].usage.completion_tokens > 0
        else:
            assert all(chunk.choices for chunk in chunks)


@pytest.mark.parametrize("ask", [whole, streamed])
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_every_script_and_emoji_comes_through_as_it_was(
    sabir: Sabir, simulator: Simulator, provider: str, ask: Any
) -> None:
    text = 'naïve 海 Ωκεανός بحر 👩‍🚀 \u2028 \u0085 \ufeff \u200f \x7f \U0001f9d1\u200d\U0001f9d1 tab\there \\u0041 "quoted" </script>'
    simulator.next(Say(text))
    assert (await ask(sabir, provider, model=STORY[provider], messages=[{"role": "user", "content": text}]))[1] == text
    (seen,) = simulator.requests
    assert seen.json["messages"][0]["content"] in (text, [{"type": "text", "text": text}])


@pytest.mark.parametrize("stream", [False, True])
async def test_a_knob_that_anthropic_has_no_equal_of_is_dropped_and_named(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    answer = await sabir.client_of("anthropic").chat.completions.with_raw_response.create(
        model="claude-haiku-4-5", stream=stream, frequency_penalty=0.5, messages=SHY, seed=3
    )
    body: Any = answer.parse()
    if stream:
        assert [chunk async for chunk in body]
    named = answer.headers["x-sabir-dropped-params"].split(", ")
    assert sorted(named) == ["frequency_penalty", "seed"]
    assert sorted((await sabir.log.last(1)).dropped) == ["frequency_penalty", "seed"]
    assert {"seed", "frequency_penalty"}.isdisjoint(simulator.requests[0].json)


async def test_what_anthropic_cannot_represent_is_refused_before_it_is_asked(
    sabir: Sabir, simulator: Simulator
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        await sabir.client_of("anthropic").chat.completions.create(model="claude-2", messages=SHY, n=2)
    assert (refused.value.param, refused.value.code) == ("n", "unsupported_parameter")
    assert simulator.calls() == 0


@pytest.mark.parametrize("stream", [False, True])
async def test_two_choices_of_openai_come_apart(sabir: Sabir, stream: bool) -> None:
    create = sabir.client_of("openai").chat.completions.create
    if not stream:
        done = await create(model="gpt-4o", messages=SHY, n=2)
        texts = {choice.index: choice.message.content or "" for choice in done.choices}
    else:
        texts = {0: "", 1: ""}
        async for chunk in await create(model="gpt-4o", messages=SHY, n=2, stream=True):
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
    assert set(texts) == {0, 1}
    assert texts[0] != texts[1]
    assert all(texts.values())


@pytest.mark.parametrize("stream", [False, True])
async def test_logprobs_come_through(sabir: Sabir, stream: bool) -> None:
    create = sabir.client_of("openai").chat.completions.create
    asked: dict[str, Any] = {"model": "gpt-4o", "messages": SHY, "logprobs": True, "top_logprobs": 2}
    tokens: list[Any] = []
    if not stream:
        done = await create(**asked)
        assert done.choices[0].logprobs is not None
        tokens = done.choices[0].logprobs.content or []
    else:
        async for chunk in await create(stream=True, **asked):
            logprobs = chunk.choices[0].logprobs
            tokens += (logprobs.content or []) if logprobs else []
    assert "".join(token.token for token in tokens)
    assert all(len(token.top_logprobs) == 2 for token in tokens)


async def test_the_synchronous_sdk_works_by_base_url_alone_too(sabir: Sabir) -> None:
    def script() -> str:
        with openai.OpenAI(base_url=sabir.url(), api_key=KEYS["openai"], max_retries=0) as client:
            return client.chat.completions.create(model="gpt-3.5-turbo", **ASKED).choices[0].message.content or ""

    assert (await asyncio.to_thread(script)).startswith("A proxy stands")
