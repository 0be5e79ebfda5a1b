"""Where a page begins and ends, as whole numbers: an id is one of 128 bits, and a greater one is of a later request."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from typing import TYPE_CHECKING, Final

from infra.requests.kept import wanted_terms

if TYPE_CHECKING:
    from infra.requests.store import Wanted

_FORM: Final = re.compile(r"[A-Za-z0-9_-]{32}", re.ASCII)
_ID_BYTES: Final = 16
_SEAL_BYTES: Final = 8
_TIME_BITS: Final = 48
_BITS_BELOW: Final = 80


def span(wanted: Wanted, limit: int, after: str | None) -> range:
    """The ids that the page may have. Raises ValueError for a limit or an `after` that nobody should have sent."""
    if limit < 1:
        raise ValueError("a page holds at least one record")
    end = _first(wanted.until)
    return range(_first(wanted.since), end if after is None else min(end, _position(wanted, after)))


def cursor(wanted: Wanted, position: int) -> str:
    """The `after` of a page that goes on below `position`.

    It is bound to what was searched for, and not to its times: who asks for the last hour asks with other ones at each
    page, and what lies below a position is the same.
    """
    return base64.urlsafe_b64encode(position.to_bytes(_ID_BYTES) + _seal(wanted)).decode()


def _position(wanted: Wanted, after: str) -> int:
    plain = base64.urlsafe_b64decode(after) if _FORM.fullmatch(after) else b""
    if plain[_ID_BYTES:] != _seal(wanted):
        raise ValueError("the cursor is not one of this search")
    return int.from_bytes(plain[:_ID_BYTES])


def _seal(wanted: Wanted) -> bytes:
    search = json.dumps([wanted.org, *wanted_terms(wanted)])
    return hashlib.sha256(search.encode()).digest()[:_SEAL_BYTES]


def _first(seconds: float) -> int:
    """The least id of a request that began then or later. An id's time is in whole milliseconds.

    Rounded to microseconds first: as a float, a whole number of milliseconds is now and then a hair more than itself.
    """
    milliseconds = min(max(0.0, seconds * 1000), float(1 << _TIME_BITS))
    return math.ceil(round(milliseconds, 3)) << _BITS_BELOW
