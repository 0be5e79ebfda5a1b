"""`tools`, `tool_choice`, and answers held to a JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.chat import FunctionTool, JsonSchema, NamedTool, NativeChoice, NativeFormat, NativeTool

if TYPE_CHECKING:
    from providers.chat import ResponseFormat, Tool, ToolChoice
    from providers.dialects.reader import Reader
    from providers.dropped import Dropped

_READ: Final = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})


def parse_tools(request: Reader, unread: Dropped) -> tuple[Tool, ...]:
    return tuple(_tool(tool, unread) for tool in request.children("tools"))


def _tool(tool: Reader, unread: Dropped) -> Tool:
    kind = tool.text("type")
    if kind not in (None, "custom"):
        return NativeTool(kind, tool.value)
    for name, value in tool.value.items():
        if name not in _READ and value not in (None, [], False):
            unread.add(f"tools[].{name}")
    name = tool.need_text("name")
    if not tool.has("input_schema"):
        tool.missing("input_schema")
    return FunctionTool(
        name,
        tool.text("description"),
        tool.object("input_schema"),
        tool.flag("strict"),
        tool.object("cache_control"),
    )


def parse_tool_choice(request: Reader) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether several calls may come at once."""
    choice = request.child("tool_choice")
    if choice is None:
        return None, None
    one = choice.flag("disable_parallel_tool_use")
    parallel = None if one is None else not one
    match choice.need_text("type"):
        case "auto" | "none" as mode:
            return mode, parallel
        case "any":
            return "required", parallel
        case "tool":
            return NamedTool(choice.need_text("name")), parallel
        case other:
            return NativeChoice(other), parallel


def parse_format(request: Reader) -> ResponseFormat | None:
    """`output_config.format`, or the `output_format` of the beta before it.

    Strict, for there is no other kind here: https://platform.claude.com/docs/en/build-with-claude/structured-outputs.
    """
    config = request.child("output_config")
    form = (config and config.child("format")) or request.child("output_format")
    if form is None:
        return None
    kind = form.need_text("type")
    if kind != "json_schema":
        return NativeFormat(kind)
    schema = form.object("schema")
    return JsonSchema("response", form.missing("schema") if schema is None else schema, strict=True)
