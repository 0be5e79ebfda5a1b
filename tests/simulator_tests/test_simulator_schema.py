"""The model fills in schemas as tools and structured outputs have them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.simulator.model import Prompt, Tool, answer, tokens
from tests.simulator.schema import instance


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "string"}, "hint"),
        ({"type": ["null", "string"]}, None),
        ({"type": []}, "hint"),
        ({"const": 7}, 7),
        ({"enum": ["a", "hint"]}, "hint"),
        ({"enum": ["a", "b"]}, "a"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, 4),
        ({"type": "number", "maximum": 2}, 2),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 2}, [True, True]),
        ({"$ref": "#/$defs/city"}, {"name": "hint"}),
        ({}, "hint"),
    ],
)
def test_an_instance_fits_its_schema(schema: dict[str, Any], expected: object) -> None:
    city = {"type": "object", "properties": {"name": {"type": "string"}, "size": {}}, "required": ["name"]}
    root = {"type": "object", "properties": {"value": schema}, "$defs": {"city": city}}
    assert instance(root, "hint") == {"value": expected}


@pytest.mark.parametrize("text", ["", "Hello, world 12345", "海 👩‍🚀\u2028\r\n  x", 'a{"b": "ç"}'])
def test_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokens(text)) == text


def test_quoted_subjects_make_parallel_calls_of_each_tool_that_is_meant() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    tools = (Tool("web_search", schema), Tool("get_time", schema), Tool("noop", schema))
    calls = answer(Prompt('search "a" and "b", and the time', tools=tools)).calls
    assert [(call.name, call.arguments["q"]) for call in calls] == [
        ("web_search", "a"),
        ("web_search", "b"),
        ("get_time", "a"),
        ("get_time", "b"),
    ]
    assert answer(Prompt("Hello", tools=tools)).calls == ()
    assert [call.name for call in answer(Prompt("Hello", tools=tools, named="noop", choice="required")).calls] == [
        "noop"
    ]
