"""What is left out of a request, by name."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Dropped:
    """Wire names, each once, in the order in which they were met."""

    _names: dict[str, None] = field(default_factory=dict)

    def add(self, name: str) -> None:
        self._names[name] = None

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._names)
