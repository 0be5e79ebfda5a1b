"""Patching a JSON object in its bytes.

A request in the provider's own wire goes on as the client wrote it: number spellings (`1e3`, a 30-digit integer),
escapes, white space, order and members unknown to this release. Only what is named here changes.

A member written twice is refused wherever it is read: which one counts is each parser's own choice (RFC 8259 §4), so
what is checked here, or made part of a cache key, might not be what the provider reads.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias, final

from providers.jsonwalk import MalformedJson, check_depth, dump

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from providers.jsonwalk import Json, JsonObject


@final
class Removed:
    """The type of `REMOVED`, which stands for a member's absence."""

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED: Final = Removed()


@dataclass(frozen=True, slots=True)
class Within:
    """Changes inside the object or array that is there; where there is none they make a new object."""

    changes: Mapping[str | int, Change]


@dataclass(frozen=True, slots=True)
class Renamed:
    """The value stays as it is written, under another name. Nothing else may bear that name."""

    name: str


Change: TypeAlias = "Json | Removed | Renamed | Within"


def parse_members(body: bytes) -> JsonObject:
    """The object that `body` holds, in UTF-8 with or without a byte order mark.

    Raises `MalformedJson`, also for a member that stands twice in any object of it and for nesting too deep to walk.
    """
    text = _decoded(body)
    try:
        value: Json
        value, end = _STRICT.raw_decode(text, _skip(text, 0))
        if _skip(text, end) != len(text):
            raise _expected("the end", text, end)
    except (ValueError, RecursionError) as fault:
        raise _malformed(fault) from None
    if not isinstance(value, dict):
        raise MalformedJson("the JSON is not an object")
    check_depth(value, text)
    return value


def patch_members(body: bytes, changes: Mapping[str, Change]) -> bytes:
    """`body` with the named top-level members replaced, added at the end or removed; every other byte stays.

    A member that already says what it should is left as it is written. A byte order mark goes: RFC 8259 §8.1 forbids
    it on the wire. Raises `MalformedJson`.
    """
    text = _decoded(body)
    try:
        start = _skip(text, 0)
        patched, end = _patch_object(text, start, changes)
        if _skip(text, end) != len(text):
            raise _expected("the end", text, end)
    except (ValueError, RecursionError) as fault:
        raise _malformed(fault) from None
    return (text[:start] + patched + text[end:]).encode()


# -- reading --------------------------------------------------------------------------------------------------------


class _Member(NamedTuple):
    """A member or item as written: `name` (its number, in an array) from `start`, the value from `at` to `end`."""

    name: str | int
    start: int
    at: int
    end: int
    value: Json


_skip_space: Final = re.compile(r"[ \t\n\r]*").match


def _skip(text: str, at: int) -> int:
    space = _skip_space(text, at)
    return space.end() if space else at  # pragma: no branch - the pattern matches the empty string


def _refuse_constant(name: str) -> None:
    raise MalformedJson(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise MalformedJson("a number is out of range")
    return value


def _unique(pairs: list[tuple[str, Json]]) -> JsonObject:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise MalformedJson(_TWICE)
    return value


_TWICE: Final = "a member stands twice in one object"
_DECODER: Final = JSONDecoder(parse_constant=_refuse_constant)
_STRICT: Final = JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_unique)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedJson("not valid UTF-8") from None


def _malformed(fault: ValueError | RecursionError) -> MalformedJson:
    """Says where, never what: the bytes may be a prompt."""
    if isinstance(fault, MalformedJson):
        return fault
    if isinstance(fault, JSONDecodeError):
        return MalformedJson(f"not valid JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}")
    return MalformedJson("nested too deeply" if isinstance(fault, RecursionError) else "not valid JSON")


def _expected(what: str, text: str, at: int) -> JSONDecodeError:
    return JSONDecodeError(f"Expecting {what}", text, at)


