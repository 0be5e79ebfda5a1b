"""Ids of requests: they sort by time, and tell when the request began, so that a record is found by its id alone."""

from __future__ import annotations

import re
from typing import Final

_FORM: Final = re.compile(r"[0-9a-f]{32}")
_VERSION: Final = 0x7 << 76
_VARIANT: Final = 0b10 << 62
_RANDOM_BITS: Final = ~(0xF << 76 | 0b11 << 62)


def new_request_id(now: float, random: bytes) -> str:
    """A UUID of version 7 (RFC 9562 §5.7) as 32 hexadecimal digits. `now`: epoch seconds; `random`: ten bytes."""
    milliseconds = int(now * 1000) << 80
    return f"{milliseconds | (int.from_bytes(random) & _RANDOM_BITS) | _VERSION | _VARIANT:032x}"


def began_at(request_id: str) -> float | None:
    """Epoch seconds; None for what is no such id."""
    return int(request_id[:12], 16) / 1000 if _FORM.fullmatch(request_id) else None
