"""Tools and the choice among them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, assert_never

from providers.chat import ChatRequest, FunctionTool, NamedTool, NativeChoice, NativeTool
from providers.errors import InvalidRequest, Unsupported
from providers.google.schema import to_schema
from providers.jsonwalk import without

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

# The members of a `Tool` other than functions (https://ai.google.dev/api/caching#Tool): here, types of tools.
_GOOGLE_TOOLS = frozenset(
    {
        "codeExecution",
        "computerUse",
        "enterpriseWebSearch",
        "fileSearch",
        "googleMaps",
        "googleSearch",
        "googleSearchRetrieval",
        "mcpServers",
        "urlContext",
    }
)


def camel(name: str) -> str:
    """`google_search` as Google's JSON writes it; what is written so already stays."""
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


def tool_list(chat: ChatRequest, dropped: Dropped) -> list[Json]:
    """Google's own tools each by themselves, and all functions in one. Raises `Unsupported` for other providers'."""
    native: list[Json] = []
    functions: list[Json] = []
    for number, tool in enumerate(chat.tools):
        if isinstance(tool, FunctionTool):
            functions.append(_declaration(tool, f"tools[{number}].function.parameters", dropped))
        else:
            native.append(_native(tool, f"tools[{number}].type"))
    return [*native, {"functionDeclarations": functions}] if functions else native


def _declaration(tool: FunctionTool, path: str, dropped: Dropped) -> JsonObject:
    """A function that takes nothing has no schema: Google refuses one without properties in places."""
    declaration: JsonObject = {"name": tool.name}
    if tool.description is not None:
        declaration["description"] = tool.description
    if tool.parameters is not None and not _takes_nothing(tool.parameters):
        declaration["parametersJsonSchema"] = to_schema(tool.parameters, path, dropped)
    if tool.strict is not None:
        dropped.add("tools[].function.strict")
    if tool.cache is not None:
        dropped.add("cache_control")
    return declaration


def _takes_nothing(parameters: JsonObject) -> bool:
    """`{"type": "object", "properties": {}}` in its spellings; an object open to any property is another thing."""
    meant = without(parameters, "$schema", "title", "type", "description")
    empty = {"properties": {}, "required": [], "additionalProperties": False}
    return "properties" in meant and all(meant[key] == empty.get(key, ...) for key in meant)


def _native(tool: NativeTool, path: str) -> JsonObject:
    """`{"type": "google_search", …}`, its options beside the type or under the tool's own name."""
    name = camel(tool.type)
    if name not in _GOOGLE_TOOLS:
        raise Unsupported(f"Google has no tool of type {tool.type!r}.", param=path)
    options = without(tool.value, "type")
    nested = options.get(tool.type)
    return {name: nested if isinstance(nested, dict) and len(options) == 1 else options}


def function_calling(chat: ChatRequest, dropped: Dropped) -> JsonObject | None:
    """The `functionCallingConfig`: it is about functions only, Google's own tools are always the model's choice."""
    wanted = chat.tool_choice
    if chat.parallel_tool_calls is not None and (chat.parallel_tool_calls is False or not chat.tools):
        dropped.add("parallel_tool_calls")
    if isinstance(wanted, NativeChoice):
        raise Unsupported(f"Google has no tool_choice of type {wanted.type!r}.", param="tool_choice")
    if not any(isinstance(tool, FunctionTool) for tool in chat.tools):
        _check_without_functions(chat, dropped)
        return None
    match wanted:
        case None:
            return None
        case "auto":
            return {"mode": "AUTO"}
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case NamedTool(name):
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case _:  # pragma: no cover
            assert_never(wanted)


def _check_without_functions(chat: ChatRequest, dropped: Dropped) -> None:
    if chat.tool_choice not in {None, "auto", "none"}:
        raise InvalidRequest("tool_choice asks for a function, but there are none.", param="tool_choice")
    if chat.tool_choice == "none" and chat.tools:
        raise Unsupported("Google's own tools cannot be held back: leave them out.", param="tool_choice")
    if chat.tool_choice is not None:
        dropped.add("tool_choice")
