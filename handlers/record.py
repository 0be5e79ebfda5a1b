"""One line of log for each request: what happened, and nothing of what was said."""

from __future__ import annotations

import json
import re
import sys
import traceback
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from typing import TextIO

    from providers.errors import SabirError


@dataclass(slots=True)
class RequestRecord:
    """Filled in as the request goes its way; None means that it did not get that far. Times are milliseconds.

    `org`, `key`: ids. `endpoint`: the one that answered; `failed`: those before it, each with the word of its failure.
    `uncounted`: why limits were not applied, or what was used not booked.

    It holds no key, no prompt and no completion: `error` is a code, `trace` the places of a bug; neither quotes.
    `cache_fault`: what kept the store from being read or written, in words that it may say.
    """

    request_id: str
    dialect: str
    org: str | None = None
    key: str | None = None
    endpoint: str | None = None
    attempts: int | None = None
    failed: tuple[str, ...] = ()
    uncounted: str | None = None
    provider: str | None = None
    model: str | None = None
    stream: bool | None = None
    status: int | None = None
    cache: str | None = None
    stored: str | None = None
    cache_fault: str | None = None
    error: str | None = None
    dropped: tuple[str, ...] = ()
    total_ms: float | None = None
    trace: tuple[str, ...] = ()


# A provider's code is the provider's text: one with a blank in it may be a sentence of the prompt.
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def word_of(error: SabirError) -> str:
    """What the log may say of an error: its code or type, as far as these look like one."""
    return next((word for word in (error.code, error.type) if word and _WORD.fullmatch(word)), "error")


def places_of(bug: Exception) -> tuple[str, ...]:
    """Where it happened, without the exception's text: that may quote a prompt or a secret."""
    frames = traceback.extract_tb(bug.__traceback__)
    return (type(bug).__name__, *(f"{frame.name}:{frame.lineno}" for frame in frames[-8:]))


class RequestLog(Protocol):
    def write(self, record: RequestRecord) -> None:
        """Never raises and never waits: a request does not depend on its log."""
        ...


class JsonLines:
    """One JSON object a line, as CloudWatch Logs Insights reads it."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout

    def write(self, record: RequestRecord) -> None:
        fields = {name: value for name, value in asdict(record).items() if value not in (None, ())}
        self._out.write(json.dumps(fields, separators=(",", ":")) + "\n")
        self._out.flush()


class Silent:
    def write(self, record: RequestRecord) -> None:
        pass
