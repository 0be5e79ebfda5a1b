"""Reading what an operator sends: strict, so that a misspelt limit is a 400 and never a limit that does not hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from providers.jsonwalk import Json, JsonObject

T = TypeVar("T")
L = TypeVar("L", bound=str)
Reader: TypeAlias = "Callable[[Json, str], T]"
"""Turns a member's value, standing at a path, into what is meant by it, or raises `InvalidRequest` that names it."""


class _Required:
    """The default of a member that must be there."""


REQUIRED: Final = _Required()

MOST_ITEMS: Final = 200

_MEMBER: Final = re.compile(r"[a-z][a-z_]{0,31}", re.ASCII)


class Body:
    """A JSON object whose every member has to be asked for: `finish` refuses what nobody has read."""

    def __init__(self, value: JsonObject, path: str = "") -> None:
        self._value = value
        self._path = path
        self._read: set[str] = set()

    def read(self, name: str, reader: Reader[T], default: T | _Required = REQUIRED) -> T:
        """The member as `reader` has it; `default` where it was not sent, which is not the same as null."""
        self._read.add(name)
        where = f"{self._path}.{name}" if self._path else name
        if name in self._value:
            return reader(self._value[name], where)
        if isinstance(default, _Required):
            raise wrong(where, "is missing")
        return default

    def finish(self) -> None:
        unknown = sorted(self._value.keys() - self._read)
        if not unknown:
            return
        known = ", ".join(sorted(self._read)) or "none"
        # Who mixes up the places may have put a secret there: only what looks like a member's name is quoted.
        named = next((name for name in unknown if _MEMBER.fullmatch(name)), None)
        where = named and (f"{self._path}.{named}" if self._path else named)
        raise InvalidRequest(
            f"Unknown member{f' {where}' if where else ''}{f' in {self._path}' if not where and self._path else ''};"
            f" known here: {known}.",
            param=where,
            code="unknown_member",
        )


def wrong(where: str, what: str) -> InvalidRequest:
    return InvalidRequest(f"{where}: {what}.", param=where, code="invalid_value")


def optional(reader: Reader[T]) -> Reader[T | None]:
    """The same, and null for none."""

    def read(value: Json, where: str) -> T | None:
        return None if value is None else reader(value, where)

    return read


def text(most: int = 128, least: int = 1) -> Reader[str]:
    """Printable text in one line."""

    def read(value: Json, where: str) -> str:
        if not isinstance(value, str):
            raise wrong(where, "must be a string")
        if not least <= len(value.strip()) or len(value) > most:
            raise wrong(where, f"must have {least} to {most} characters")
        if not value.isprintable():
            raise wrong(where, "holds a character that cannot be printed")
        return value.strip()

    return read


def matching(pattern: re.Pattern[str], rule: str) -> Reader[str]:
    """Text of one form, of which `rule` tells the reader of the error."""

    def read(value: Json, where: str) -> str:
        if not isinstance(value, str) or pattern.fullmatch(value) is None:
            raise wrong(where, rule)
        return value

    return read


def one_of(words: Sequence[L]) -> Reader[L]:
    def read(value: Json, where: str) -> L:
        for word in words:
            if word == value:
                return word
        raise wrong(where, f"must be one of {', '.join(words)}")

    return read


def whole(least: int, most: int) -> Reader[int]:
    def read(value: Json, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise wrong(where, f"must be a whole number from {least} to {most}")
        return value

    return read


def flag(value: Json, where: str) -> bool:
    if not isinstance(value, bool):
        raise wrong(where, "must be true or false")
    return value


def listed(reader: Reader[T]) -> Reader[tuple[T, ...]]:
    def read(value: Json, where: str) -> tuple[T, ...]:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise wrong(where, f"must be a list of at most {MOST_ITEMS}")
        return tuple(reader(item, f"{where}[{number}]") for number, item in enumerate(value))

    return read


def nested(build: Callable[[Body], T]) -> Reader[T]:
    """An object whose members `build` reads, all of them."""

    def read(value: Json, where: str) -> T:
        if not isinstance(value, dict):
            raise wrong(where, "must be an object")
        body = Body(value, where)
        made = build(body)
        body.finish()
        return made

    return read
