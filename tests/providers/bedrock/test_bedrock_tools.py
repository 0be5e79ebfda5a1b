"""Tools, the choice among them, and answers held to a schema."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import (
    Assistant,
    FunctionTool,
    JsonSchema,
    NamedTool,
    NativeChoice,
    NativeFormat,
    NativeTool,
    Text,
    ToolCall,
    ToolResult,
    User,
)
from providers.errors import CallerError, InvalidRequest, Unsupported
from tests.providers.bedrock.model import faults

Ask = Callable[..., Any]
NOVA = "amazon.nova-pro-v1:0"
CACHE: dict[str, Any] = {"type": "ephemeral"}
POINT = {"cachePoint": {"type": "default"}}
F = FunctionTool("f", "does f", {"type": "object", "properties": {"a": {"type": "string"}}})
HISTORY = (
    User((Text("hi"),)),
    Assistant(tool_calls=(ToolCall("t", "f", "{}"),)),
    ToolResult("t", (Text("x"),)),
)


def config(ask: Ask, *messages: Any, **members: Any) -> Any:
    body = ask(*messages, **members).body
    assert faults("m.m", body) == ""
    return body.get("toolConfig")


def test_functions_are_tool_specs(ask: Ask) -> None:
    tools = (F, FunctionTool("g", "", None, False), FunctionTool("h", None, {"properties": {}}, True, CACHE))
    assert config(ask, tools=tools) == {
        "tools": [
            {"toolSpec": {"name": "f", "description": "does f", "inputSchema": {"json": F.parameters}}},
            {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": False}},
            {"toolSpec": {"name": "h", "inputSchema": {"json": {"type": "object", "properties": {}}}, "strict": True}},
            POINT,
        ]
    }


def test_a_model_that_takes_neither_is_spared_strictness_and_cache_points_in_tools(ask: Ask) -> None:
    asked = ask(tools=(FunctionTool("f", None, None, True, CACHE),), model=NOVA)
    assert [next(iter(tool)) for tool in asked.body["toolConfig"]["tools"]] == ["toolSpec"]
    assert "strict" not in asked.body["toolConfig"]["tools"][0]["toolSpec"]
    assert asked.dropped == ("tools[].function.strict", "tools[].cache_control")


@pytest.mark.parametrize("name", ["", "a.b", "ü", "x" * 65])
def test_a_function_that_could_not_be_found_by_its_name_again_is_refused(ask: Ask, name: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(tools=(F, FunctionTool(name)))
    assert refused.value.param == "tools[1].function.name"


def test_bedrocks_own_tools_are_passed_on(ask: Ask) -> None:
    tool = NativeTool("systemTool", {"type": "systemTool", "systemTool": {"name": "nova_grounding"}})
    assert config(ask, tools=(tool,)) == {"tools": [{"systemTool": {"name": "nova_grounding"}}]}


def test_tools_of_others_are_refused(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(tools=(NativeTool("web_search", {"type": "web_search"}),))
    assert refused.value.param == "tools[0].type"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [(None, None), ("auto", None), ("required", {"any": {}}), (NamedTool("f"), {"tool": {"name": "f"}})],
)
def test_pitfall_23_the_choice_among_tools(ask: Ask, choice: Any, expected: Any) -> None:
    assert config(ask, tools=(F,), tool_choice=choice).get("toolChoice") == expected


def test_a_choice_of_tomorrow_is_refused(ask: Ask) -> None:
    with pytest.raises(Unsupported, match="allowed_tools"):
        ask(tools=(F,), tool_choice=NativeChoice("allowed_tools"))


@pytest.mark.parametrize("choice", ["required", NamedTool("f")])
def test_a_choice_without_tools_is_refused(ask: Ask, choice: Any) -> None:
    with pytest.raises(InvalidRequest):
        ask(tool_choice=choice)


def test_without_tools_and_calls_there_is_no_tool_config(ask: Ask) -> None:
    assert config(ask, tool_choice="auto") is None
    assert config(ask, tools=(F,), tool_choice="none") is None


@pytest.mark.parametrize("members", [{}, {"tools": (F,), "tool_choice": "none"}, {"tool_choice": "none"}])
def test_calls_of_earlier_turns_have_the_config_they_need_and_no_tool_to_call(
    ask: Ask, members: dict[str, Any]
) -> None:
    (tool,) = config(ask, *HISTORY, **members)["tools"]
    assert tool["toolSpec"]["name"] == "no_tool_available"
    assert config(ask, *HISTORY, tools=(F,))["tools"][0]["toolSpec"]["name"] == "f"


def test_pitfall_25_parallel_tool_calls_is_dropped_and_named(ask: Ask) -> None:
    assert ask(tools=(F,), parallel_tool_calls=False).dropped == ("parallel_tool_calls",)


# -- response_format --------------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": ["object", "null"]}}, "b": {"$ref": "#/$defs/B"}},
    "$defs": {"B": {"type": "object", "additionalProperties": True}},
    "anyOf": [{"type": "object"}, True],
}
CLOSED = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"type": ["object", "null"], "additionalProperties": False}},
        "b": {"$ref": "#/$defs/B"},
    },
    "$defs": {"B": {"type": "object", "additionalProperties": True}},
    "anyOf": [{"type": "object", "additionalProperties": False}, True],
    "additionalProperties": False,
}


@pytest.mark.parametrize("model", ["us.anthropic.claude-opus-4-6-v1", "qwen.qwen3-32b-v1:0", "arn:aws:bedrock:x:1:y/z"])
def test_a_schema_is_an_output_format(ask: Ask, model: str) -> None:
    body = ask(response_format=JsonSchema("n", SCHEMA, "d", True), model=model).body
    assert faults("m.m", body) == ""
    form = body["outputConfig"]["textFormat"]
    told = form["structure"]["jsonSchema"]
    assert (form["type"], told["name"], told["description"]) == ("json_schema", "n", "d")
    assert json.loads(told["schema"]) == CLOSED
    plain = ask(response_format=JsonSchema("n", {})).body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert plain == {"schema": "{}", "name": "n"}


@pytest.mark.parametrize(
    ("members", "word"),
    [
        ({"response_format": JsonSchema("n", {}), "model": NOVA}, "schema"),
        ({"response_format": JsonSchema("n", {}), "model": "anthropic.claude-3-haiku-20240307-v1:0"}, "schema"),
        ({"response_format": "json_object"}, "json_schema"),
        ({"response_format": NativeFormat("grammar")}, "grammar"),
    ],
)
def test_a_form_that_cannot_be_held_to_is_refused(ask: Ask, members: dict[str, Any], word: str) -> None:
    with pytest.raises(Unsupported, match=word) as refused:
        ask(**members)
    assert refused.value.param == "response_format"


def test_text_is_what_it_is_anyway(ask: Ask) -> None:
    assert "outputConfig" not in ask(response_format="text").body


def test_a_schema_without_a_bottom_is_refused(ask: Ask) -> None:
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"items": deep}
    with pytest.raises(CallerError) as refused:
        ask(response_format=JsonSchema("n", deep))
    assert refused.value.param == "response_format"
