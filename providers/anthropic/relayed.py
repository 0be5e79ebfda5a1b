"""The request of a client that speaks this wire, patched in its bytes.

It goes as it is written, but for the model's name, and for what Anthropic could only refuse: thinking that another
maker's model left in the conversation, and ids of that model's tool calls. What a client dropped of Claude's own
signed thinking (`providers.signatures`) is put back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.content import TOOL_ID, is_claudes, thinking_block, tool_id
from providers.chat import Assistant
from providers.dropped import Dropped
from providers.errors import InvalidRequest
from providers.foreign_thought import is_marked
from providers.jsonwalk import MalformedJson, children, text
from providers.members import REMOVED, Within, patch_members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.chat import ChatRequest, Reasoning
    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change

_THOUGHTS = frozenset({"thinking", "redacted_thinking"})


def relayed_body(chat: ChatRequest, model: str, dropped: Dropped) -> bytes:
    changes: dict[str, Change] = {} if chat.source.value.get("model") == model else {"model": model}
    if "betas" in chat.source.value:  # they travel in a header
        changes["betas"] = REMOVED
    if messages := dict(_message_changes(chat, dropped)):
        changes["messages"] = Within(messages)
    try:
        return patch_members(chat.source.body, changes) if changes else chat.source.body
    except MalformedJson as fault:
        raise InvalidRequest(f"We could not parse the JSON body of your request: {fault}.") from None


def _message_changes(chat: ChatRequest, dropped: Dropped) -> Iterator[tuple[str | int, Change]]:
    calling = (message.reasoning for message in chat.messages if isinstance(message, Assistant) and message.tool_calls)
    for number, turn in enumerate(children(chat.source.value, "messages")):
        blocks = list(children(turn, "content"))
        calls = turn.get("role") == "assistant" and any(text(block, "type") == "tool_use" for block in blocks)
        back = _put_back(blocks, next(calling, ())) if calls else []
        changes = dict(_block_changes(blocks, dropped))
        if blocks and all(changes.get(index) is REMOVED for index in range(len(blocks))):
            yield number, REMOVED
        elif back:
            yield number, Within({"content": [*back, *_changed(blocks, changes)]})
        elif changes:
            yield number, Within({"content": Within(changes)})


def _put_back(blocks: list[JsonObject], thoughts: tuple[Reasoning, ...]) -> list[Json]:
    """Claude's thinking before a turn that has none any more."""
    if any(text(block, "type") in _THOUGHTS and not _is_foreign(block) for block in blocks):
        return []
    return [block for thought in filter(is_claudes, thoughts) for block in thinking_block(thought, Dropped())]


def _block_changes(blocks: list[JsonObject], dropped: Dropped) -> Iterator[tuple[str | int, Change]]:
    for number, block in enumerate(blocks):
        if _is_foreign(block):
            dropped.add("messages[].content[].thinking")
            yield number, REMOVED
        for name in ("id", "tool_use_id"):
            given = text(block, name)
            if given and text(block, "type") in {"tool_use", "tool_result"} and not TOOL_ID.fullmatch(given):
                yield number, Within({name: tool_id(given)})


def _is_foreign(block: JsonObject) -> bool:
    return text(block, "type") in _THOUGHTS and (is_marked(block.get("signature")) or is_marked(block.get("data")))


def _changed(blocks: list[JsonObject], changes: dict[str | int, Change]) -> Iterator[JsonObject]:
    for number, block in enumerate(blocks):
        change = changes.get(number)
        if change is None:
            yield block
        elif isinstance(change, Within):
            yield {**block, **{str(name): value for name, value in change.changes.items() if isinstance(value, str)}}
