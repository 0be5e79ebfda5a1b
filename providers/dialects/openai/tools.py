"""`tools`, `tool_choice` and `response_format`, and the `functions` of 2023 that they replaced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.chat import (
    FunctionTool,
    JsonSchema,
    NamedTool,
    NativeChoice,
    NativeFormat,
    NativeTool,
    ResponseFormat,
    Tool,
    ToolChoice,
)

if TYPE_CHECKING:
    from providers.dialects.reader import Reader


def parse_tools(request: Reader) -> tuple[Tool, ...]:
    tools = [_tool(tool) for tool in request.children("tools")]
    legacy = [_function(function, None) for function in request.children("functions")]
    return (*tools, *legacy)


def _tool(tool: Reader) -> Tool:
    kind = tool.need_text("type")
    if kind != "function":
        return NativeTool(kind, tool.value)
    return _function(tool.need_child("function"), tool)


def _function(function: Reader, tool: Reader | None) -> FunctionTool:
    outer = tool.object("cache_control") if tool else None
    return FunctionTool(
        name=function.need_text("name"),
        description=function.text("description"),
        parameters=function.object("parameters"),
        strict=function.flag("strict"),
        cache=outer or function.object("cache_control"),
    )


def parse_tool_choice(request: Reader) -> ToolChoice | None:
    value = request.value.get("tool_choice")
    if value is None:
        return _legacy_choice(request)
    if isinstance(value, str):
        return _mode(request, "tool_choice", value)
    choice = request.need_child("tool_choice")
    kind = choice.need_text("type")
    if kind != "function":
        return NativeChoice(kind)
    return NamedTool(choice.need_child("function").need_text("name"))


def _legacy_choice(request: Reader) -> ToolChoice | None:
    value = request.value.get("function_call")
    if value is None:
        return None
    if isinstance(value, str):
        return _mode(request, "function_call", value)
    return NamedTool(request.need_child("function_call").need_text("name"))


def _mode(request: Reader, key: str, value: str) -> ToolChoice:
    match value:
        case "auto" | "none" | "required":
            return value
        case "any":  # Mistral's word for it
            return "required"
        case _:
            return request.invalid(
                key, "supported values are 'none', 'auto' and 'required', or an object that names a tool"
            )


def parse_format(request: Reader) -> ResponseFormat | None:
    shape = request.child("response_format")
    if shape is None:
        return None
    match shape.need_text("type"):
        case "text" | "json_object" as plain:
            return plain
        case "json_schema":
            return _json_schema(shape.need_child("json_schema"))
        case other:
            return NativeFormat(other)


def _json_schema(schema: Reader) -> JsonSchema:
    return JsonSchema(
        name=schema.text("name") or "response",
        schema=schema.object("schema") or {},
        description=schema.text("description"),
        strict=schema.flag("strict"),
    )
