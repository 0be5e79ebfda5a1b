"""Tools, the choice among them, and answers held to a JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.bedrock.names import is_tool_name
from providers.chat import FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeFormat
from providers.errors import InvalidRequest, Unsupported
from providers.jsonwalk import child, dump

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.chat import ChatRequest, NativeTool
    from providers.jsonwalk import Json, JsonObject

# Converse demands a toolConfig where the conversation has calls or results, and knows no choice of "none". This tool
# stands in for those that are not to be called: one that nobody offers, so that none of the client's can be.
_NO_TOOL: JsonObject = {
    "toolSpec": {
        "name": "no_tool_available",
        "description": "There is no tool to use now. Answer in text.",
        "inputSchema": {"json": {"type": "object", "properties": {}}},
    }
}


def tool_config(chat: ChatRequest, draft: Draft, *, has_tools: bool) -> JsonObject | None:
    """`has_tools`: calls or results are in the conversation. Raises `Unsupported` for the tools of other providers."""
    if chat.parallel_tool_calls is not None:
        draft.drop("parallel_tool_calls")
    if not chat.tools and chat.tool_choice not in {None, "auto", "none"}:
        raise InvalidRequest("tool_choice asks for a tool, but there are no tools.", param="tool_choice")
    if not chat.tools or chat.tool_choice == "none":
        return {"tools": [_NO_TOOL]} if has_tools else None
    tools: list[Json] = []
    for number, tool in enumerate(chat.tools):
        tools += _tool_blocks(tool, f"tools[{number}]", draft)
    config: JsonObject = {"tools": tools}
    choice = _choice(chat)
    return config if choice is None else {**config, "toolChoice": choice}


def _tool_blocks(tool: FunctionTool | NativeTool, path: str, draft: Draft) -> list[JsonObject]:
    if not isinstance(tool, FunctionTool):
        own = child(tool.value, "systemTool")
        if own:
            return [{"systemTool": own}]
        raise Unsupported(f"Bedrock has no tool of type {tool.type!r}.", param=f"{path}.type")
    if not is_tool_name(tool.name):
        raise Unsupported(
            "Bedrock takes letters, digits, '_' and '-' in a function's name, at most 64.",
            param=f"{path}.function.name",
        )
    spec: JsonObject = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": _input_schema(tool.parameters)}
    if tool.strict is not None:
        if draft.model.structured:
            spec["strict"] = tool.strict
        else:
            draft.drop("tools[].function.strict")
    return draft.cached([{"toolSpec": spec}], tool.cache, "tools[].cache_control")


def _input_schema(parameters: JsonObject | None) -> JsonObject:
    if parameters is None:
        return {"type": "object", "properties": {}}
    return parameters if "type" in parameters else {"type": "object", **parameters}


def _choice(chat: ChatRequest) -> JsonObject | None:
    """`auto` is what leaving it out means, and some models (Llama) refuse the very member."""
    wanted = chat.tool_choice
    match wanted:
        case None | "auto" | "none":
            return None
        case "required":
            return {"any": {}}
        case NamedTool(name):
            return {"tool": {"name": name}}
        case NativeChoice(kind):
            raise Unsupported(f"Bedrock has no tool_choice of type {kind!r}.", param="tool_choice")
        case _:  # pragma: no cover
            assert_never(wanted)


def text_format(chat: ChatRequest, draft: Draft) -> JsonObject | None:
    """The `outputConfig.textFormat` for `response_format`: https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html

    `json_object` is refused: Bedrock holds an answer to a schema or not at all, and an answer that is only likely to be
    JSON is not what was asked for.
    """
    wanted = chat.response_format
    match wanted:
        case None | "text":
            return None
        case "json_object":
            raise Unsupported(
                "Bedrock has no JSON mode without a schema: use response_format 'json_schema'.",
                param="response_format",
            )
        case NativeFormat(kind):
            raise Unsupported(f"Bedrock has no response_format of type {kind!r}.", param="response_format")
        case JsonSchema():
            if not draft.model.structured:
                raise Unsupported("This model cannot hold its answer to a schema.", param="response_format")
            return {"type": "json_schema", "structure": {"jsonSchema": _json_schema(wanted)}}
        case _:  # pragma: no cover
            assert_never(wanted)


def _json_schema(wanted: JsonSchema) -> JsonObject:
    try:
        schema = dump(_closed(wanted.schema)).decode()
    except RecursionError:
        raise InvalidRequest("The schema is nested too deeply.", param="response_format") from None
    named: JsonObject = {"schema": schema, "name": wanted.name}
    return {**named, "description": wanted.description} if wanted.description else named


_SCHEMA_MAPS = ("properties", "$defs", "definitions")
_SCHEMA_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")


def _closed(schema: Json) -> Json:
    """The schema with `additionalProperties: false` where it says nothing of them, as Bedrock demands.

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
