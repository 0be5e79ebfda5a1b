"""Tools, the choice among them, and answers in JSON, on the way to Cohere."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}


def test_a_function_with_its_schema_and_one_without(ask: Ask) -> None:
    asked = ask(tools=(FunctionTool("f", "does f", SCHEMA), FunctionTool("g", cache={"type": "ephemeral"})))
    assert asked.body["tools"] == [
        {"type": "function", "function": {"name": "f", "description": "does f", "parameters": SCHEMA}},
        {"type": "function", "function": {"name": "g", "parameters": {"type": "object", "properties": {}}}},
    ]
    assert "strict_tools" not in asked.body
    assert asked.dropped == ("tools[].cache_control",)


@pytest.mark.parametrize(
    ("wishes", "strict"),
    [((None, None), None), ((True, True), True), ((True, None), True), ((False, True), True), ((False, None), False)],
)
def test_one_strict_tool_makes_all_strict(ask: Ask, wishes: tuple[bool | None, ...], strict: bool | None) -> None:
    tools = tuple(FunctionTool(f"f{number}", strict=wish) for number, wish in enumerate(wishes))
    assert ask(tools=tools).body.get("strict_tools") is strict


@pytest.mark.parametrize(("choice", "said"), [(None, None), ("auto", None), ("none", "NONE"), ("required", "REQUIRED")])
def test_pitfall_23_a_choice_among_tools(ask: Ask, choice: Any, said: str | None) -> None:
    asked = ask(tools=(FunctionTool("f"),), tool_choice=choice, parallel_tool_calls=True)
    assert asked.body.get("tool_choice") == said
    assert asked.dropped == ()


def test_a_named_tool_is_required_and_alone(ask: Ask) -> None:
    tools = (FunctionTool("f", strict=True), FunctionTool("g"))
    body = ask(tools=tools, tool_choice=NamedTool("g")).body
    assert [tool["function"]["name"] for tool in body["tools"]] == ["g"]
    assert body["tool_choice"] == "REQUIRED"
    assert "strict_tools" not in body


@pytest.mark.parametrize("choice", ["required", NamedTool("f")])
def test_a_tool_that_is_not_there_cannot_be_chosen(ask: Ask, choice: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(tool_choice=choice)
    assert refused.value.param == "tool_choice"


def test_a_name_that_no_tool_has_cannot_be_chosen(ask: Ask) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(tools=(FunctionTool("f"),), tool_choice=NamedTool("h"))
    assert refused.value.param == "tool_choice"


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"tools": (FunctionTool("f"), NativeTool("custom", {}))}, "tools[1].type"),
        ({"tools": (FunctionTool("f"),), "tool_choice": NativeChoice("allowed_tools")}, "tool_choice"),
        ({"tools": (FunctionTool("f"),), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"response_format": NativeFormat("grammar")}, "response_format"),
        ({"response_format": "json_object", "tools": (FunctionTool("f"),)}, "response_format"),
        ({"response_format": JsonSchema("n", {}), "extra": {"documents": ["d"]}}, "response_format"),
    ],
)
def test_what_cohere_cannot_promise_is_refused(ask: Ask, members: Any, param: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(**members)
    assert (refused.value.status, refused.value.param) == (400, param)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (None, None),
        ("text", None),
        ("json_object", {"type": "json_object"}),
        (JsonSchema("n", SCHEMA, None, strict=False), {"type": "json_object", "json_schema": SCHEMA}),
    ],
)
def test_answers_in_json(ask: Ask, wanted: Any, said: Any) -> None:
    asked = ask(response_format=wanted)
    assert asked.body.get("response_format") == said
    assert asked.dropped == ()


def test_the_description_of_a_schema_is_dropped_and_named(ask: Ask) -> None:
    assert ask(response_format=JsonSchema("n", SCHEMA, "d")).dropped == ("response_format.json_schema.description",)
