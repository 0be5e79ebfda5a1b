"""An instance of a JSON schema: the smallest that is valid, with `hint` where a string may stand."""

from __future__ import annotations

from typing import Any


def instance(schema: dict[str, Any], hint: str) -> dict[str, Any]:
    """For the schema of an object, as tools and structured outputs have."""
    value = _value(schema, schema, hint)
    return value if isinstance(value, dict) else {}


def _value(schema: dict[str, Any], root: dict[str, Any], hint: str) -> Any:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return next((choice for choice in schema["enum"] if str(choice) in hint), schema["enum"][0])
    if reference := schema.get("$ref"):
        return _value(_resolve(reference, root), root, hint)
    for union in ("anyOf", "oneOf", "allOf"):
        if schema.get(union):
            return _value(schema[union][0], root, hint)
    return _typed(schema, root, hint)


def _typed(schema: dict[str, Any], root: dict[str, Any], hint: str) -> Any:
    kind = schema.get("type", "object" if "properties" in schema else "string")
    match kind[0] if isinstance(kind, list) and kind else kind:  # `[]` allows nothing, so anything is as good
        case "object":
            properties = schema.get("properties", {})
            required = schema.get("required", list(properties))
            return {name: _value(properties.get(name, {}), root, hint) for name in required}
        case "array":
            return [_value(schema.get("items", {}), root, hint)] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return max(len(hint), schema.get("minimum", 0)) if "maximum" not in schema else schema["maximum"]
        case "boolean":
            return True
        case "null":
            return None
        case _:
            return hint


def _resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/") if reference != "#" else ():
        found = found[step]
    return found if isinstance(found, dict) else {}
