"""What every authored answer says, in whatever wire, so that one reading does for all of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

THOUGHT: Final = "Two cities, so two calls."
TEXT: Final = "Let me look."
CALLS: Final = (("call_1", "Rome"), ("call_2", "Oslo"))
# In base64, as a provider that demands it would give it.
SIGNATURE: Final = "c2lnbmVkIGJ5IHRoZSBwcm92aWRlcg=="
OTHERS: Final = ("Sunny.", "Rainy.")
TOKENS: Final = (("Sun", -0.25), ("ny", -0.5))
PROMPT, CACHED, COMPLETION, REASONING = 100, 64, 50, 20


@dataclass(frozen=True, slots=True)
class Told:
    """`rich`: a thought, text, two calls and usage. `several`: two choices. `likely`: log probabilities.

    Each is the body of a whole answer, or, streamed, its bytes. None where the wire has no such thing.
    """

    rich: bytes
    several: bytes | None = None
    likely: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    whole: Told
    streamed: Told


def arguments(city: str) -> str:
    return json.dumps({"city": city})


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


def events(chunks: Iterable[Any], *, named: Callable[[Any], str] | None = None, end: bytes = b"") -> bytes:
    """Server-sent events; `named` gives the name of each, where the wire has names."""
    lines = b""
    for chunk in chunks:
        name = f"event: {named(chunk)}\n".encode() if named else b""
        lines += name + b"data: " + written(chunk) + b"\n\n"
    return lines + end
