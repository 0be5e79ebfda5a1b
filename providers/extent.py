"""Where a JSON object that comes in pieces is at its end, found without reading any piece twice."""

from __future__ import annotations

import re
from typing import Final

# Brackets, and strings: whole, or open at the end of what was given. `.` with DOTALL is the escaped character.
_MARK: Final = re.compile(r"[{}\[\]\"]")
_IN_STRING: Final = re.compile(r"\\.|\"", re.DOTALL)


class Extent:
    """Counts brackets outside strings. That what is between them is JSON, it does not say."""

    def __init__(self) -> None:
        self.closed = False
        self._depth = 0
        self._in_string = False
        self._escape = ""  # a backslash at the end of a piece: its character is still to come

    def add(self, piece: str) -> None:
        piece, self._escape = self._escape + piece, ""
        at = 0
        if not self._depth and not self.closed and piece.lstrip()[:1] not in {"", "{"}:
            self._depth = -1  # something else than an object, which never closes
        while self._depth >= 0 and (match := (_IN_STRING if self._in_string else _MARK).search(piece, at)):
            at = match.end()
            self._see(match[0])
        if self._in_string and piece.endswith("\\") and at < len(piece):
            self._escape = "\\"

    def _see(self, mark: str) -> None:
        if mark == '"':
            self._in_string = not self._in_string
        elif mark in "{[":
            self._depth += 1
        elif mark in "}]":
            self._depth -= 1
            self.closed = self._depth == 0
