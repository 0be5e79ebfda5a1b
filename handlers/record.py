"""The request log's line, and the words that it may use."""

from __future__ import annotations

import json
import re
import sys
import traceback
from typing import TYPE_CHECKING, Final, Protocol

from providers.errors import CallerError, OverBudget, OverLimit, UpstreamAuth, UpstreamError, UpstreamRejected

if TYPE_CHECKING:
    from typing import TextIO

    from infra.requests.record import Cause, RequestRecord
    from providers.errors import SabirError

# A provider's code is the provider's text: one with a blank in it may be a sentence of the prompt.
_WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
# Words of the trade, which a prompt may have by chance. Any other that the request has is taken for a quotation of it.
_OF_THE_TRADE: Final = re.compile(
    r"[a-z_.]*(error|exceeded|limit|invalid|not_found|unauthorized|forbidden|denied|quota|overloaded|timeout|filter"
    r"|policy|unavailable|unsupported|rejected|refused|exception|expired|missing|required|too_large)[a-z_.]*"
)


def word_of(error: SabirError, said: bytes = b"") -> str:
    """What the log may say of an error: its code or type, as far as these look like one.

    `said`: the request, whose words may be in a provider's.
    """
    return next((word for word in (error.code, error.type) if word and _may_be_told(word, said)), "error")


def _may_be_told(word: str, said: bytes) -> bool:
    if _WORD.fullmatch(word) is None:
        return False
    return word.encode() not in said or _OF_THE_TRADE.fullmatch(word.lower()) is not None


def cause_of(error: SabirError) -> Cause:
    """A request or a key of the caller's own that a provider refuses is the caller's fault, and no outage."""
    match error:
        case OverLimit() | OverBudget():
            return "limit"
        case CallerError() | UpstreamRejected() | UpstreamAuth():
            return "caller"
        case UpstreamError():
            return "provider"
        case _:
            return "sabir"


def places_of(bug: Exception) -> tuple[str, ...]:
    """Where it happened, without the exception's text: that may quote a prompt or a secret."""
    frames = traceback.extract_tb(bug.__traceback__)
    return (type(bug).__name__, *(f"{frame.name}:{frame.lineno}" for frame in frames[-8:]))


class RequestLog(Protocol):
    def write(self, record: RequestRecord) -> None:
        """Never raises and never waits: a request does not depend on its log."""
        ...


class JsonLines:
    """One JSON object a line. With a `service`, the stack, CloudWatch reads metrics out of it, too."""

    def __init__(self, out: TextIO | None = None, *, service: str | None = None) -> None:
        self._out = out or sys.stdout
        self._service = service

    def write(self, record: RequestRecord) -> None:
        self._out.write(self._line(record))
        self._out.flush()

    def _line(self, record: RequestRecord) -> str:
        if self._service is None:
            return json.dumps(record.document(), separators=(",", ":")) + "\n"
        from infra.metrics.emf import emf_text  # of the stack alone

        # A receiver of traces that is out loses nothing that the usage reports are made of.
        return emf_text(record, service=self._service, log_faults=int("store" in record.unkept))


class Silent:
    def write(self, record: RequestRecord) -> None:
        pass
