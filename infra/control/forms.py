"""How each kind of value stands in a JSON document: written and read by one thing, so that the two cannot part."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infra.control.store import Json

_T = TypeVar("_T")
_U = TypeVar("_U")


class Unreadable(ValueError):
    """Says which member and what it should be, never what it is."""

    def __init__(self, member: str, expected: str) -> None:
        super().__init__(member, expected)
        self.member = member
        self.expected = expected

    def __str__(self) -> str:
        return f"{self.member} is not {self.expected}"


@dataclass(frozen=True, slots=True)
class Form(Generic[_T]):
    """`read` takes JSON and the name of the member it is, and raises `Unreadable`."""

    write: Callable[[_T], Json]
    read: Callable[[Any, str], _T]


@dataclass(frozen=True, slots=True)
class Record(Form[_T]):
    """The form of a whole dataclass, which is a JSON object."""

    write: Callable[[_T], dict[str, Json]]


def _plain(kind: type[_U], expected: str) -> Form[_U]:
    def write(value: _U) -> Any:
        return value

    def read(value: object, member: str) -> _U:
        # By its very type: True is an int, and 1.0 equals 1.
        if type(value) is not kind:
            raise Unreadable(member, expected)
        return value

    return Form(write, read)


TEXT: Final = _plain(str, "text")
WHOLE: Final = _plain(int, "a whole number")
FLAG: Final = _plain(bool, "true or false")


def blob(size: int | None = None) -> Form[bytes]:
    """Bytes as base64, of exactly `size` where that is given."""

    def write(value: bytes) -> str:
        return base64.b64encode(value).decode("ascii")

    def read(value: object, member: str) -> bytes:
        try:
            decoded = base64.b64decode(TEXT.read(value, member), validate=True)
        except ValueError:  # `Unreadable` is one too
            decoded = None
        if decoded is None or (size is not None and len(decoded) != size):
            raise Unreadable(member, "base64" if size is None else f"base64 of {size} bytes")
        return decoded

    return Form(write, read)


def optional(form: Form[_T]) -> Form[_T | None]:
    return Form(
        lambda value: None if value is None else form.write(value),
        lambda value, member: None if value is None else form.read(value, member),
    )


def one_of(choices: Sequence[_T]) -> Form[_T]:
    """Choices are text."""

    def write(value: _T) -> Any:
        return value

    def read(value: object, member: str) -> _T:
        for choice in choices:
            if choice == value:
                return choice
        raise Unreadable(member, f"one of {', '.join(map(str, choices))}")

    return Form(write, read)


def each(form: Form[_T]) -> Form[tuple[_T, ...]]:
    def read(value: object, member: str) -> tuple[_T, ...]:
        if not isinstance(value, list):
            raise Unreadable(member, "a list")
        return tuple(form.read(one, f"{member}[{place}]") for place, one in enumerate(value))

    return Form(lambda values: [form.write(one) for one in values], read)


def any_of(choices: Sequence[_T]) -> Form[frozenset[_T]]:
    """A set, written in the order of the choices, so that equal sets are equal documents."""
    listed = each(one_of(choices))
    return Form(
        lambda values: listed.write(tuple(choice for choice in choices if choice in values)),
        lambda value, member: frozenset(listed.read(value, member)),
    )


def record(kind: type[_T], **members: Form[Any]) -> Record[_T]:
    """Each member by its form. A missing one is its default, where it has one; an unknown one is passed over."""
    needed = {
        member.name
        for member in fields(kind)  # type: ignore[arg-type]  # a dataclass; its type cannot say so
        if member.default is MISSING and member.default_factory is MISSING
    }

    def write(value: _T) -> dict[str, Json]:
        return {name: form.write(getattr(value, name)) for name, form in members.items()}

    def read(value: object, member: str) -> _T:
        if not isinstance(value, Mapping):
            raise Unreadable(member, "an object")
        prefix = f"{member}." if member else ""
        for name in members:
            if name in needed and name not in value:
                raise Unreadable(prefix + name, "there")
        return kind(**{name: form.read(value[name], prefix + name) for name, form in members.items() if name in value})

    return Record(write, read)
