"""The terminal that a command prints to: how wide it is, and which letters it can show.

What callers chose to call a model, a tag or themselves is printed here: what would steer the terminal is replaced.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import Final

import click

_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_UNLIMITED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Screen:
    """`width`: letters in a line, without end where it is no terminal. `unicode`: whether it can show `→` and `█`."""

    width: int
    unicode: bool

    @property
    def arrow(self) -> str:
        return "→" if self.unicode else "->"

    @property
    def usage_bar(self) -> str:
        return "█" if self.unicode else "#"

    @property
    def waiting_bar(self) -> str:
        return "░" if self.unicode else "."

    def bar(self, part: float, width: int) -> str:
        """`part` of `width` letters, to an eighth of one. What is more than nothing shows."""
        if not self.unicode:
            return "#" * max(round(part * width), int(part > 0))
        whole, eighth = divmod(max(round(part * width * 8), int(part > 0)), 8)
        return "█" * whole + (_EIGHTHS[eighth] if eighth else "")

    def print(self, line: str) -> None:
        """Colours go where they are wanted: click takes them out of what is no terminal."""
        encoding = sys.stdout.encoding or "utf-8"
        click.echo(line.encode(encoding, "replace").decode(encoding))


def this_screen() -> Screen:
    """A width that is set (`COLUMNS`) counts for a pipe too."""
    width = shutil.get_terminal_size((_UNLIMITED, 24)).columns
    return Screen(width or _UNLIMITED, _shows("→█░", sys.stdout.encoding))


def plain(text: object) -> str:
    """In one line, without what steers a terminal."""
    return "".join(letter if letter.isprintable() else "�" for letter in str(text))


def progress(line: str) -> None:
    """Beside the result, and only for somebody who watches: in place, so that it leaves no trace."""
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)


def _shows(letters: str, encoding: str | None) -> bool:
    try:
        letters.encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
