"""`system` and `messages`.

A turn of the user's becomes its tool results and what stands between them, in order. An answer becomes one message; it
becomes several where Claude thought again after it had written, so that its thinking keeps its place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.chat import Assistant, Content, Message, Reasoning, System, Text, ToolCall, ToolResult, User
from providers.dialects.anthropic.content import blocks_of, note_unread, parse_block
from providers.dialects.anthropic.thought import CLAUDE, parse_thought
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.dialects.reader import Reader
    from providers.dropped import Dropped


def parse_messages(request: Reader, unread: Dropped) -> tuple[Message, ...]:
    if not request.has("messages"):
        request.missing("messages")
    turns = list(request.children("messages"))
    if not turns:
        request.invalid("messages", "at least one message is needed")
    said = [message for turn in turns for message in _messages(turn, unread)]
    return (*_system(request, unread), *said)


def _system(request: Reader, unread: Dropped) -> Iterator[System]:
    value = request.value.get("system")
    if value is None or isinstance(value, str):
        if value:
            yield System((Text(value),))
        return
    if not isinstance(value, list):
        request.mistyped("system", "a string or an array of objects")
    blocks = list(request.children("system"))
    for block in blocks:
        note_unread(block, unread)
    if blocks:
        yield System(tuple(map(parse_block, blocks)))


def _messages(turn: Reader, unread: Dropped) -> Iterator[Message]:
    for name, value in turn.value.items():
        if name not in {"role", "content"} and value is not None:
            unread.add(f"messages[].{name}")
    match turn.need_text("role"):
        case "user":
            yield from _user(turn, unread)
        case "assistant":
            yield from _assistant(turn, unread)
        case "system":
            yield System(tuple(map(parse_block, _blocks(turn, unread))))
        case _:
            turn.invalid("role", "supported values are 'user', 'assistant' and 'system'")


def _blocks(turn: Reader, unread: Dropped) -> list[Reader]:
    if not turn.has("content"):
        turn.missing("content")
    return blocks_of(turn, unread)


def _user(turn: Reader, unread: Dropped) -> Iterator[Message]:
    said: list[Content] = []
    for block in _blocks(turn, unread):
        if block.value.get("type") != "tool_result":
            said.append(parse_block(block))
            continue
        if said:
            yield User(tuple(said))
            said = []
        yield _tool_result(block, unread)
    if said:
        yield User(tuple(said))


def _tool_result(block: Reader, unread: Dropped) -> ToolResult:
    content = tuple(map(parse_block, blocks_of(block, unread))) if block.has("content") else ()
    return ToolResult(block.need_text("tool_use_id"), content, block.flag("is_error"), block.object("cache_control"))


def _assistant(turn: Reader, unread: Dropped) -> Iterator[Assistant]:
    content: list[Content] = []
    thoughts: list[Reasoning] = []
    calls: list[ToolCall] = []
    for block in _blocks(turn, unread):
        match block.value.get("type"):
            case "thinking" | "redacted_thinking":
                thought = parse_thought(block)
                if thought.format == CLAUDE and content and not calls:  # a message may not follow calls
                    yield Assistant(tuple(content), tuple(thoughts))
                    content, thoughts = [], []
                thoughts.append(thought)
            case "tool_use":
                calls.append(_tool_call(block))
            case _:
                content.append(parse_block(block))
    yield Assistant(tuple(content), tuple(thoughts), tuple(calls))


def _tool_call(block: Reader) -> ToolCall:
    given = block.object("input")
    return ToolCall(
        block.need_text("id"),
        block.need_text("name"),
        dump({} if given is None else given).decode(),
        cache=block.object("cache_control"),
    )
