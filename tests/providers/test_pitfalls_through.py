"""Pitfalls of requests, from a client's JSON to the body that each provider with a wire of its own gets.

Each half of the way has tests of its own; here is what only shows in the whole of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from providers import registry
from providers.base import Credential, Profile, Target
from providers.completion import ToolCallPart, fold
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

MODELS: Final = {
    "anthropic": "claude-haiku-4-5",
    "bedrock": "anthropic.claude-haiku-4-5-20251001-v1:0",
    "cohere": "command-a-03-2025",
    "google": "gemini-2.5-flash",
    "vertex": "gemini-2.5-flash",
}
KEY_FILE: Final = json.dumps({"type": "service_account", "project_id": "p"})
CACHE: Final = {"type": "ephemeral"}
TOOL: Final[Json] = {"type": "function", "function": {"name": "f"}}

every_provider = pytest.mark.parametrize("provider", MODELS)


def sent(provider: str, **members: Any) -> Json:
    """The body that goes out when a client asks this."""
    found = registry.find(provider)
    chat = DIALECT.parse(json.dumps({"model": "m", "tools": [TOOL], **members}).encode())
    secret = Secret(KEY_FILE if provider == "vertex" else "k")
    target = Target(provider, MODELS[provider], Credential(secret), Profile(found.base_url))
    return dict(json.loads(found.request(chat, target).request.body))


def call(number: int, arguments: str = "{}") -> Json:
    return {"id": f"c{number}", "type": "function", "function": {"name": f"f{number}", "arguments": arguments}}


def asking(*turns: Json) -> list[Json]:
    return [{"role": "user", "content": "go"}, *turns]


def answer(number: int) -> Json:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": f"result {number}"}


def turns_of(body: Json) -> list[Json]:
    return list(body["contents"] if "contents" in body else body["messages"])


def blocks_of(body: Json, turn: int) -> list[Json]:
    """What a turn is made of; Cohere's message says its calls and its text side by side."""
    message = turns_of(body)[turn]
    if "tool_calls" in message:
        return [*message.get("content", []), *message["tool_calls"]]
    return list(message["parts"] if "parts" in message else message["content"])


ARGUMENTS: Final[dict[str, Callable[[Json], Any]]] = {
    "anthropic": lambda block: block["input"],
    "bedrock": lambda block: block["toolUse"]["input"],
    "cohere": lambda block: json.loads(block["function"]["arguments"]),
    "google": lambda block: block["functionCall"]["args"],
    "vertex": lambda block: block["functionCall"]["args"],
}


@every_provider
@pytest.mark.parametrize(
    "said", [{}, {"content": None}, {"content": ""}, {"content": [{"type": "text", "text": ""}]}], ids=str
)
def test_pitfall_04_no_text_beside_a_call_is_no_block(provider: str, said: Json) -> None:
    turns = asking({"role": "assistant", **said, "tool_calls": [call(1, '{"a": 1}')]}, answer(1))
    (only,) = blocks_of(sent(provider, messages=turns), 1)
    assert ARGUMENTS[provider](only) == {"a": 1}


@every_provider
@pytest.mark.parametrize("arguments", ["", " ", "{}"])
def test_pitfall_05_a_call_without_arguments_goes_back_with_an_empty_object(provider: str, arguments: str) -> None:
    turns = asking({"role": "assistant", "tool_calls": [call(1, arguments)]}, answer(1))
    (only,) = blocks_of(sent(provider, messages=turns), 1)
    assert ARGUMENTS[provider](only) == {}


@pytest.mark.parametrize("provider", sorted(MODELS.keys() - {"cohere"}))  # which takes them as text, and judges itself
@pytest.mark.parametrize("arguments", ["[1]", '"x"', "null", "{", '{"a": NaN}'])
def test_pitfall_05_arguments_that_are_no_object_are_refused_by_their_place(provider: str, arguments: str) -> None:
    turns = asking({"role": "assistant", "tool_calls": [call(1), call(2, arguments)]}, answer(1), answer(2))
    with pytest.raises(InvalidRequest) as refused:
        sent(provider, messages=turns)
    assert refused.value.param == "messages[1].tool_calls[1].function.arguments"


