"""JSON Schema as Google takes it.

Both `parametersJsonSchema` and `responseJsonSchema` take JSON Schema itself, with `$ref`, unions of types, `anyOf` and
the rest; the older `parameters` and `responseSchema`, a subset of OpenAPI's, would lose half of it. Of what Google does
not know in it, two forms (`const`, a `$ref` beside others) have an equal that it does know, and are said in its words;
an empty `enum`, which Google refuses, is dropped and named; all else stays as it is.
(The list is in the description of `responseJsonSchema`, https://ai.google.dev/api/generate-content.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.dropped import Dropped
    from providers.jsonwalk import Json, JsonObject

_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "allOf", "oneOf", "prefixItems")
_SINGLE = ("items", "additionalProperties", "not")


def to_schema(schema: JsonObject, path: str, dropped: Dropped) -> JsonObject:
    """`schema`, saying the same. Raises `InvalidRequest` where it is nested too deeply to read."""
    try:
        return _object(schema, path, dropped)
    except RecursionError:
        raise InvalidRequest("The schema is nested too deeply.", param=path) from None


def _object(schema: JsonObject, path: str, dropped: Dropped) -> JsonObject:
    said: JsonObject = {key: _member(key, value, path, dropped) for key, value in schema.items()}
    const = said.get("const")
    # Google's `enum` takes strings and numbers; other constants stay, for it to judge.
    if isinstance(const, str | int | float) and not isinstance(const, bool) and "enum" not in said:
        del said["const"]
        said["enum"] = [const]
    if said.get("enum") == []:
        dropped.add(f"{path}.enum")
        del said["enum"]
    return _reference(said)


def _member(key: str, value: Json, path: str, dropped: Dropped) -> Json:
    if key in _MAPS and isinstance(value, dict):
        return {name: _schema(item, path, dropped) for name, item in value.items()}
    if key in _LISTS and isinstance(value, list):
        return [_schema(item, path, dropped) for item in value]
    return _schema(value, path, dropped) if key in _SINGLE else value


def _schema(value: Json, path: str, dropped: Dropped) -> Json:
    """`true` and `false` are schemas too."""
    return _object(value, path, dropped) if isinstance(value, dict) else value


def _reference(said: JsonObject) -> JsonObject:
    """Beside `$ref` Google takes no member that does not begin with `$`: the reference moves into an `anyOf` of one."""
    if "$ref" not in said or "anyOf" in said or all(key.startswith("$") for key in said):
        return said
    reference: JsonObject = {"$ref": said.pop("$ref")}
    return {**said, "anyOf": [reference]}
