"""What the caller asked of the cache: `x-bt-use-cache`, `x-bt-cache-ttl` and RFC 9111 request directives."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["auto", "always", "never"]

USE_CACHE_HEADER: Final = "x-bt-use-cache"
TTL_HEADER: Final = "x-bt-cache-ttl"
MAX_TTL: Final = 604_800
"""Seven days: the longest an entry lives, and how long it lives when the caller does not say."""

_MODES: Final[Mapping[str, Mode]] = {"auto": "auto", "always": "always", "never": "never"}
# RFC 9111 §1.2.2: a larger delta-seconds means this number.
_DELTA_CEILING: Final = 2**31
# RFC 9110 §5.6: a token, then perhaps "=" and a quoted string or a bare value. A comma inside quotes separates nothing.
_DIRECTIVE: Final = re.compile(r"""([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*)))?""")


class DirectiveError(ValueError):
    """One of our own headers has a value that means nothing: the caller's mistake, a 400."""

    def __init__(self, header: str, message: str) -> None:
        super().__init__(header, message)
        self.header = header
        self.message = message

    def __str__(self) -> str:
        return f"{self.header}: {self.message}"


@dataclass(frozen=True, slots=True)
class CacheDirectives:
    """`ttl`, `max_age` and `min_fresh` are seconds; None means that the caller did not ask."""

    mode: Mode = "auto"
    ttl: int = MAX_TTL
    no_cache: bool = False
    no_store: bool = False
    max_age: int | None = None
    min_fresh: int | None = None
    only_if_cached: bool = False


def parse_directives(use_cache: str | None, ttl: str | None, cache_control: str | None) -> CacheDirectives:
    """The three header values, None where the header is absent, several fields of one name joined by commas.

    Our own headers are strict and raise `DirectiveError`. `Cache-Control` is RFC 9111 §5.2.1: unknown directives are
    ignored, and a number that cannot be read counts as the strictest one. `max-stale` changes nothing, because an
    expired entry is never kept to be served; `no-transform` neither, because nothing is transformed.
    """
    asked = _request_directives(cache_control or "")
    return CacheDirectives(
        mode=_mode(use_cache),
        ttl=_ttl(ttl),
        no_cache="no-cache" in asked,
        no_store="no-store" in asked,
        max_age=min(map(_delta_or_zero, asked["max-age"])) if "max-age" in asked else None,
        min_fresh=max(map(_delta_or_ceiling, asked["min-fresh"])) if "min-fresh" in asked else None,
        only_if_cached="only-if-cached" in asked,
    )


def _mode(value: str | None) -> Mode:
    if value is None:
        return "auto"
    mode = _MODES.get(value.strip().lower())
    if mode is None:
        raise DirectiveError(USE_CACHE_HEADER, "must be auto, always or never")
    return mode


def _ttl(value: str | None) -> int:
    if value is None:
        return MAX_TTL
    seconds = _delta_seconds(value.strip())
    if seconds is None or not 1 <= seconds <= MAX_TTL:
        raise DirectiveError(TTL_HEADER, f"must be a whole number of seconds from 1 to {MAX_TTL}")
    return seconds


def _request_directives(cache_control: str) -> dict[str, list[str]]:
    """Every directive by its lower-case name, with the arguments of all its occurrences (empty string for none)."""
    found: dict[str, list[str]] = {}
    for match in _DIRECTIVE.finditer(cache_control):
        name, quoted, bare = match.groups()
        argument = bare or "" if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        found.setdefault(name.lower(), []).append(argument)
    return found


def _delta_seconds(text: str) -> int | None:
    # `int()` alone would take "+5", "1_000" and digits of other scripts; thousands of digits would make it raise.
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), _DELTA_CEILING) if len(text) <= 20 else _DELTA_CEILING


def _delta_or_zero(text: str) -> int:
    seconds = _delta_seconds(text)
    return 0 if seconds is None else seconds


def _delta_or_ceiling(text: str) -> int:
    seconds = _delta_seconds(text)
    return _DELTA_CEILING if seconds is None else seconds
