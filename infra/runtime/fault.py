"""What went wrong, in the form the Runtime API takes, and as one line of the log.

An exception raised while a request is served may quote the prompt or a credential, so its text goes nowhere: the
type and the place in the code are what is reported. While the application is being imported there is no request
yet, and the text is what tells an operator which module is missing.
"""

from __future__ import annotations

import base64
import json
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

# Lambda documents no limit for the trailer; a deep recursion must not turn into megabytes of header.
MAX_FRAMES = 40


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as Lambda shows it: ``stack`` is innermost last, one place a line."""

    error_type: str
    message: str
    stack: tuple[str, ...] = ()

    @classmethod
    def hiding_text(cls, exc: BaseException) -> Fault:
        """For what happens while a request is served: the exception's text may hold what the caller sent."""
        name = _name(exc)
        return cls(name, f"The application raised {name}.", _places(exc.__traceback__))

    @classmethod
    def with_text(cls, exc: BaseException) -> Fault:
        """For what happens before or beside the requests."""
        name = _name(exc)
        return cls(name, f"{name}: {exc}", _places(exc.__traceback__))

    def to_json(self) -> bytes:
        """``errorMessage``, ``errorType`` and ``stackTrace``, as every official runtime sends."""
        body = {"errorMessage": self.message, "errorType": self.error_type, "stackTrace": list(self.stack)}
        return json.dumps(body).encode()

    def trailers(self) -> list[tuple[str, str]]:
        """For an answer whose first bytes are out already (Lambda developer guide, custom runtimes, streaming)."""
        return [
            ("Lambda-Runtime-Function-Error-Type", self.error_type),
            ("Lambda-Runtime-Function-Error-Body", base64.b64encode(self.to_json()).decode()),
        ]

    def log(self, request_id: str | None = None) -> None:
        """One JSON line on standard error: CloudWatch makes an event of every line."""
        record = {
            "level": "ERROR",
            "message": self.message,
            "errorType": self.error_type,
            "stackTrace": self.stack,
            "requestId": request_id,
        }
        sys.stderr.write(json.dumps({k: v for k, v in record.items() if v}) + "\n")
        sys.stderr.flush()


def _name(exc: BaseException) -> str:
    # It travels in a header, and Python's class names need not be ASCII.
    return type(exc).__name__.encode("ascii", "backslashreplace").decode()


def _places(trace: TracebackType | None) -> tuple[str, ...]:
    # No source lines: they cost a file read each, and the bundle's sources are at hand.
    frames = traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return tuple(f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[-MAX_FRAMES:])
