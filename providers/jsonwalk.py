"""Reading JSON that somebody else wrote.

A provider's answer may miss any member, carry it with another type, or grow new ones tomorrow. These readers return
what is there in the wanted type and None otherwise: a translator states what it needs and survives the rest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


class MalformedJson(ValueError):
    """The bytes are not a JSON object in UTF-8. The text never quotes them: they may be a prompt."""


def load_object(body: bytes | str) -> JsonObject:
    """Decode one JSON object; raises `MalformedJson` for anything else, including NaN and nesting too deep."""
    try:
        value: Json = json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as fault:
        raise MalformedJson(_where(fault)) from None
    if not isinstance(value, dict):
        raise MalformedJson("the JSON is not an object")
    return value


def dump(value: Json | Mapping[str, Json]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 cannot carry, makes the whole text ASCII with escapes."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def text(source: Mapping[str, Json], key: str) -> str | None:
    value = source.get(key)
    return value if isinstance(value, str) else None


def integer(source: Mapping[str, Json], key: str) -> int | None:
    """An int; a whole float counts (some hosts write 12.0), a bool does not."""
    value = source.get(key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def child(source: Mapping[str, Json], key: str) -> JsonObject:
    """The object under `key`, or an empty one, so that reads can be chained."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def children(source: Mapping[str, Json], key: str) -> Iterator[JsonObject]:
    """The objects in the list under `key`; anything in it that is no object is passed over."""
    value = source.get(key)
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                yield item


def without(source: Mapping[str, Json], *known: str) -> JsonObject:
    """The members that are not in `known` and not null: what there is no word for yet."""
    return {key: value for key, value in source.items() if key not in known and value is not None}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _where(fault: ValueError | RecursionError) -> str:
    if isinstance(fault, json.JSONDecodeError):
        return f"not valid JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}"
    if isinstance(fault, UnicodeDecodeError):
        return "not valid UTF-8"
    return "nested too deeply" if isinstance(fault, RecursionError) else "not valid JSON"
