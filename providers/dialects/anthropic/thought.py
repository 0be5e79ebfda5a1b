"""Thinking blocks of earlier answers, and how those of any maker are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.chat import Reasoning
from providers.foreign_thought import marked, read_mark

if TYPE_CHECKING:
    from providers.completion import ReasoningPart
    from providers.dialects.reader import Reader

CLAUDE: Final = "anthropic-claude-v1"


def parse_thought(block: Reader) -> Reasoning:
    """A `thinking` or `redacted_thinking` block. One without a signature is nobody's, and its text all there is."""
    said = block.text("thinking") or ""
    signature, data = block.text("signature") or "", block.text("data") or ""
    foreign = read_mark(signature or data, said)
    if foreign is not None:
        return foreign
    return Reasoning(said, signature, data, CLAUDE if signature or data else "")


def signature_of(part: ReasoningPart) -> str:
    """Of a block with a text, or with a signature and no data. Claude's own goes as it is."""
    if part.format == CLAUDE:
        return part.signature
    return marked(part.signature, part.data, part.format, part.id)


def data_of(part: ReasoningPart) -> str:
    """Of a block that is encrypted."""
    return part.data if part.format == CLAUDE else marked(part.signature, part.data, part.format, part.id)
