"""Names by pattern: which models an endpoint serves, and what a key may use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class MayUse:
    """What a key may use, as patterns; empty is all.

    `models` are told of the caller's name, so that one who may use a virtual model may use its candidates. `providers`
    hold for every way to an answer, those of a virtual model too: they say where a prompt may go at all.
    """

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()

    def model(self, *names: str) -> bool:
        """Whether it may use the model that has all these names."""
        return not self.models or any(matches(name, self.models) for name in names)

    def provider(self, name: str) -> bool:
        return not self.providers or matches(name, self.providers)


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns covers the whole name: `*` and `?`, without regard to case, as in the catalogue."""
    return any(_compiled(pattern).fullmatch(name) for pattern in patterns)


def is_literal(pattern: str) -> bool:
    return "*" not in pattern and "?" not in pattern


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Not `fnmatch`, to which brackets mean something too."""
    parts = (re.escape(part).replace(r"\?", ".") for part in re.split(r"\*+", pattern))
    return re.compile(".*".join(parts), re.IGNORECASE | re.DOTALL)
