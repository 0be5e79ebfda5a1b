"""Reasoning in OpenAI's chat dialect, which has no official place for it.

Out: `reasoning_content`, the plain text, where DeepSeek, vLLM and most hosts put it; and beside it `reasoning_details`,
in OpenRouter's form (https://openrouter.ai/docs/use-cases/reasoning-tokens), one entry for each block that carries
something opaque: a signature or encrypted data. In: the same, or LiteLLM's `thinking_blocks`. Sent back unchanged, a
signed block reaches the provider as the provider made it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.chat import Reasoning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.completion import ReasoningPart
    from providers.dialects.openai.reader import Reader
    from providers.jsonwalk import JsonObject

CLAUDE: Final = "anthropic-claude-v1"


def reasoning_detail(part: ReasoningPart, index: int) -> JsonObject | None:
    """The `reasoning_details` entry of a block; None for plain text, which `reasoning_content` holds already."""
    if not (part.signature or part.data):
        return None
    if part.data:
        detail: JsonObject = {"type": "reasoning.encrypted", "data": part.data}
    else:
        detail = {"type": "reasoning.text", "text": part.text, "signature": part.signature}
    if part.id:
        detail["id"] = part.id
    if part.format:
        detail["format"] = part.format
    return {**detail, "index": index}


def parse_reasoning(message: Reader) -> tuple[Reasoning, ...]:
    """The blocks of an earlier answer. Signed ones stand in for `reasoning_content`, which repeats their text."""
    details = [_detail(detail) for detail in message.children("reasoning_details")]
    if details:
        return _joined(details)
    blocks = [_thinking_block(block) for block in message.children("thinking_blocks")]
    if blocks:
        return tuple(blocks)
    plain = message.text("reasoning_content") or message.text("reasoning")
    return (Reasoning(plain),) if plain else ()


def _detail(detail: Reader) -> tuple[int | None, Reasoning]:
    block = Reasoning(
        text=detail.text("text") or detail.text("summary") or "",
        signature=detail.text("signature") or "",
        data=detail.text("data") or "",
        format=detail.text("format") or "",
        id=detail.text("id") or "",
    )
    return detail.integer("index"), block


def _joined(details: Iterable[tuple[int | None, Reasoning]]) -> tuple[Reasoning, ...]:
    """Blocks put together again where a client kept the pieces of a stream: pieces of one block share its index."""
    blocks: list[tuple[int | None, Reasoning]] = []
    for index, piece in details:
        last_index, last = blocks[-1] if blocks else (None, Reasoning())
        if index is not None and index == last_index and not (last.data and piece.data):
            blocks[-1] = (index, _extended(last, piece))
        else:
            blocks.append((index, piece))
    return tuple(block for _, block in blocks)


def _extended(block: Reasoning, piece: Reasoning) -> Reasoning:
    return Reasoning(
        block.text + piece.text,
        block.signature + piece.signature,
        block.data + piece.data,
        block.format or piece.format,
        block.id or piece.id,
    )


def _thinking_block(block: Reader) -> Reasoning:
    return Reasoning(
        text=block.text("thinking") or "",
        signature=block.text("signature") or "",
        data=block.text("data") or "",
        format=CLAUDE,
    )
