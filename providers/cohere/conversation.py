"""Messages to `messages`, one to one and in order: Cohere knows the same four roles.

Each message is translated by itself, so that what was sent once is sent again as the same bytes when the conversation
goes on, and Cohere's prompt cache holds. The results of parallel calls are messages of their own, as in OpenAI's API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import Assistant, Message, System, ToolCall, ToolResult, User
from providers.cohere.content import content_blocks, only_text
from providers.cohere.reasoning import thinking_blocks, tool_plan
from providers.errors import InvalidRequest, Unsupported

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject


def translate(messages: tuple[Message, ...], model: str, dropped: Dropped) -> list[Json]:
    """Raises `InvalidRequest` where nothing is left that says anything."""
    turns = (_turn(message, f"messages[{number}]", model, dropped) for number, message in enumerate(messages))
    said: list[Json] = [turn for turn in turns if turn is not None]
    if not said:
        raise InvalidRequest("Cohere needs at least one message with content.", param="messages")
    return said


def _turn(message: Message, path: str, model: str, dropped: Dropped) -> JsonObject | None:
    """None for a message that says nothing: Cohere refuses it."""
    if not isinstance(message, ToolResult) and message.name is not None:
        dropped.add("messages[].name")
    match message:
        case System(content):
            return _said("system", only_text(content, path, dropped))
        case User(content):
            return _said("user", content_blocks(content, path, dropped))
        case Assistant():
            return _assistant(message, path, model, dropped)
        case ToolResult():
            return _tool_result(message, path, dropped)
        case _:  # pragma: no cover
            assert_never(message)


def _said(role: str, content: list[Json]) -> JsonObject | None:
    return {"role": role, "content": content} if content else None


def _assistant(message: Assistant, path: str, model: str, dropped: Dropped) -> JsonObject | None:
    """Thinking first, as Cohere itself gives it."""
    calls: list[Json] = [
        _call(call, f"{path}.tool_calls[{number}]", dropped) for number, call in enumerate(message.tool_calls)
    ]
    members: JsonObject = {
        "tool_plan": tool_plan(message.reasoning, model, calls=bool(calls), dropped=dropped),
        "content": [*thinking_blocks(message.reasoning, model), *only_text(message.content, path, dropped)],
        "tool_calls": calls,
    }
    members = {name: value for name, value in members.items() if value}
    return {"role": "assistant", **members} if members else None


def _call(call: ToolCall, path: str, dropped: Dropped) -> JsonObject:
    if call.kind != "function":
        raise Unsupported("Cohere has no custom tools with free text as input.", param=path)
    if call.cache is not None:
        dropped.add("messages[].tool_calls[].cache_control")
    # No arguments are an empty object; any other text goes as it came.
    function: JsonObject = {"name": call.name, "arguments": call.arguments if call.arguments.strip() else "{}"}
    return {"id": call.id, "type": "function", "function": function}


def _tool_result(result: ToolResult, path: str, dropped: Dropped) -> JsonObject:
    """A result without content is one, too: the call must not stay without an answer."""
    if result.is_error:
        dropped.add("messages[].is_error")
    if result.cache is not None:
        dropped.add("messages[].cache_control")
    content = only_text(result.content, path, dropped) or [{"type": "text", "text": ""}]
    return {"role": "tool", "tool_call_id": result.call_id, "content": content}