@pytest.mark.parametrize("provider", ["google", "vertex"])
@pytest.mark.parametrize("said", [{}, {"args": {}}, {"args": None}], ids=str)
def test_pitfall_05_a_call_without_arguments_comes_out_with_an_empty_object(provider: str, said: Json) -> None:
    found = registry.find(provider)
    part = {"functionCall": {"name": "f", **said}}
    body = json.dumps({"candidates": [{"content": {"parts": [part]}, "finishReason": "STOP"}]}).encode()
    stream = found.stream()
    streamed = fold([*stream.feed(b"data: " + body + b"\n\n"), *stream.close()])
    for done in (found.response(body), streamed):
        ((only,),) = [choice.parts for choice in done.choices]
        assert isinstance(only, ToolCallPart)
        assert (only.name, only.arguments) == ("f", "{}")


@pytest.mark.parametrize("provider", sorted(MODELS.keys() - {"cohere"}))  # which has a message for each result
def test_pitfall_03_the_results_of_parallel_calls_are_one_turn_in_the_order_of_their_messages(provider: str) -> None:
    """Whatever the order of the calls was, and together with what the user says next."""
    calls = [call(1), call(2), call(3)]
    said = asking({"role": "assistant", "tool_calls": calls}, answer(2), answer(1), answer(3))
    body = sent(provider, messages=[*said, {"role": "user", "content": "and?"}])
    assert len(turns_of(body)) == 3
    *results, last = blocks_of(body, 2)
    assert [f"result {number}" in json.dumps(block) for number, block in zip((2, 1, 3), results, strict=True)] == [
        True,
        True,
        True,
    ]
    assert last["text"] == "and?"


@every_provider
def test_pitfall_23_tool_choice_none_leaves_no_tool_to_call(provider: str) -> None:
    body = sent(provider, messages=asking(), tool_choice="none")
    told = {
        "anthropic": {"type": "none"},
        "bedrock": None,  # Converse has no such word: the tools stay at home
        "cohere": "NONE",
        "google": {"functionCallingConfig": {"mode": "NONE"}},
        "vertex": {"functionCallingConfig": {"mode": "NONE"}},
    }[provider]
    assert body.get("tool_choice", body.get("toolConfig")) == told


@every_provider
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_pitfall_23_either_name_of_the_limit_is_the_limit_and_zero_is_a_value(provider: str, name: str) -> None:
    body = sent(provider, messages=asking(), temperature=0, top_p=None, **{name: 7})
    config: Json = body.get("generationConfig") or body.get("inferenceConfig") or body
    assert (config.get("max_tokens") or config.get("maxOutputTokens") or config.get("maxTokens")) == 7
    assert config["temperature"] == 0
    assert not {"top_p", "topP", "p"} & config.keys()


def test_pitfall_24_cache_marks_of_system_tools_and_results_arrive_at_anthropic_in_their_places() -> None:
    body = sent(
        "anthropic",
        messages=[
            {"role": "system", "content": [{"type": "text", "text": "long", "cache_control": CACHE}]},
            {"role": "developer", "content": "short"},
            *asking({"role": "assistant", "tool_calls": [call(1)]}, {**answer(1), "cache_control": CACHE}),
        ],
        tools=[TOOL, {**TOOL, "function": {"name": "g"}, "cache_control": CACHE}],
    )
    assert body["system"] == [
        {"type": "text", "text": "long", "cache_control": CACHE},
        {"type": "text", "text": "short"},
    ]
    assert ["cache_control" in tool for tool in body["tools"]] == [False, True]
    (result,) = blocks_of(body, 2)
    assert (result["tool_use_id"], result["cache_control"]) == ("c1", CACHE)
