"""Messages to `input` items, in order.

Each message is translated by what it says and what was said before it, so that what was sent once is sent again as the
same bytes when the conversation goes on, and the provider's prompt cache holds. System messages stay in their places as
items: `instructions` would move them all to the beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from providers.chat import Assistant, Message, System, ToolCall, ToolResult, User
from providers.openai.responses.content import answer_content, input_content
from providers.openai.responses.reasoning import reasoning_items

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject
    from providers.openai.host import ResponsesHost


class Conversation:
    """State of one translation: which calls were of custom tools, whose results are items of another type."""

    def __init__(self, host: ResponsesHost, dropped: Dropped) -> None:
        self._host = host
        self._dropped = dropped
        self._custom: set[str] = set()

    def items(self, messages: tuple[Message, ...]) -> list[Json]:
        return [item for number, message in enumerate(messages) for item in self._items(message, f"messages[{number}]")]

    def _items(self, message: Message, path: str) -> list[JsonObject]:
        if not isinstance(message, ToolResult) and message.name is not None:
            self._dropped.add("messages[].name")
        match message:
            case System(content):
                return [{"role": "system", "content": input_content(content, path, self._dropped)}]
            case User(content):
                return [{"role": "user", "content": input_content(content, path, self._dropped)}]
            case Assistant():
                return self._assistant(message, path)
            case ToolResult():
                return [self._tool_result(message, path)]
            case _:  # pragma: no cover
                assert_never(message)

    def _assistant(self, message: Assistant, path: str) -> list[JsonObject]:
        """Thinking before what it led to, as it came: a reasoning item that nothing follows is refused (400)."""
        content = answer_content(message.content, path, self._dropped)
        said: list[JsonObject] = []
        if content or not message.tool_calls:
            phase: JsonObject = {} if message.phase is None else {"phase": message.phase}
            said.append({"role": "assistant", "content": content or "", **phase})
        elif message.phase is not None:
            self._dropped.add("messages[].phase")
        calls = [self._call(call) for call in message.tool_calls]
        return [*reasoning_items(message.reasoning, self._host, self._dropped), *said, *calls]

    def _call(self, call: ToolCall) -> JsonObject:
        if call.cache is not None:
            self._dropped.add("messages[].tool_calls[].cache_control")
        if call.kind == "custom":
            self._custom.add(call.id)
            return {"type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.arguments}
        # No arguments are an empty object; any other text goes as it came.
        arguments = call.arguments if call.arguments.strip() else "{}"
        return {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}

    def _tool_result(self, result: ToolResult, path: str) -> JsonObject:
        if result.is_error:
            self._dropped.add("messages[].is_error")
        if result.cache is not None:
            self._dropped.add("messages[].cache_control")
        kind = "custom_tool_call_output" if result.call_id in self._custom else "function_call_output"
        output = input_content(result.content, path, self._dropped)
        return {"type": kind, "call_id": result.call_id, "output": output}
