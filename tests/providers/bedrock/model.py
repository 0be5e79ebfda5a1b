"""Amazon's own description of Converse, as a second opinion on every request."""

import re
from functools import cache
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator


@cache
def _input() -> Any:
    return get_session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def faults(model: str, body: dict[str, Any]) -> str:
    """What Amazon's validator has to say about a body, and its patterns and longest lengths, which it does not check."""
    params = {"modelId": model, **body}
    return str(ParamValidator().validate(params, _input()).generate_report()) + "".join(_more(params, _input(), ""))


def _more(value: Any, shape: Any, path: str) -> list[str]:
    kind = shape.type_name
    if kind == "structure" and not shape.is_document_type:
        return [fault for name, inner in value.items() for fault in _more(inner, shape.members[name], f"{path}.{name}")]
    if kind == "list":
        return [
            fault for number, inner in enumerate(value) for fault in _more(inner, shape.member, f"{path}[{number}]")
        ]
    if kind != "string":
        return []
    found = []
    pattern, most = shape.metadata.get("pattern"), shape.metadata.get("max")
    if pattern and not re.fullmatch(pattern, value):
        found.append(f"{path}: {value!r} is not of the pattern\n")
    if most and len(value) > most:
        found.append(f"{path}: longer than {most}\n")
    if shape.enum and value not in shape.enum:
        found.append(f"{path}: {value!r} is none of {shape.enum}\n")
    return found
