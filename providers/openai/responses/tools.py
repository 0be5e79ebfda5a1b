"""Tools, the choice among them, and answers held to JSON: what chat completions nest, Responses have flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import ChatRequest, JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool, Tool
from providers.errors import Unsupported
from providers.jsonwalk import child, children, text, without
from providers.openai.host import WIRE

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject


def tools(chat: ChatRequest, dropped: Dropped) -> list[Json] | None:
    return [_tool(tool, chat, number, dropped) for number, tool in enumerate(chat.tools)] or None


def _tool(tool: Tool, chat: ChatRequest, number: int, dropped: Dropped) -> JsonObject:
    """A function that says nothing of `strict` is not: chat completions' default, and not that of Responses."""
    if isinstance(tool, NativeTool):
        if chat.source.wire != WIRE:
            raise Unsupported(f"The Responses API has no tool of type {tool.type!r}.", param=f"tools[{number}].type")
        return _custom(tool.value) if tool.type == "custom" else tool.value
    if tool.cache is not None:
        dropped.add("tools[].cache_control")
    described: JsonObject = {} if tool.description is None else {"description": tool.description}
    # The member is required; this is how a function without parameters is written.
    parameters: JsonObject = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    strict = tool.strict is True
    return {"type": "function", "name": tool.name, **described, "parameters": parameters, "strict": strict}


def _custom(tool: JsonObject) -> JsonObject:
    """`format` holds its grammar one level deeper in chat completions. One that is flat already stays as it is."""
    flat = without(tool, "custom", "cache_control") | child(tool, "custom")
    form = child(flat, "format")
    if "grammar" in form:
        flat["format"] = without(form, "grammar") | child(form, "grammar")
    return flat


def tool_choice(chat: ChatRequest) -> Json:
    match chat.tool_choice:
        case NamedTool(name):
            return {"type": "function", "name": name}
        case NativeChoice(kind):
            return _native_choice(chat, kind)
        case "auto" | "none" | "required" | None:
            return chat.tool_choice
        case _:  # pragma: no cover
            assert_never(chat.tool_choice)


def _native_choice(chat: ChatRequest, kind: str) -> JsonObject:
    """Custom and allowed tools without the level that chat completions put between; any other as it was written."""
    written = child(chat.source.value, "tool_choice")
    if chat.source.wire != WIRE or not written:
        raise Unsupported(f"The Responses API has no tool_choice of type {kind!r}.", param="tool_choice")
    flat = _flat(written, kind)
    if kind == "allowed_tools":
        flat["tools"] = [_flat(tool, text(tool, "type") or "") for tool in children(flat, "tools")]
    return flat


def _flat(written: JsonObject, kind: str) -> JsonObject:
    """Without the object that bears the name of its own kind."""
    return without(written, kind) | child(written, kind)


def text_format(chat: ChatRequest) -> JsonObject | None:
    """`text`: the form of the answer, and how long it is to be."""
    members: JsonObject = {}
    wanted = chat.response_format
    match wanted:
        case None:
            pass
        case JsonSchema():
            said: JsonObject = {"description": wanted.description, "strict": wanted.strict}
            schema: JsonObject = {"type": "json_schema", "name": wanted.name, "schema": wanted.schema}
            members["format"] = schema | without(said)
        case NativeFormat(kind):
            raise Unsupported(f"The Responses API has no response_format of type {kind!r}.", param="response_format")
        case "text" | "json_object":
            members["format"] = {"type": wanted}
        case _:  # pragma: no cover
            assert_never(wanted)
    verbosity = chat.extra.get("verbosity")
    if verbosity is not None:
        members["verbosity"] = verbosity
    return members or None
