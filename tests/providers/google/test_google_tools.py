"""Tools, the choice among them, and schemas."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeTool
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]
F = FunctionTool("f")


def declared(ask: Ask, schema: Any) -> Any:
    asked = ask(tools=(FunctionTool("f", parameters=schema),))
    return asked.body["tools"][0]["functionDeclarations"][0].get("parametersJsonSchema")


def test_functions_are_declared_together_and_googles_own_tools_apart(ask: Ask) -> None:
    schema: Any = {"type": "object", "properties": {"a": {"type": "string"}}}
    asked = ask(
        tools=(
            FunctionTool("f", "does f", schema, strict=True, cache={"type": "ephemeral"}),
            NativeTool("google_search", {"type": "google_search"}),
            NativeTool("file_search", {"type": "file_search", "file_search": {"fileSearchStoreNames": ["s"]}}),
            NativeTool("urlContext", {"type": "urlContext", "x": 1}),
            F,
        )
    )
    assert asked.body["tools"] == [
        {"googleSearch": {}},
        {"fileSearch": {"fileSearchStoreNames": ["s"]}},
        {"urlContext": {"x": 1}},
        {
            "functionDeclarations": [
                {"name": "f", "description": "does f", "parametersJsonSchema": schema},
                {"name": "f"},
            ]
        },
    ]
    assert asked.dropped == ("tools[].function.strict", "cache_control")


def test_the_tools_of_others_are_refused(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(tools=(F, NativeTool("web_search_20250305", {})))
    assert refused.value.param == "tools[1].type"


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (None, None),
        ("auto", {"mode": "AUTO"}),
        ("none", {"mode": "NONE"}),
        ("required", {"mode": "ANY"}),
        (NamedTool("f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_pitfall_23_each_tool_choice_has_its_mode(ask: Ask, choice: Any, config: Any) -> None:
    body = ask(tools=(F,), tool_choice=choice).body
    assert body.get("toolConfig", {}).get("functionCallingConfig") == config


def test_a_tool_config_of_googles_own_holds_beside_the_choice(ask: Ask) -> None:
    native = {"tool_config": {"include_server_side_tool_invocations": True}}
    assert ask(tools=(F,), tool_choice="auto", extra=native).body["toolConfig"] == {
        "functionCallingConfig": {"mode": "AUTO"},
        "includeServerSideToolInvocations": True,
    }


@pytest.mark.parametrize(
    ("tools", "choice", "kind"),
    [
        ((F,), NativeChoice("allowed_tools"), Unsupported),
        ((), "required", InvalidRequest),
        ((), NamedTool("f"), InvalidRequest),
        ((NativeTool("google_search", {}),), "none", Unsupported),
    ],
)
def test_a_choice_that_cannot_be_is_refused(ask: Ask, tools: Any, choice: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(tools=tools, tool_choice=choice)


def test_a_choice_among_nothing_is_dropped_and_named(ask: Ask) -> None:
    asked = ask(tool_choice="none", parallel_tool_calls=True)
    assert asked.dropped == ("parallel_tool_calls", "tool_choice")
    assert "toolConfig" not in asked.body
    assert ask(tools=(F,), parallel_tool_calls=True).dropped == ()
    assert ask(tools=(F,), parallel_tool_calls=False).dropped == ("parallel_tool_calls",)


NULLABLE = {"type": ["string", "null"]}
UNION = {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"}
FREE = {"type": "object", "additionalProperties": True}


@pytest.mark.parametrize("inner", [NULLABLE, UNION, FREE, {"type": "object", "properties": {}}, {"const": True}])
def test_pitfall_14_a_schema_goes_as_it_is(ask: Ask, inner: Any) -> None:
    schema: Any = {
        "type": "object",
        "properties": {"a": inner, "b": {"$ref": "#/$defs/B"}},
        "$defs": {"B": inner},
        "additionalProperties": False,
        "required": ["a"],
    }
    assert declared(ask, schema) == schema
    body = ask(response_format=JsonSchema("n", schema)).body
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": schema}


@pytest.mark.parametrize(
    ("inner", "said"),
    [
        ({"const": "x", "title": "t"}, {"title": "t", "enum": ["x"]}),
        ({"const": 1.5}, {"enum": [1.5]}),
        ({"const": 1, "enum": [1, 2]}, {"const": 1, "enum": [1, 2]}),
        ({"$ref": "#/$defs/B", "description": "d"}, {"description": "d", "anyOf": [{"$ref": "#/$defs/B"}]}),
        ({"$ref": "#/$defs/B", "anyOf": [True]}, {"$ref": "#/$defs/B", "anyOf": [True]}),
        ({"$ref": "#/$defs/B", "$comment": "c"}, {"$ref": "#/$defs/B", "$comment": "c"}),
    ],
)
def test_pitfall_14_what_google_does_not_know_is_said_in_its_words(ask: Ask, inner: Any, said: Any) -> None:
    for outer in (lambda x: {"properties": {"a": x}}, lambda x: {"oneOf": [x, x]}, lambda x: {"items": x}):
        assert declared(ask, outer(inner)) == outer(said)


def test_pitfall_14_an_empty_enum_is_dropped_and_named(ask: Ask) -> None:
    schema: Any = {"type": "object", "properties": {"a": {"type": "string", "enum": []}}}
    asked = ask(tools=(FunctionTool("f", parameters=schema),))
    (tool,) = asked.body["tools"]
    sent = tool["functionDeclarations"][0]["parametersJsonSchema"]
    assert sent["properties"] == {"a": {"type": "string"}}
    assert asked.dropped == ("tools[0].function.parameters.enum",)


@pytest.mark.parametrize(
    "schema",
    [None, {"type": "object", "properties": {}}, {"properties": {}, "required": [], "additionalProperties": False}],
)
def test_pitfall_14_a_function_that_takes_nothing_has_no_schema(ask: Ask, schema: Any) -> None:
    assert declared(ask, schema) is None


def test_a_schema_too_deep_is_refused(ask: Ask) -> None:
    schema: Any = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(InvalidRequest) as refused:
        declared(ask, schema)
    assert refused.value.param == "tools[0].function.parameters"
