"""Tools, the choice among them, and answers held to a JSON Schema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from providers.chat import ChatRequest, FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool
from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.anthropic.profile import Model
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# Anthropic's own tools carry their date (`web_search_20250305`), OpenAI's do so with hyphens or not at all.
_ANTHROPIC_TOOL = re.compile(r"[a-z0-9_]+_\d{8}|mcp_toolset")


def tool_list(chat: ChatRequest, model: Model, dropped: Dropped) -> list[Json]:
    """Raises `Unsupported` for the tools of other providers."""
    return [_tool(tool, f"tools[{number}]", model, dropped) for number, tool in enumerate(chat.tools)]


def _tool(tool: FunctionTool | NativeTool, path: str, model: Model, dropped: Dropped) -> JsonObject:
    if isinstance(tool, NativeTool):
        if _ANTHROPIC_TOOL.fullmatch(tool.type) or (tool.type == "custom" and "input_schema" in tool.value):
            return tool.value
        raise Unsupported(f"Anthropic has no tool of type {tool.type!r}.", param=f"{path}.type")
    members: JsonObject = {"name": tool.name}
    if tool.description is not None:
        members["description"] = tool.description
    members["input_schema"] = _input_schema(tool.parameters)
    if tool.strict is not None:
        if model.structured:
            members["strict"] = tool.strict
        else:
            dropped.add("tools[].function.strict")
    if tool.cache is not None:
        members["cache_control"] = tool.cache
    return members


def _input_schema(parameters: JsonObject | None) -> JsonObject:
    if parameters is None:
        return {"type": "object", "properties": {}}
    return parameters if "type" in parameters else {"type": "object", **parameters}


def tool_choice(chat: ChatRequest, model: Model, *, fixed_thinking: bool, dropped: Dropped) -> JsonObject | None:
    """`fixed_thinking`: thinking with a budget, beside which Anthropic forces no tool."""
    wanted = chat.tool_choice
    if not chat.tools:
        _check_choice_without_tools(chat, dropped)
        return None
    if isinstance(wanted, NativeChoice):
        raise Unsupported(f"Anthropic has no tool_choice of type {wanted.type!r}.", param="tool_choice")
    forced = wanted == "required" or isinstance(wanted, NamedTool)
    if forced and (fixed_thinking or not model.forced_tools):
        why = "beside a thinking budget" if model.forced_tools else "with this model"
        raise Unsupported(f"Anthropic forces no tool {why}: use tool_choice 'auto'.", param="tool_choice")
    if wanted == "none":
        return {"type": "none"}
    one_at_a_time = chat.parallel_tool_calls is False
    if wanted is None and not one_at_a_time:
        return None
    choice: JsonObject
    match wanted:
        case NamedTool(name):
            choice = {"type": "tool", "name": name}
        case "required":
            choice = {"type": "any"}
        case "auto" | None:
            choice = {"type": "auto"}
        case _:  # pragma: no cover
            assert_never(wanted)
    if one_at_a_time:
        choice["disable_parallel_tool_use"] = True
    return choice


def _check_choice_without_tools(chat: ChatRequest, dropped: Dropped) -> None:
    if chat.tool_choice not in {None, "auto", "none"}:
        raise InvalidRequest("tool_choice asks for a tool, but there are no tools.", param="tool_choice")
    if chat.tool_choice is not None:
        dropped.add("tool_choice")
    if chat.parallel_tool_calls is not None:
        dropped.add("parallel_tool_calls")


def output_format(chat: ChatRequest, model: Model) -> JsonObject | None:
    """The `output_config.format` for `response_format`.

    `json_object` is refused: Anthropic holds an answer to a schema or not at all, and an answer that is only likely to
    be JSON is not what was asked for. So is a schema with the models that cannot be held to one (before 4.5): a forced
    tool in its place would rule out thinking and the client's own tools, and none of them is in service any more.
    """
    wanted = chat.response_format
    match wanted:
        case None | "text":
            return None
        case "json_object":
            raise Unsupported(
                "Anthropic has no JSON mode without a schema: use response_format 'json_schema'.",
                param="response_format",
            )
        case NativeFormat(kind):
            raise Unsupported(f"Anthropic has no response_format of type {kind!r}.", param="response_format")
        case JsonSchema(schema=schema):
            if not model.structured:
                raise Unsupported("This model cannot hold its answer to a schema.", param="response_format")
            try:
                return {"type": "json_schema", "schema": _closed(schema)}
            except RecursionError:
                raise InvalidRequest("The schema is nested too deeply.", param="response_format") from None
        case _:  # pragma: no cover
            assert_never(wanted)


_SCHEMA_MAPS = ("properties", "$defs", "definitions")
_SCHEMA_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")


def _closed(schema: Json) -> Json:
    """The schema with `additionalProperties: false` where it says nothing of them, as Anthropic demands.

    An answer without additional members still is one that the client asked for. What the client does say stands.
    """
    if not isinstance(schema, dict):
        return schema
    closed: JsonObject = dict(schema)
    for key, value in schema.items():
        if key in _SCHEMA_MAPS and isinstance(value, dict):
            closed[key] = {name: _closed(item) for name, item in value.items()}
        elif key in _SCHEMA_LISTS and isinstance(value, list):
            closed[key] = [_closed(item) for item in value]
        elif key == "items":
            closed[key] = _closed(value)
    kind = schema.get("type")
    if kind == "object" or (isinstance(kind, list) and "object" in kind):
        closed.setdefault("additionalProperties", False)
    return closed