def _members(
    text: str, start: int, close: str, head: Callable[[str, int, int], tuple[str | int, int]]
) -> list[_Member]:
    """What stands between the bracket at `start` and its `close`; `head` reads the name and says where the value is."""
    members: list[_Member] = []
    at = _skip(text, start + 1)
    if text[at : at + 1] == close:
        return members
    while True:
        name, value_at = head(text, at, len(members))
        value, end = _DECODER.raw_decode(text, value_at)
        members.append(_Member(name, at, value_at, end, value))
        mark = _skip(text, end)
        if text[mark : mark + 1] == close:
            return members
        if text[mark : mark + 1] != ",":
            raise _expected(f"',' or '{close}'", text, mark)
        at = _skip(text, mark + 1)


def _key(text: str, at: int, _number: int) -> tuple[str, int]:
    if text[at : at + 1] != '"':
        raise _expected("a member name in double quotes", text, at)
    name: str
    name, end = _DECODER.raw_decode(text, at)
    colon = _skip(text, end)
    if text[colon : colon + 1] != ":":
        raise _expected("':'", text, colon)
    return name, _skip(text, colon + 1)


def _item(_text: str, at: int, number: int) -> tuple[int, int]:
    return number, at


_AS_WRITTEN: Final = Within({})


# -- writing --------------------------------------------------------------------------------------------------------


def _patch_object(text: str, start: int, changes: Mapping[str, Change]) -> tuple[str, int]:
    """The object at `start`, patched, and where the original ends."""
    if text[start : start + 1] != "{":
        _DECODER.raw_decode(text, start)  # a syntax error says more than that it is no object
        raise MalformedJson("the JSON is not an object")
    members = _members(text, start, "}", _key)
    names = {member.name for member in members}
    if len(names) != len(members):
        raise MalformedJson(_TWICE)
    return _rebuilt(text, start, members, changes, dict(_added(changes, names)))


def _rebuilt(
    text: str,
    start: int,
    members: list[_Member],
    changes: Mapping[Any, Change],
    added: Mapping[str, str],
) -> tuple[str, int]:
    """Members keep the white space around them; an added one takes that of the separator before the last."""
    end = _skip(text, members[-1].end if members else start + 1) + 1
    first = members[0].start if members else end - 1
    kept: list[str] = []
    comma = ","
    before = first
    for member in members:
        if member.start != first:
            comma = text[before : member.start]
        before = member.end
        change = changes.get(member.name, _AS_WRITTEN)
        if change is _AS_WRITTEN:
            kept += [comma, text[member.start : member.end]]
        elif isinstance(change, Renamed):
            kept += [comma, f"{_dumped(change.name)}:{text[member.at : member.end]}"]
        elif not isinstance(change, Removed):
            kept += [comma, text[member.start : member.at], _written(text, member, change)]
    for name, made in added.items():
        kept += [comma, f"{_dumped(name)}:{made}"]
    return text[start:first] + "".join(kept[1:]) + text[before:end], end


def _written(text: str, member: _Member, change: Json | Within) -> str:
    """The member's value after `change`: as it is written where it says the same already."""
    if isinstance(change, Within) and isinstance(member.value, dict):
        named = {name: inner for name, inner in change.changes.items() if isinstance(name, str)}
        return _patch_object(text, member.at, named)[0]
    if isinstance(change, Within) and isinstance(member.value, list):
        return _rebuilt(text, member.at, _members(text, member.at, "]", _item), change.changes, {})[0]
    made = _made(change)
    return text[member.at : member.end] if made == _dumped(member.value) else made


def _made(change: Json | Within) -> str:
    """A value that was not there before."""
    if isinstance(change, Within):
        return "{" + ",".join(f"{_dumped(str(name))}:{made}" for name, made in _added(change.changes, ())) + "}"
    return _dumped(change)


def _added(changes: Mapping[Any, Change], there: Collection[str | int]) -> Iterator[tuple[str, str]]:
    """Name and value of each member that is new. There is nothing to remove or rename where there was none."""
    for name, change in changes.items():
        if name not in there and not isinstance(change, Removed | Renamed):
            yield name, _made(change)


def _dumped(value: Json) -> str:
    return dump(value).decode()
