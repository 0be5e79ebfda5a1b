"""How far an answer has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from providers.openai.responses.failure import protocol_error

# Parts of one answer. Each leaves a few bytes in memory for as long as the answer lasts; an honest one has a handful.
MAX_PARTS: Final = 100_000


@dataclass(slots=True)
class Position:
    """`parts` and `calls` begun, and characters of text. `provider`: whose answer it is; `format`: whose thinking, and
    whether any of it came `sealed`."""

    provider: str
    format: str
    parts: int = 0
    calls: int = 0
    text: int = 0
    sealed: bool = False

    def next_part(self) -> int:
        if self.parts >= MAX_PARTS:
            raise protocol_error("an answer of too many parts", self.provider)
        self.parts += 1
        return self.parts - 1

    def next_call(self) -> int:
        self.calls += 1
        return self.calls - 1
