"""What a URL asks of the request log. Strict: a filter that was misspelt must not show everything."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeVar, get_args
from urllib.parse import parse_qsl

from infra.requests.record import CacheVerdict
from infra.requests.store import DIMENSIONS, Dimension, Outcome, Report, Step, Wanted
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")
W = TypeVar("W", bound=str)

MOST_REQUESTS: Final = 100
MOST_SUMS: Final = 1000

# More than any name, user or tag has that the log keeps; a URL is no place for more.
_LONGEST: Final = 1024
_NUMBER: Final = re.compile(r"\d{1,9}", re.ASCII)
# Seconds up to the year 5138; what has three digits more is milliseconds by mistake.
_SECONDS: Final = re.compile(r"\d{1,11}(\.\d{1,9})?", re.ASCII)
_QUOTED: Final = 64

# Another sandbox's clock may be ahead of this one's.
_AHEAD: Final = 3600
_USAGE_SECONDS: Final = 30 * 86_400


class Query:
    """A URL's parameters, each of which has to be asked for: `finish` refuses what nobody has read."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._read: set[str] = set()

    def read(self, name: str, reader: Callable[[str, str], T]) -> T | None:
        """None where it is not there. Raises `InvalidRequest` that names it."""
        self._read.add(name)
        value = self._given.get(name)
        return None if value is None else reader(value, name)

    def finish(self) -> None:
        unknown = sorted(self._given.keys() - self._read)
        if unknown:
            known = ", ".join(sorted(self._read))
            raise InvalidRequest(
                f"Unknown query parameter {unknown[0][:_QUOTED]!r}; known here: {known or 'none'}.",
                param=unknown[0][:_QUOTED],
                code="unknown_parameter",
            )


def parameters(query: str) -> dict[str, str]:
    """Of a raw query string. Raises `InvalidRequest` for one that is there twice: only one of them could be heeded."""
    return once(parse_qsl(query, keep_blank_values=True))


def once(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise _wrong(name[:_QUOTED], "is there more than once")
        found[name] = value
    return found


def wanted_of(query: Query, org: str, now: float) -> tuple[Wanted, int, str | None]:
    """The records that are asked for, how many, and after which. Raises `InvalidRequest`."""
    since, until = _window(query, 0.0, now + _AHEAD)
    wanted = Wanted(
        org,
        since,
        until,
        key=query.read("key", _text),
        model=query.read("model", _text),
        provider=query.read("provider", _text),
        status=query.read("status", _whole(100, 599)),
        outcome=query.read("outcome", _one_of(get_args(Outcome))),
        cache=query.read("cache", _one_of(get_args(CacheVerdict))),
        user=query.read("user", _text),
        tag=query.read("tag", _tag),
    )
    limit = query.read("limit", _whole(1, MOST_REQUESTS)) or MOST_REQUESTS
    after = query.read("after", _text)
    query.finish()
    return wanted, limit, after


def report_of(query: Query, org: str, now: float) -> tuple[Report, int, str | None]:
    """The sums that are asked for, how many rows of them, and after which. Raises `InvalidRequest`."""
    since, until = _window(query, None, now + 1)
    steps: tuple[Step, ...] = get_args(Step)
    report = Report(
        org,
        int(since),
        math.ceil(until),
        query.read("step", _one_of(steps)) or "day",
        query.read("by", _dimensions) or (),
        key=query.read("key", _text),
        provider=query.read("provider", _text),
        model=query.read("model", _text),
    )
    limit = query.read("limit", _whole(1, MOST_SUMS)) or MOST_SUMS
    after = query.read("after", _text)
    query.finish()
    return report, limit, after


def _window(query: Query, since: float | None, until: float) -> tuple[float, float]:
    """`since`: where none is said; None is some time before the end."""
    ends = query.read("until", _moment)
    begins = query.read("since", _moment)
    ends = until if ends is None else ends
    if begins is None:
        begins = max(0.0, ends - _USAGE_SECONDS) if since is None else since
    if begins >= ends:
        raise _wrong("since", "must be before until, and not in the future")
    return begins, ends


def _text(value: str, name: str) -> str:
    if not 1 <= len(value) <= _LONGEST:
        raise _wrong(name, f"must have 1 to {_LONGEST} characters")
    return value


def _whole(least: int, most: int) -> Callable[[str, str], int]:
    def read(value: str, name: str) -> int:
        if _NUMBER.fullmatch(value) is None or not least <= int(value) <= most:
            raise _wrong(name, f"must be a whole number from {least} to {most}")
        return int(value)

    return read


def _one_of(words: Sequence[W]) -> Callable[[str, str], W]:
    def read(value: str, name: str) -> W:
        for word in words:
            if word == value:
                return word
        raise _wrong(name, f"must be one of {', '.join(words)}")

    return read


def _dimensions(value: str, name: str) -> tuple[Dimension, ...]:
    names = value.split(",")
    if any(one not in DIMENSIONS for one in names):
        raise _wrong(name, f"must be some of {','.join(DIMENSIONS)}, parted by commas")
    return tuple(one for one in DIMENSIONS if one in names)


def _tag(value: str, name: str) -> tuple[str, str]:
    tag, colon, content = value.partition(":")
    if not tag or not colon or len(value) > _LONGEST:
        raise _wrong(name, "must be a tag's name and value, such as team:search")
    return tag, content


def _moment(value: str, name: str) -> float:
    """Epoch seconds; UTC where the text names no zone."""
    if _SECONDS.fullmatch(value):
        return float(value)
    try:
        moment = datetime.fromisoformat(value)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        seconds = -1.0
    if seconds < 0:
        raise _wrong(name, 'must be epoch seconds or a time as in ISO 8601 (in a URL, "+" is written "%2B")')
    return seconds


def _wrong(name: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{name}: {what}.", param=name, code="invalid_value")
