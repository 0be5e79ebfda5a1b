"""Thinking out of the deltas of one choice: `reasoning_content`, `reasoning` and `reasoning_details`.

The first two are plain text (DeepSeek and most; Groq, Together, vLLM's newer releases). The third is OpenRouter's list
of blocks, with signatures and encrypted data: https://openrouter.ai/docs/use-cases/reasoning-tokens. A host may send
the same text in two of them; it counts once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from providers.events import ProviderFields, ReasoningDelta
from providers.jsonwalk import children, integer, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.events import Event
    from providers.jsonwalk import JsonObject

_KINDS: Final = {"reasoning.text": "text", "reasoning.summary": "summary", "reasoning.encrypted": "data"}

# The other name, which a hit says beside `reasoning_content`.
_MEMBER: Final = "reasoning"


@dataclass(slots=True)
class _Block:
    """A block under way: `index` as the host counts (None for plain text); a signature ends it.

    `plain`: the pieces of plain text, which a host may repeat as a block once it is complete and signed.
    """

    part: int
    index: int | None
    signed: bool = False
    plain: list[str] = field(default_factory=list)


class Thoughts:
    """State of one choice. `next_part` begins a part; `last_part` tells the one begun last, of whatever kind."""

    def __init__(self, choice: int, next_part: Callable[[], int], last_part: Callable[[], int]) -> None:
        self._choice = choice
        self._next_part = next_part
        self._last_part = last_part
        self._block: _Block | None = None

    def add(self, delta: JsonObject, *, whole: bool) -> list[Event]:
        """Events of one delta, or of a whole message, whose every entry is a block of its own."""
        details = list(children(delta, "reasoning_details"))
        events: list[Event] = []
        said, other = text(delta, "reasoning_content"), text(delta, _MEMBER)
        member = _MEMBER if other and (not said or said == other) else ""
        plain = _unrepeated(said or other or "", details)
        if plain:
            block = self._open(None)
            block.plain.append(plain)
            events.append(ReasoningDelta(block.part, plain, choice=self._choice, member=member))
        for detail in details:
            if whole:
                self._block = None
            events += self._detail(detail, member)
        return events

    def add_plain(self, plain: str) -> list[Event]:
        return self.add({"reasoning_content": plain}, whole=False)

    def _detail(self, detail: JsonObject, member: str) -> list[Event]:
        kind = _KINDS.get(text(detail, "type") or "")
        if kind is None:
            return [ProviderFields({"reasoning_details": [detail]}, "message", self._choice)]
        said = text(detail, kind) or ""
        signature, data = text(detail, "signature") or "", ""
        if kind == "data":
            said, data = "", said
            self._block = None  # encrypted data comes whole: two in a row are two blocks
        if not (said or signature or data):
            return []
        block = self._block
        if block is not None and not block.signed and block.plain and "".join(block.plain) == said:
            said, block.signed = "", True
        else:
            block = self._continued(integer(detail, "index"), said, signature)
        label, block_id = text(detail, "format") or "", text(detail, "id") or ""
        if data:
            self._block = None
        return [ReasoningDelta(block.part, said, signature, data, label, block_id, self._choice, member)]

    def _continued(self, index: int | None, said: str, signature: str) -> _Block:
        """The block that a detail belongs to. A signature may come late, after the text that follows the thought."""
        block = self._block
        if signature and not said and block is not None and not block.signed:
            block.signed = True
            return block
        block = self._open(index)
        block.signed = block.signed or bool(signature)
        return block

    def _open(self, index: int | None) -> _Block:
        """The block under way if it goes on, else a new one: another number, a signature or other content ended it."""
        block = self._block
        if block is None or block.signed or block.index != index or block.part != self._last_part():
            block = self._block = _Block(self._next_part(), index)
        return block


def _unrepeated(plain: str, details: list[JsonObject]) -> str:
    """What `plain` says beyond the details' own text; nothing where it only says the same in other words."""
    for detail in details:
        said = text(detail, "text") or text(detail, "summary") or ""
        if said not in plain:
            return ""
        plain = plain.replace(said, "", 1)
    return plain
