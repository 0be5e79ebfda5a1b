"""Every wire of every provider, by one name: `openai`, and `openai/responses` for a further one of its wires."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from providers import registry

if TYPE_CHECKING:
    from providers.base import Provider

_CATALOGUE = json.loads(Path(str(registry.__file__)).with_name("models.json").read_bytes())


def wires() -> tuple[str, ...]:
    further = [f"{row['id']}/{wire}" for row in _CATALOGUE["providers"] for wire in row["wires"]]
    return (*registry.names(), *further)


def speaker(name: str) -> Provider:
    """The provider on that wire."""
    provider, _, wire = name.partition("/")
    return registry.speaking(provider, wire or None)


def bearer(name: str) -> str:
    """Whose wire it is."""
    return name.partition("/")[0]
