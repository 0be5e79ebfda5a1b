"""Tool calls and their results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import InvalidRequest, Unsupported
from providers.jsonwalk import Json, JsonObject, MalformedJson
from providers.members import parse_members

if TYPE_CHECKING:
    from providers.chat import ToolCall, ToolResult

# Google reads these members of a response by themselves; where a function's own result has them, it is wrapped.
_READ_BY_GOOGLE = frozenset({"output", "error"})


def call_part(call: ToolCall, path: str) -> JsonObject:
    if call.kind != "function":
        raise Unsupported("Google has no custom tools with free text as input.", param=path)
    function: JsonObject = {"id": call.id, "name": call.name, "args": _arguments(call.arguments, path)}
    return {"functionCall": function}


def result_part(result: ToolResult, name: str, text: str, media: list[JsonObject]) -> JsonObject:
    """`name`: the function's, by which Google knows the result."""
    function: JsonObject = {"id": result.call_id, "name": name, "response": _response(text, failed=result.is_error)}
    if media:
        parts: list[Json] = [*media]
        function["parts"] = parts
    return {"functionResponse": function}


def _arguments(text: str, path: str) -> JsonObject:
    if not text.strip():
        return {}
    try:
        return parse_members(text.encode())
    except (MalformedJson, UnicodeEncodeError) as fault:
        why = fault if isinstance(fault, MalformedJson) else "not valid Unicode"
        param = f"{path}.function.arguments"
        raise InvalidRequest(f"Tool call arguments must be one JSON object: {why}.", param=param) from None


def _response(text: str, *, failed: bool | None) -> JsonObject:
    """An object as it is; anything else, as text, under the member that Google names for it."""
    try:
        value: JsonObject | str = parse_members(text.encode())
    except (MalformedJson, UnicodeEncodeError):
        value = text
    if failed:
        return {"error": value}
    return value if isinstance(value, dict) and not _READ_BY_GOOGLE & value.keys() else {"output": value}
