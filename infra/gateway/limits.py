"""The limits that AWS documents for this way of serving, as settings."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes in bytes, times in seconds; the defaults are AWS's for a REGIONAL REST API that streams.

    ``request``: what API Gateway takes from a client. ``event``: what Lambda takes from API Gateway, as JSON, where
    Base64 has already cost a third. ``whole_answer``: what a buffered answer may hold. ``idle``: how long a stream
    may pause. ``integration``: how long an answer may take in all. ``function``: the function's own timeout.
    """

    request: int = 10 * MIB
    event: int = 6 * MIB
    whole_answer: int = 6 * MIB
    idle: float = 300.0
    integration: float = 900.0
    function: float = 900.0
