"""`messages`: every role and content form of the chat completions API, and the ones its users have come to rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.chat import (
    Assistant,
    Content,
    Message,
    Reasoning,
    Refusal,
    System,
    ToolCall,
    ToolResult,
    UnknownPart,
    User,
)
from providers.dialects.openai.content import parse_content
from providers.dialects.openai.reasoning import parse_reasoning

if TYPE_CHECKING:
    from providers.dialects.openai.reader import Reader


_READ: Final = frozenset({
    "role", "content", "name", "refusal", "tool_calls", "function_call", "tool_call_id", "is_error", "cache_control",
    "reasoning_content", "reasoning", "reasoning_details", "thinking_blocks", "audio", "phase",
})  # fmt: skip


def unread_members(request: Reader) -> tuple[str, ...]:
    """Members of messages that say something and are not read here, each name once."""
    messages = [message.value for message in request.children("messages")]
    names = (name for message in messages for name, value in message.items() if value not in (None, "", [], {}))
    return tuple(f"messages[].{name}" for name in dict.fromkeys(names) if name not in _READ)


def parse_messages(request: Reader) -> tuple[Message, ...]:
    if not request.has("messages"):
        request.missing("messages")
    state = _Legacy()
    messages = tuple(_message(message, number, state) for number, message in enumerate(request.children("messages")))
    if not messages:
        request.invalid("messages", "at least one message is needed")
    return messages


class _Legacy:
    """The `function_call` of 2023 has no id; the answer to it (`role: function`) follows it. Give both the same one."""

    __slots__ = ("call_id",)

    def __init__(self) -> None:
        self.call_id = "function_call"


def _message(message: Reader, number: int, legacy: _Legacy) -> Message:
    match message.need_text("role"):
        case "system" | "developer":
            return System(_needed(message), message.text("name"))
        case "user":
            return User(_needed(message), message.text("name"))
        case "assistant":
            return _assistant(message, number, legacy)
        case "tool":
            call_id = message.need_text("tool_call_id")
            cache = message.object("cache_control")
            return ToolResult(call_id, _needed(message, cached=False), message.flag("is_error"), cache)
        case "function":
            return ToolResult(legacy.call_id, _needed(message))
        case _:
            return message.invalid(
                "role", "supported values are 'system', 'developer', 'user', 'assistant', 'tool' and 'function'"
            )


def _needed(message: Reader, *, cached: bool = True) -> tuple[Content, ...]:
    """`cached`: a `cache_control` beside a content string belongs to that text, and not to the message as a whole."""
    if not message.has("content"):
        message.missing("content")
    return parse_content(message, cached=cached)


def _assistant(message: Reader, number: int, legacy: _Legacy) -> Assistant:
    content = parse_content(message)
    refusal = message.text("refusal")
    if refusal:
        content = (*content, Refusal(refusal))
    if message.object("audio"):  # only OpenAI knows what it once said under that id
        content = (*content, UnknownPart("audio", message.at("audio")))
    calls = [_call(call) for call in message.children("tool_calls")]
    old = message.child("function_call")
    if old is not None:
        legacy.call_id = f"function_call_{number}"
        calls.append(ToolCall(legacy.call_id, old.need_text("name"), old.text("arguments") or ""))
    reasoning: tuple[Reasoning, ...] = parse_reasoning(message)
    return Assistant(content, reasoning, tuple(calls), message.text("name"), message.text("phase"))


def _call(call: Reader) -> ToolCall:
    call_id = call.need_text("id")
    cache = call.object("cache_control")
    match call.text("type"):
        case "custom":
            custom = call.need_child("custom")
            return ToolCall(call_id, custom.need_text("name"), custom.text("input") or "", "custom", cache)
        case "function" | None:  # several hosts and their clients leave the type out
            function = call.need_child("function")
            return ToolCall(call_id, function.need_text("name"), _arguments(function), "function", cache)
        case _:
            return call.invalid("type", "supported values are 'function' and 'custom'")


def _arguments(function: Reader) -> str:
    return function.text("arguments") or ""
