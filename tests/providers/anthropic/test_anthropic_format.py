"""`response_format`: an answer held to a schema, or a clear 400."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import JsonSchema, NativeFormat
from providers.errors import InvalidRequest, Unsupported
from providers.jsonwalk import Json

Ask = Callable[..., Any]
FREE = "claude-sonnet-4-0"
SCHEMA: dict[str, Json] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def refusal(ask: Ask, *, model: str = FREE, **members: Any) -> str | None:
    with pytest.raises(Unsupported) as refused:
        ask(model=model, **members)
    return refused.value.param


# -- response_format ------------------------------------------------------------------------------------------------


def test_a_schema_is_anthropics_own_structured_output(ask: Ask) -> None:
    asked = ask(response_format=JsonSchema("answer", {**SCHEMA, "additionalProperties": False}, strict=True))
    assert asked.body["output_config"] == {
        "format": {"type": "json_schema", "schema": {**SCHEMA, "additionalProperties": False}}
    }


def test_objects_of_a_schema_are_closed_where_it_does_not_say(ask: Ask) -> None:
    point: dict[str, Json] = {"type": "object", "properties": {"x": {"type": "number"}}}
    closed = {**point, "additionalProperties": False}
    schema: dict[str, Json] = {
        "type": ["object", "null"],
        "properties": {
            "list": {"type": "array", "items": point, "minItems": 1},
            "pair": {"prefixItems": [point, True]},
            "either": {"anyOf": [point, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "type": {"enum": ["object"]},
        },
        "$defs": {"point": point},
        "required": ["list"],
    }
    sent = ask(response_format=JsonSchema("answer", schema)).body["output_config"]["format"]["schema"]
    assert sent == {
        "type": ["object", "null"],
        "properties": {
            "list": {"type": "array", "items": closed, "minItems": 1},
            "pair": {"prefixItems": [closed, True]},
            "either": {"anyOf": [closed, {"type": "null"}]},
            "map": {"type": "object", "additionalProperties": {"type": "string"}},
            "type": {"enum": ["object"]},
        },
        "$defs": {"point": closed},
        "required": ["list"],
        "additionalProperties": False,
    }


def test_a_schema_that_never_ends_is_a_clear_400(ask: Ask) -> None:
    schema: dict[str, Json] = {}
    for _ in range(5_000):
        schema = {"items": schema}
    with pytest.raises(InvalidRequest) as refused:
        ask(response_format=JsonSchema("deep", schema))
    assert refused.value.param == "response_format"


@pytest.mark.parametrize("response_format", ["json_object", NativeFormat("grammar")])
def test_a_format_that_anthropic_cannot_promise_is_refused(ask: Ask, response_format: Any) -> None:
    assert refusal(ask, response_format=response_format) == "response_format"


@pytest.mark.parametrize("model", ["claude-3-5-haiku-latest", "claude-opus-4-1", "claude-2"])
def test_a_schema_is_refused_where_the_model_cannot_be_held_to_it(ask: Ask, model: str) -> None:
    assert refusal(ask, model=model, response_format=JsonSchema("answer", SCHEMA)) == "response_format"


def test_the_format_text_is_the_default(ask: Ask) -> None:
    assert "output_config" not in ask(response_format="text").body


def test_anthropics_own_output_config_holds_before_ours(ask: Ask) -> None:
    asked = ask(
        model="claude-opus-4-6",
        response_format=JsonSchema("answer", {"type": "string"}),
        reasoning_effort="low",
        extra={"output_config": {"effort": "max", "task_budget": {"total": 1}}},
    )
    assert asked.body["output_config"] == {
        "effort": "max",
        "format": {"type": "json_schema", "schema": {"type": "string"}},
        "task_budget": {"total": 1},
    }


def test_an_output_config_that_is_no_object_is_a_clear_400(ask: Ask) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(extra={"output_config": "high"})
    assert refused.value.param == "output_config"
