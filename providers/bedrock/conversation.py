"""Messages to `system` and `messages`.

System and developer messages before all others become the top-level `system`, one block a part. Later ones keep their
place, as text of the user's that is marked as the system's. What was sent once is sent again as the same bytes when
the conversation goes on, so that the prompt cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Literal, assert_never

from providers.bedrock.content import (
    content_blocks,
    only_text,
    reasoning_blocks,
    tool_result_blocks,
    tool_use_blocks,
)
from providers.chat import Assistant, Message, System, ToolResult, User
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.bedrock.draft import Draft
    from providers.jsonwalk import Json, JsonObject


@dataclass(frozen=True, slots=True)
class _Turn:
    role: Literal["user", "assistant"]
    blocks: tuple[JsonObject, ...]

    def to_json(self) -> JsonObject:
        content: list[Json] = [*self.blocks]
        return {"role": self.role, "content": content}


@dataclass(frozen=True, slots=True)
class Conversation:
    """`has_tools`: whether a call or a result is in it."""

    system: list[Json]
    messages: list[Json]
    has_tools: bool


def translate(messages: tuple[Message, ...], draft: Draft) -> Conversation:
    """Raises `InvalidRequest` where nothing is left for the model to answer."""
    leading = len(list(takewhile(lambda message: isinstance(message, System), messages)))
    system: list[Json] = [
        block
        for number, message in enumerate(messages[:leading])
        for block in _system_blocks(message, f"messages[{number}]", draft)
    ]
    turns = [_turn(message, f"messages[{number}]", draft) for number, message in enumerate(messages[leading:], leading)]
    joined = _joined([turn for turn in turns if turn.blocks])
    if not joined:
        raise InvalidRequest("Bedrock needs at least one user message with content.", param="messages")
    return Conversation(
        system=system,
        messages=[turn.to_json() for turn in joined],
        has_tools=any("toolUse" in block or "toolResult" in block for turn in joined for block in turn.blocks),
    )


def _system_blocks(message: Message, path: str, draft: Draft) -> list[JsonObject]:
    _drop_name(message, draft)
    return only_text(message.content, path, draft)


def _turn(message: Message, path: str, draft: Draft) -> _Turn:
    match message:
        case System():
            return _Turn("user", tuple(_marked(block) for block in _system_blocks(message, path, draft)))
        case User(content):
            _drop_name(message, draft)
            return _Turn("user", tuple(content_blocks(content, path, draft)))
        case ToolResult():
            return _Turn("user", tuple(tool_result_blocks(message, path, draft)))
        case Assistant():
            _drop_name(message, draft)
            return _Turn("assistant", tuple(_assistant_blocks(message, path, draft)))
        case _:  # pragma: no cover
            assert_never(message)


def _drop_name(message: Message, draft: Draft) -> None:
    if not isinstance(message, ToolResult) and message.name is not None:
        draft.drop("messages[].name")


def _assistant_blocks(message: Assistant, path: str, draft: Draft) -> list[JsonObject]:
    """Thinking first: Claude demands it before the text and the calls that came of it."""
    thinking = [block for reasoning in message.reasoning for block in reasoning_blocks(reasoning, draft)]
    calls = [
        block
        for number, call in enumerate(message.tool_calls)
        for block in tool_use_blocks(call, f"{path}.tool_calls[{number}]", draft)
    ]
    return [*thinking, *only_text(message.content, path, draft), *calls]


def _marked(block: JsonObject) -> JsonObject:
    return {"text": f"<system>\n{block['text']}\n</system>"} if "text" in block else block


def _joined(turns: list[_Turn]) -> list[_Turn]:
    """Neighbours of one role are one turn: the results of parallel calls must come in one, in order."""
    return [
        _Turn(role, tuple(block for turn in group for block in turn.blocks))
        for role, group in groupby(turns, key=lambda turn: turn.role)
    ]
