"""Tools, the choice among them, and answers held to JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from providers.chat import ChatRequest, FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool
from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Tooling:
    """Members of the request; None is not sent."""

    tools: list[Json] | None = None
    choice: str | None = None
    strict: bool | None = None


def tooling(chat: ChatRequest, dropped: Dropped) -> Tooling:
    """A choice that names one function is REQUIRED with that function alone: Cohere cannot name it, and what can be
    called is the same. Raises `Unsupported` for tools that are no functions."""
    tools = [_function(tool, number) for number, tool in enumerate(chat.tools)]
    if not tools:
        _check_without_tools(chat, dropped)
        return Tooling()
    if chat.parallel_tool_calls is False:
        raise Unsupported("Cohere may always call several tools at once.", param="parallel_tool_calls")
    wanted = chat.tool_choice
    match wanted:
        case None | "auto":
            choice = None
        case "none":
            choice = "NONE"
        case "required":
            choice = "REQUIRED"
        case NamedTool(name):
            tools, choice = _named(tools, name), "REQUIRED"
        case NativeChoice(kind):
            raise Unsupported(f"Cohere has no tool_choice of type {kind!r}.", param="tool_choice")
        case _:  # pragma: no cover
            assert_never(wanted)
    return Tooling([_tool(tool, dropped) for tool in tools], choice, _strict(tools))


def _function(tool: FunctionTool | NativeTool, number: int) -> FunctionTool:
    if isinstance(tool, NativeTool):
        raise Unsupported(f"Cohere has no tool of type {tool.type!r}.", param=f"tools[{number}].type")
    return tool


def _check_without_tools(chat: ChatRequest, dropped: Dropped) -> None:
    if chat.tool_choice not in {None, "auto", "none"}:
        raise InvalidRequest("tool_choice asks for a tool, but there are no tools.", param="tool_choice")
    if chat.tool_choice is not None:
        dropped.add("tool_choice")
    if chat.parallel_tool_calls is not None:
        dropped.add("parallel_tool_calls")


def _named(tools: list[FunctionTool], name: str) -> list[FunctionTool]:
    found = [tool for tool in tools if tool.name == name]
    if not found:
        raise InvalidRequest("tool_choice names a tool that is not among the tools.", param="tool_choice")
    return found


def _strict(tools: list[FunctionTool]) -> bool | None:
    """Cohere holds all tools to their schemas or none. A call that keeps to a schema unasked is still a good one."""
    wishes = [tool.strict for tool in tools if tool.strict is not None]
    return any(wishes) if wishes else None


def _tool(tool: FunctionTool, dropped: Dropped) -> JsonObject:
    if tool.cache is not None:
        dropped.add("tools[].cache_control")
    function: JsonObject = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    # Cohere demands the member; this is how a function without parameters is written.
    function["parameters"] = {"type": "object", "properties": {}} if tool.parameters is None else tool.parameters
    return {"type": "function", "function": function}


def response_format(chat: ChatRequest, dropped: Dropped) -> JsonObject | None:
    """Cohere documents that it holds no answer to JSON beside tools or documents: there it is refused."""
    wanted = chat.response_format
    if wanted is None or wanted == "text":
        return None
    if isinstance(wanted, NativeFormat):
        raise Unsupported(f"Cohere has no response_format of type {wanted.type!r}.", param="response_format")
    if chat.tools or chat.extra.get("documents"):
        raise Unsupported("Cohere holds no answer to JSON beside tools or documents.", param="response_format")
    if isinstance(wanted, JsonSchema):
        if wanted.description is not None:
            dropped.add("response_format.json_schema.description")
        return {"type": "json_object", "json_schema": wanted.schema}
    return {"type": wanted}
