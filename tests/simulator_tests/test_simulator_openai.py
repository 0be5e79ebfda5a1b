"""The official OpenAI SDK against the simulated OpenAI and Perplexity."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai as sdk
import pytest

from tests.simulator import Say, Simulator, Status, StreamError

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletionToolParam

SCRIPT: list[Any] = [{"role": "user", "content": "What is a proxy?"}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


async def test_the_same_prompt_gets_the_same_text_whole_and_streamed_under_another_id(openai: AsyncOpenAI) -> None:
    whole = await openai.chat.completions.create(model="gpt-3.5-turbo", messages=SCRIPT, seed=1)
    stream = await openai.chat.completions.create(model="gpt-3.5-turbo", messages=SCRIPT, seed=1, stream=True)
    chunks = [chunk async for chunk in stream]
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert text == whole.choices[0].message.content
    assert "proxy" in text
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason == "stop"
    assert {chunk.id for chunk in chunks}.isdisjoint({whole.id})
    assert all(chunk.usage is None for chunk in chunks)


async def test_usage_comes_in_a_chunk_of_its_own_only_when_it_is_asked_for(openai: AsyncOpenAI) -> None:
    options: Any = {"include_usage": True}
    stream = await openai.chat.completions.create(
        model="gpt-4o-mini", messages=SCRIPT, stream=True, stream_options=options
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == sum(bool(c.choices and c.choices[0].delta.content) for c in chunks)


@pytest.mark.parametrize("parallel", [True, False])
async def test_tools_are_called_for_each_place_unless_parallel_calls_are_off(
    openai: AsyncOpenAI, parallel: bool
) -> None:
    messages: list[Any] = [{"role": "user", "content": "Get weather in Oslo and Rome?"}]
    arguments: Any = {"model": "gpt-4o", "messages": messages, "tools": [WEATHER], "parallel_tool_calls": parallel}
    answer = await openai.chat.completions.create(**arguments)
    calls = answer.choices[0].message.tool_calls or []
    cities = [json.loads(call.function.arguments)["city"] for call in calls if call.type == "function"]
    assert cities == (["Oslo", "Rome"] if parallel else ["Oslo"])
    assert answer.choices[0].finish_reason == "tool_calls"

    async with openai.chat.completions.stream(**arguments) as stream:
        streamed = await stream.get_final_completion()
    again = streamed.choices[0].message.tool_calls or []
    assert [json.loads(call.function.arguments)["city"] for call in again] == cities

    results = [{"role": "tool", "tool_call_id": call.id, "content": f"{i} degrees"} for i, call in enumerate(calls)]
    messages += [answer.choices[0].message.model_dump(exclude_none=True, exclude={"annotations"}), *results]
    told = await openai.chat.completions.create(**arguments)
    assert "0 degrees" in (told.choices[0].message.content or "")


async def test_json_schemas_refusals_limits_stops_choices_and_logprobs_are_answered(openai: AsyncOpenAI) -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "additionalProperties": False}
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "schema": schema}}
    create = openai.chat.completions.create
    structured = await create(model="gpt-4o", messages=SCRIPT, response_format=form)
    assert json.loads(structured.choices[0].message.content or "") == {"ok": True}

    refused = await create(model="gpt-4o", messages=[{"role": "user", "content": "Please refuse."}])
    assert refused.choices[0].message.content is None
    assert refused.choices[0].message.refusal

    short = await create(model="gpt-4o", messages=SCRIPT, max_tokens=3)
    assert short.choices[0].finish_reason == "length"
    stopped = await create(model="gpt-4o", messages=[{"role": "user", "content": "Repeat: a b STOP c"}], stop="STOP")
    assert stopped.choices[0].message.content == "a b "

    many = await create(model="gpt-4o", messages=SCRIPT, n=3, logprobs=True, top_logprobs=2)
    assert len({choice.message.content for choice in many.choices}) == 3
    assert all(choice.logprobs and choice.logprobs.content for choice in many.choices)


async def test_the_words_of_every_script_survive_a_stream(openai: AsyncOpenAI) -> None:
    said = "emoji 👩‍🚀 海 بحر naïve \u2028 and \u0085 too\r\n"
    stream = await openai.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": f"Repeat: {said}"}], stream=True
    )
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == said


async def test_reasoning_models_count_their_thoughts_but_do_not_tell_them(openai: AsyncOpenAI) -> None:
    answer = await openai.chat.completions.create(model="o3-mini", messages=SCRIPT, reasoning_effort="low")
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens


@pytest.mark.parametrize(
    ("status", "exception"),
    [
        (400, sdk.BadRequestError),
        (401, sdk.AuthenticationError),
        (403, sdk.PermissionDeniedError),
        (404, sdk.NotFoundError),
        (413, sdk.APIStatusError),
        (429, sdk.RateLimitError),
        (500, sdk.InternalServerError),
        (503, sdk.InternalServerError),
    ],
)
async def test_each_status_raises_the_exception_the_sdk_has_for_it(
    simulator: Simulator, openai: AsyncOpenAI, status: int, exception: type[sdk.APIStatusError]
) -> None:
    simulator.next(Status(status, retry_after="7"), provider="openai")
    with pytest.raises(exception) as caught:
        await openai.chat.completions.create(model="gpt-4o", messages=SCRIPT)
    assert caught.value.status_code == status
    assert caught.value.type
    assert caught.value.response.headers["retry-after"] == "7"


async def test_an_error_within_a_stream_is_an_error_for_the_sdk(simulator: Simulator, openai: AsyncOpenAI) -> None:
    simulator.next(StreamError(after=3))
    stream = await openai.chat.completions.create(model="gpt-4o", messages=SCRIPT, stream=True)
    with pytest.raises(sdk.APIError, match="server had an error"):
        async for _ in stream:
            pass


async def test_what_is_to_be_said_can_be_scripted(simulator: Simulator, openai: AsyncOpenAI) -> None:
    simulator.next(Say(text="Exactly this.", calls=(("f", {}),), finish="content_filter"))
    answer = await openai.chat.completions.create(model="gpt-4o", messages=SCRIPT)
    assert answer.choices[0].message.content == "Exactly this."
    assert answer.choices[0].finish_reason == "content_filter"
    assert [c.function.arguments for c in answer.choices[0].message.tool_calls or () if c.type == "function"] == ["{}"]


async def test_perplexity_answers_with_sources_and_with_usage_in_every_chunk(perplexity: AsyncOpenAI) -> None:
    stream = await perplexity.chat.completions.create(model="mistral-7b-instruct", messages=SCRIPT, stream=True)
    chunks = [chunk async for chunk in stream]
    assert all(chunk.usage for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].model_extra is not None
    assert len(chunks[-1].model_extra["search_results"]) == len(chunks[-1].model_extra["citations"]) == 2


async def test_perplexity_thinks_aloud_in_its_text(perplexity: AsyncOpenAI) -> None:
    answer = await perplexity.chat.completions.create(model="sonar-reasoning-pro", messages=SCRIPT)
    assert (answer.choices[0].message.content or "").startswith("<think>\n")
