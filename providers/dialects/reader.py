"""Typed reading of a request that may hold anything, with errors that name the place.

Messages and codes follow OpenAI's own (`missing_required_parameter`, `invalid_type`, `invalid_value`), because clients
match on them. No message quotes a value: it may be a prompt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from providers.errors import InvalidRequest
from providers.jsonwalk import MalformedJson
from providers.members import parse_members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.jsonwalk import Json, JsonObject

_KINDS = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", int: "an integer", float: "a number"}


class Reader:
    """One object of the request. Null counts as absent, as it does at OpenAI."""

    __slots__ = ("path", "value")

    def __init__(self, value: JsonObject, path: str = "") -> None:
        self.value = value
        self.path = path

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def has(self, key: str) -> bool:
        return self.value.get(key) is not None

    def text(self, key: str) -> str | None:
        value = self.value.get(key)
        return value if value is None or isinstance(value, str) else self.mistyped(key, "a string")

    def need_text(self, key: str) -> str:
        value = self.text(key)
        return self.missing(key) if value is None else value

    def flag(self, key: str) -> bool | None:
        value = self.value.get(key)
        return value if value is None or isinstance(value, bool) else self.mistyped(key, "a boolean")

    def number(self, key: str) -> float | None:
        value = self.value.get(key)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        return self.mistyped(key, "a number")

    def integer(self, key: str) -> int | None:
        value = self.number(key)
        if isinstance(value, float):
            return int(value) if value.is_integer() else self.mistyped(key, "an integer")
        return value

    def object(self, key: str) -> JsonObject | None:
        value = self.value.get(key)
        return value if value is None or isinstance(value, dict) else self.mistyped(key, "an object")

    def child(self, key: str) -> Reader | None:
        value = self.object(key)
        return None if value is None else Reader(value, self.at(key))

    def need_child(self, key: str) -> Reader:
        child = self.child(key)
        return self.missing(key) if child is None else child

    def children(self, key: str) -> Iterator[Reader]:
        """The objects of a list; an absent list is an empty one."""
        for number, item in enumerate(self.array(key) or ()):
            path = f"{self.at(key)}[{number}]"
            if not isinstance(item, dict):
                raise _mistyped(path, "an object", item)
            yield Reader(item, path)

    def array(self, key: str) -> list[Json] | None:
        value = self.value.get(key)
        return value if value is None or isinstance(value, list) else self.mistyped(key, "an array")

    def missing(self, key: str) -> NoReturn:
        path = self.at(key)
        raise InvalidRequest(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")

    def mistyped(self, key: str, wanted: str) -> NoReturn:
        raise _mistyped(self.at(key), wanted, self.value.get(key))

    def invalid(self, key: str, why: str) -> NoReturn:
        path = self.at(key)
        raise InvalidRequest(f"Invalid value for '{path}': {why}.", param=path, code="invalid_value")


def read_body(body: bytes) -> Reader:
    """The whole request. Raises `InvalidRequest` for what is no JSON object."""
    try:
        return Reader(parse_members(body))
    except MalformedJson as fault:
        message = f"We could not parse the JSON body of your request: {fault}."
        raise InvalidRequest(message, code="invalid_json") from None


def _mistyped(path: str, wanted: str, found: Json) -> InvalidRequest:
    kind = "null" if found is None else _KINDS[type(found)]
    message = f"Invalid type for '{path}': expected {wanted}, but got {kind} instead."
    return InvalidRequest(message, param=path, code="invalid_type")
