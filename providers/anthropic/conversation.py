"""Messages to `system` and `messages`.

System and developer messages before all others become the top-level `system`, one block a part. Later ones keep their
place: as a message of role `system` where the model and the place allow it, otherwise as text of the user's, marked as
the system's. Anthropic allows the role only right behind a user turn and right before an assistant turn or the end.

What was sent once is sent again as the same bytes when the conversation goes on with an answer and a question, so that
Anthropic's prompt cache holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, Literal, assert_never

from providers.anthropic.content import (
    content_blocks,
    only_text,
    thinking_block,
    tool_result_block,
    tool_use_block,
)
from providers.chat import Assistant, Message, System, ToolResult, User
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject


@dataclass(frozen=True, slots=True)
class _Turn:
    role: Literal["system", "user", "assistant"]
    blocks: tuple[JsonObject, ...]

    def to_json(self) -> JsonObject:
        content: list[Json] = [*self.blocks]
        return {"role": self.role, "content": content}


@dataclass(frozen=True, slots=True)
class Conversation:
    system: list[Json]
    messages: list[Json]


def translate(messages: tuple[Message, ...], *, system_turns: bool, dropped: Dropped) -> Conversation:
    """Raises `InvalidRequest` where nothing is left for the model to answer."""
    leading = len(list(takewhile(lambda message: isinstance(message, System), messages)))
    turns = [_turn(message, f"messages[{number}]", dropped) for number, message in enumerate(messages)]
    said = [turn for turn in turns[leading:] if turn.blocks]
    placed = _joined(_placed(said, system_turns=system_turns))
    if not placed:
        raise InvalidRequest("Anthropic needs at least one user message with content.", param="messages")
    return Conversation(
        system=[block for turn in turns[:leading] for block in turn.blocks],
        messages=[turn.to_json() for turn in placed],
    )


def _turn(message: Message, path: str, dropped: Dropped) -> _Turn:
    if not isinstance(message, ToolResult) and message.name is not None:
        dropped.add("messages[].name")
    match message:
        case System(content):
            return _Turn("system", tuple(only_text(content, path, dropped)))
        case User(content):
            return _Turn("user", tuple(content_blocks(content, path, dropped)))
        case ToolResult():
            return _Turn("user", (tool_result_block(message, path, dropped),))
        case Assistant():
            return _Turn("assistant", tuple(_assistant_blocks(message, path, dropped)))
        case _:  # pragma: no cover
            assert_never(message)


def _assistant_blocks(message: Assistant, path: str, dropped: Dropped) -> list[JsonObject]:
    """Thinking first: Anthropic demands it before the text and the calls that came of it."""
    thinking = [block for reasoning in message.reasoning for block in thinking_block(reasoning, dropped)]
    calls = [tool_use_block(call, f"{path}.tool_calls[{number}]") for number, call in enumerate(message.tool_calls)]
    return [*thinking, *only_text(message.content, path, dropped), *calls]


def _placed(turns: list[_Turn], *, system_turns: bool) -> list[_Turn]:
    placed: list[_Turn] = []
    for turn, following in zip(turns, _following(turns), strict=True):
        may_stand = system_turns and placed and placed[-1].role != "assistant" and following == "assistant"
        if turn.role == "system" and not may_stand:
            placed.append(_Turn("user", tuple(_marked(block) for block in turn.blocks)))
        else:
            placed.append(turn)
    return placed


def _following(turns: list[_Turn]) -> list[str]:
    """For each turn, the role of the next that is not the system's. At the end, that is the answer to come."""
    roles: list[str] = []
    role = "assistant"
    for turn in reversed(turns):
        roles.append(role)
        role = role if turn.role == "system" else turn.role
    return roles[::-1]


def _marked(block: JsonObject) -> JsonObject:
    return {**block, "text": f"<system>\n{block['text']}\n</system>"}


def _joined(turns: list[_Turn]) -> list[_Turn]:
    """Neighbours of one role are one turn: the results of parallel calls must come in one, in order."""
    return [
        _Turn(role, tuple(block for turn in group for block in turn.blocks))
        for role, group in groupby(turns, key=lambda turn: turn.role)
    ]
