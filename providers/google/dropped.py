"""What a request loses on its way, by name."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Dropped:
    """Names of what is left out, each once, in the order in which it was met."""

    _names: dict[str, None] = field(default_factory=dict)

    def add(self, name: str) -> None:
        self._names[name] = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names)
