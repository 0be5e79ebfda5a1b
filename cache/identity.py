"""The identity of a request: canonical JSON, the same bytes for every spelling of the same value.

Canonical means: keys sorted by code point, no white space, ASCII with JSON escapes, the shortest spelling of each
number. `0`, `-0`, `0.0` and `0e0` are one number, `1.0` and `1` too; `true` is none of them. Integers are exact at any
size. A number with a point or an exponent is the double that JSON parsers make of it, and from 2**53 upwards, where
doubles skip integers, it keeps a spelling apart from the integers': two spellings of one such number may miss each
other, but two numbers never share an answer. Lone surrogates stay escapes, so they harm nothing and are told apart.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

# Deeper than any schema in use, and far from the interpreter's own recursion limit whatever called us.
MAX_DEPTH: Final = 128
_EXACT_DOUBLES: Final = 2**53


class IdentityError(ValueError):
    """The value is not JSON (NaN, Infinity, a key that is no string, another type) or is nested too deeply."""


def request_identity(parts: Mapping[str, Json]) -> bytes:
    """`R` of the key derivation. Raises `IdentityError`, whose text repeats nothing of the value."""
    try:
        return json.dumps(
            _canonical(parts, MAX_DEPTH), sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        ).encode("ascii")
    except IdentityError:
        raise
    except ValueError as error:
        # NaN and Infinity, and integers past the interpreter's digit limit.
        raise IdentityError("the request holds a number that JSON cannot express") from error


def _canonical(value: Json, depth: int) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return int(value) if value.is_integer() and abs(value) < _EXACT_DOUBLES else value
    if depth == 0:
        raise IdentityError(f"the request is nested more than {MAX_DEPTH} levels deep")
    match value:
        case Mapping():
            return {_key(key): _canonical(item, depth - 1) for key, item in value.items()}
        case list() | tuple():
            return [_canonical(item, depth - 1) for item in value]
        case _:
            raise IdentityError("the request holds a value that is not JSON")


def _key(key: object) -> str:
    # json.dumps would write the keys 1 and "1" alike.
    if not isinstance(key, str):
        raise IdentityError("the request holds an object key that is not a string")
    return key
