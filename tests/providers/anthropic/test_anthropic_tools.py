"""Tools and the choice among them."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeTool
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]
TOOL = FunctionTool("f")
CACHE: dict[str, Any] = {"type": "ephemeral"}


def test_a_function_is_a_tool_with_an_input_schema(ask: Ask) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"x": {"type": "number"}}}
    tool = FunctionTool("f", "does f", schema, strict=True, cache=CACHE)
    assert ask(tools=(tool,)).body["tools"] == [
        {"name": "f", "description": "does f", "input_schema": schema, "strict": True, "cache_control": CACHE}
    ]


def test_pitfall_05_a_function_without_parameters_takes_an_empty_object(ask: Ask) -> None:
    assert ask(tools=(TOOL,)).body["tools"] == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    ]  # fmt: skip


def test_parameters_that_do_not_say_that_they_are_an_object_are_one(ask: Ask) -> None:
    tools = FunctionTool("f", parameters={}), FunctionTool("g", parameters={"properties": {}})
    assert [tool["input_schema"] for tool in ask(tools=tools).body["tools"]] == [
        {"type": "object"},
        {"type": "object", "properties": {}},
    ]


def test_pitfall_25_strict_is_dropped_and_named_where_the_model_does_not_know_it(ask: Ask) -> None:
    asked = ask(tools=(FunctionTool("f", strict=True),), model="claude-3-7-sonnet@20250219")
    assert "strict" not in asked.body["tools"][0]
    assert asked.dropped == ("tools[].function.strict",)


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        {"type": "tool_search_tool_bm25_20251119", "name": "tool_search_tool_bm25"},
        {"type": "mcp_toolset", "mcp_server_name": "x"},
        {"type": "custom", "name": "f", "input_schema": {"type": "object"}, "defer_loading": True},
    ],
)
def test_anthropics_own_tools_are_passed_on(ask: Ask, tool: dict[str, Any]) -> None:
    assert ask(tools=(TOOL, NativeTool(tool["type"], tool))).body["tools"][1] == tool


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "custom", "custom": {"name": "sh"}},
        {"type": "web_search"},
        {"type": "web_search_preview_2025_03_11"},
        {"type": "code_interpreter"},
    ],
)
def test_tools_of_other_providers_are_unsupported(ask: Ask, tool: dict[str, Any]) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(tools=(TOOL, NativeTool(tool["type"], tool)))
    assert refused.value.param == "tools[1].type"


@pytest.mark.parametrize(
    ("choice", "parallel", "sent"),
    [
        (None, None, None),
        (None, True, None),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("auto", None, {"type": "auto"}),
        ("auto", False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", True, {"type": "any"}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
        (NamedTool("f"), None, {"type": "tool", "name": "f"}),
        (NamedTool("f"), False, {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
        ("none", None, {"type": "none"}),
        ("none", False, {"type": "none"}),
    ],
)
def test_pitfall_23_the_choice_of_a_tool(ask: Ask, choice: Any, parallel: bool | None, sent: Any) -> None:
    asked = ask(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel)
    assert (asked.body.get("tool_choice"), asked.dropped) == (sent, ())


def test_a_choice_of_an_unknown_kind_is_unsupported(ask: Ask) -> None:
    with pytest.raises(Unsupported, match="allowed_tools"):
        ask(tools=(TOOL,), tool_choice=NativeChoice("allowed_tools"))


@pytest.mark.parametrize("choice", ["required", NamedTool("f"), NativeChoice("allowed_tools")])
def test_a_forced_choice_without_tools_is_a_clear_400(ask: Ask, choice: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(tool_choice=choice)
    assert refused.value.param == "tool_choice"


@pytest.mark.parametrize("choice", ["auto", "none"])
def test_a_choice_of_nothing_is_dropped_and_named(ask: Ask, choice: str) -> None:
    asked = ask(tool_choice=choice, parallel_tool_calls=False)
    assert "tool_choice" not in asked.body
    assert asked.dropped == ("tool_choice", "parallel_tool_calls")


@pytest.mark.parametrize("choice", ["required", NamedTool("f")])
@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-preview"])
def test_models_that_force_no_tool_refuse_to(ask: Ask, choice: Any, model: str) -> None:
    with pytest.raises(Unsupported, match="this model"):
        ask(tools=(TOOL,), tool_choice=choice, model=model)


def test_no_tool_is_forced_beside_a_thinking_budget(ask: Ask) -> None:
    with pytest.raises(Unsupported, match="thinking budget"):
        ask(tools=(TOOL,), tool_choice="required", reasoning_effort="low")


def test_a_tool_may_be_forced_beside_adaptive_thinking(ask: Ask) -> None:
    asked = ask(tools=(TOOL,), tool_choice="required", reasoning_effort="low", model="claude-opus-4-6")
    assert asked.body["tool_choice"] == {"type": "any"}


def test_tools_and_a_schema_go_together(ask: Ask) -> None:
    body = ask(tools=(TOOL,), response_format=JsonSchema("a", {"type": "string"})).body
    assert {"tools", "output_config"} <= body.keys()
