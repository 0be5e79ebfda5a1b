"""One request on its way through: what the front waits for and the back fills."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infra.gateway.answer import Part

# Pieces between back and front. The front always takes them, even for a client that has gone, so this bound makes a
# slow client slow the function down, and nothing stop it.
MAX_PIECES = 64


@dataclass(slots=True)
class Ticket:
    """``parts`` ends with `Ended` or `Broken`; ``deadline`` is epoch seconds, set when a sandbox takes the event."""

    request_id: str
    event: bytes
    invocation_id: str
    trace_id: str
    deadline: float = 0.0
    parts: asyncio.Queue[Part] = field(default_factory=lambda: asyncio.Queue(MAX_PIECES))
