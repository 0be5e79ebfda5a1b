"""Tools, structured answers and reasoning through the official `openai` SDK, there and back again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from pydantic import BaseModel

from tests.simulator import Say

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

WEATHER: Final[Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a place.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
QUESTION: Final[list[Any]] = [{"role": "user", "content": "Please get weather in Oslo and Rome"}]
CALLERS: Final = [("openai", "gpt-4o"), ("anthropic", "claude-sonnet-4-5")]
THINKER: Final = "claude-sonnet-4-5"


async def assembled(sabir: Sabir, provider: str, **asked: Any) -> dict[str, Any]:
    """A streamed answer put together as OpenAI's own rule has it, in the form of a whole one's message."""
    message: dict[str, Any] = {"content": "", "tool_calls": {}, "reasoning_content": "", "reasoning_details": []}
    finish = None
    async for chunk in await sabir.client_of(provider).chat.completions.create(stream=True, **asked):
        for choice in chunk.choices:
            delta = choice.delta.model_dump()
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            message["reasoning_details"] += delta.get("reasoning_details") or []
            for piece in delta.get("tool_calls") or []:
                call = message["tool_calls"].setdefault(piece["index"], {"id": "", "name": "", "arguments": ""})
                call["id"] += piece.get("id") or ""
                call["name"] += piece["function"].get("name") or ""
                call["arguments"] += piece["function"].get("arguments") or ""
            finish = choice.finish_reason or finish
    return {**message, "finish": finish}


def calls_of(done: ChatCompletion) -> list[tuple[str, Any]]:
    calls: list[Any] = list(done.choices[0].message.tool_calls or [])
    return [(call.function.name, json.loads(call.function.arguments)) for call in calls]


@pytest.mark.parametrize(("provider", "model"), CALLERS)
async def test_pitfall_02_parallel_tool_calls_all_come_out_and_their_results_go_back(
    sabir: Sabir, simulator: Simulator, provider: str, model: str
) -> None:
    create = sabir.client_of(provider).chat.completions.create
    first = await create(model=model, messages=QUESTION, tools=[WEATHER])

    assert first.choices[0].finish_reason == "tool_calls"
    assert calls_of(first) == [("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Rome"})]
    asked = first.choices[0].message
    results: list[Any] = [
        {"role": "tool", "tool_call_id": call.id, "content": f"{place}: fair"}
        for call, place in zip(asked.tool_calls or [], ("Oslo", "Rome"), strict=True)
    ]
    said: Any = asked.model_dump(exclude_none=True)
    second = await create(model=model, tools=[WEATHER], messages=[*QUESTION, said, *results])
    assert second.choices[0].message.content == "The tools say: Oslo: fair; Rome: fair."
    assert second.choices[0].finish_reason == "stop"
    assert simulator.calls(provider) == 2


@pytest.mark.parametrize(("provider", "model"), CALLERS)
async def test_pitfall_01_streamed_tool_calls_are_counted_from_zero(sabir: Sabir, provider: str, model: str) -> None:
    message = await assembled(sabir, provider, model=model, messages=QUESTION, tools=[WEATHER])
    calls = message["tool_calls"]
    assert sorted(calls) == [0, 1]
    assert [json.loads(calls[index]["arguments"]) for index in (0, 1)] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert [calls[index]["name"] for index in (0, 1)] == ["get_weather", "get_weather"]
    assert len({calls[index]["id"] for index in (0, 1)}) == 2
    assert message["finish"] == "tool_calls"


async def test_pitfall_01_a_tool_call_after_text_is_still_the_first(sabir: Sabir, simulator: Simulator) -> None:
    simulator.next(Say("Let me look.", calls=(("get_weather", {"city": "Oslo"}),)))
    message = await assembled(sabir, "anthropic", model=THINKER, messages=QUESTION, tools=[WEATHER])
    assert message["content"] == "Let me look."
    assert list(message["tool_calls"]) == [0]


@pytest.mark.parametrize(("provider", "model"), CALLERS)
@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_05_a_tool_without_arguments_is_called_with_an_empty_object(
    sabir: Sabir, simulator: Simulator, provider: str, model: str, stream: bool
) -> None:
    now: Any = {"type": "function", "function": {"name": "get_time"}}
    simulator.next(Say(calls=(("get_time", {}),)))
    asked: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": "get time"}], "tools": [now]}
    if stream:
        (call,) = (await assembled(sabir, provider, **asked))["tool_calls"].values()
        assert (call["name"], json.loads(call["arguments"])) == ("get_time", {})
    else:
        assert calls_of(await sabir.client_of(provider).chat.completions.create(**asked)) == [("get_time", {})]


@pytest.mark.parametrize(("provider", "model"), CALLERS)
async def test_parallel_calls_can_be_switched_off(sabir: Sabir, provider: str, model: str) -> None:
    done = await sabir.client_of(provider).chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], parallel_tool_calls=False
    )
    assert calls_of(done) == [("get_weather", {"city": "Oslo"})]


@pytest.mark.parametrize(("provider", "model"), CALLERS)
@pytest.mark.parametrize(
    ("choice", "calls"),
    [
        ("none", 0),
        ("auto", 2),
        ("required", 2),
        ({"type": "function", "function": {"name": "get_weather"}}, 2),
    ],
)
async def test_tool_choice_is_obeyed(sabir: Sabir, provider: str, model: str, choice: Any, calls: int) -> None:
    done = await sabir.client_of(provider).chat.completions.create(
        model=model, messages=QUESTION, tools=[WEATHER], tool_choice=choice
    )
    assert len(done.choices[0].message.tool_calls or []) == calls


class Harbour(BaseModel):
    name: str
    berths: int


@pytest.mark.parametrize(
    ("provider", "model"), [*CALLERS, ("perplexity", "sonar-pro")], ids=["openai", "anthropic", "perplexity"]
)
async def test_parse_gives_an_object_of_the_callers_class(sabir: Sabir, provider: str, model: str) -> None:
    done = await sabir.client_of(provider).chat.completions.parse(
        model=model, messages=[{"role": "user", "content": "Which harbour?"}], response_format=Harbour
    )
    assert isinstance(done.choices[0].message.parsed, Harbour)


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_06_reasoning_comes_out_and_goes_back_under_its_signature(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    asked: dict[str, Any] = {
        "model": THINKER,
        "messages": QUESTION,
        "tools": [WEATHER],
        "reasoning_effort": "low",
        "max_tokens": 8000,
    }
    if stream:
        streamed = await assembled(sabir, "anthropic", **asked)
        calls = [
            {"id": call["id"], "type": "function", "function": {"name": call["name"], "arguments": call["arguments"]}}
            for call in streamed["tool_calls"].values()
        ]
        said = {"role": "assistant", "reasoning_details": streamed["reasoning_details"], "tool_calls": calls}
        thought = streamed["reasoning_content"]
    else:
        done = await sabir.client_of("anthropic").chat.completions.create(**asked)
        said = done.choices[0].message.model_dump(exclude_none=True)
        thought = said["reasoning_content"]
    assert "考えます" in thought
    (detail,) = said["reasoning_details"]
    assert (detail["text"], detail["type"]) == (thought, "reasoning.text")
    assert detail["signature"]

    results = [{"role": "tool", "tool_call_id": call["id"], "content": "fair"} for call in said["tool_calls"]]
    again = await sabir.client_of("anthropic").chat.completions.create(
        **{**asked, "messages": [*QUESTION, said, *results]}
    )
    assert again.choices[0].message.content == "The tools say: fair; fair."
    # The simulator refuses a signature that does not fit its text, and a thought that does not come first.
    turn = next(message for message in simulator.requests[-1].json["messages"] if message["role"] == "assistant")
    assert [block["type"] for block in turn["content"]] == ["thinking", "tool_use", "tool_use"]


async def test_a_thought_under_a_forged_signature_is_refused_by_the_provider(sabir: Sabir) -> None:
    forged = {
        "type": "reasoning.text",
        "text": "Not my thought.",
        "signature": "Zm9yZ2Vk",
        "format": "anthropic-claude-v1",
    }
    said: list[Any] = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi", "reasoning_details": [forged]},
        {"role": "user", "content": "And now?"},
    ]
    with pytest.raises(openai.BadRequestError, match="Invalid `signature` in `thinking` block"):
        await sabir.client_of("anthropic").chat.completions.create(
            model=THINKER, messages=said, reasoning_effort="low", max_tokens=8000
        )


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_07_redacted_thinking_survives_the_way_back(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    ask: list[Any] = [{"role": "user", "content": "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING"}]
    asked: dict[str, Any] = {"model": THINKER, "messages": ask, "reasoning_effort": "low", "max_tokens": 8000}
    if stream:
        streamed = await assembled(sabir, "anthropic", **asked)
        said = {
            "role": "assistant",
            "content": streamed["content"],
            "reasoning_details": streamed["reasoning_details"],
        }
    else:
        done = await sabir.client_of("anthropic").chat.completions.create(**asked)
        said = done.choices[0].message.model_dump(exclude_none=True)
    (detail,) = said["reasoning_details"]
    assert detail["type"] == "reasoning.encrypted"

    follow: Any = [*ask, said, {"role": "user", "content": "Go on"}]
    await sabir.client_of("anthropic").chat.completions.create(**{**asked, "messages": follow})
    turn = next(message for message in simulator.requests[-1].json["messages"] if message["role"] == "assistant")
    assert turn["content"][0] == {"type": "redacted_thinking", "data": detail["data"]}
