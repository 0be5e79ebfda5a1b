"""Reading JSON that somebody else wrote.

A provider's answer may miss any member, carry it with another type, or grow new ones tomorrow. These readers return
what is there in the wanted type and None otherwise: a translator states what it needs and survives the rest.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
JsonObject: TypeAlias = "dict[str, Json]"


# Honest JSON stays far below: a tool's schema takes two levels for each of its own. Python itself reads almost a
# thousand, and whoever then walks the value by recursion runs out of stack, the sooner the deeper it is called.
MAX_DEPTH: Final = 128


class MalformedJson(ValueError):
    """The bytes are not a JSON object in UTF-8. The text never quotes them: they may be a prompt."""


def load_object(body: bytes | str) -> JsonObject:
    """Decode one JSON object; raises `MalformedJson` for anything else, NaN and nesting beyond `MAX_DEPTH` included."""
    try:
        # Given bytes, `json.loads` guesses UTF-16 and UTF-32 too; what follows would still take them for UTF-8.
        text = body.decode("utf-8-sig") if isinstance(body, bytes) else body
        value: Json = _DECODER.decode(text)
    except (ValueError, RecursionError) as fault:
        raise MalformedJson(_where(fault)) from None
    if not isinstance(value, dict):
        raise MalformedJson("the JSON is not an object")
    check_depth(value, text)
    return value


def check_depth(value: JsonObject, text: str) -> None:
    """Raises `MalformedJson` where `value`, read from `text`, is nested beyond `MAX_DEPTH`.

    It cannot be without more brackets than that, and so few pieces of a stream have more that counting them is all.
    """
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    level: list[list[Json] | JsonObject] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return
    raise MalformedJson(_TOO_DEEP)


def dump(value: Json | Mapping[str, Json]) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate, which UTF-8 cannot carry, makes the whole text ASCII with escapes.

    JSON has no infinity, but `1e999` reads as one: it becomes null, as in JavaScript.
    """
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(_finite(value), separators=(",", ":")).encode()
    except ValueError:
        return dump(_finite(value))


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


def _finite(value: Json | Mapping[str, Json]) -> Json:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, str | int) or value is None:
        return value
    return {key: _finite(item) for key, item in value.items()}


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_TOO_DEEP: Final = "nested too deeply"
_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)


def _where(fault: ValueError | RecursionError) -> str:
    if isinstance(fault, json.JSONDecodeError):
        return f"not valid JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}"
    if isinstance(fault, UnicodeDecodeError):
        return "not valid UTF-8"
    return _TOO_DEEP if isinstance(fault, RecursionError) else "not valid JSON"
