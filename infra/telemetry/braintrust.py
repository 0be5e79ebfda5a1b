"""Under which Braintrust object a request is to be found: the header `x-bt-parent`, and the span attribute it becomes.

As the header of an OTLP export it speaks of every span of the batch; per span the same is said by the attribute
`braintrust.parent` (braintrust.dev/docs/integrations/sdk-integrations/opentelemetry). Pure.
"""

from __future__ import annotations

import binascii
import json
import re
import uuid
from base64 import b64decode
from typing import Final

PARENT_ATTRIBUTE: Final = "braintrust.parent"

# The longest slug that an SDK makes of ids alone is some 150 characters; events that ride along can make it longer.
_LONGEST: Final = 4096
_PARENT: Final = re.compile(
    r"(?:project_id|project_name|experiment_id):(?! )[ -~\u00a0-\ud7ff\ue000-\U0010ffff]{1,256}(?<! )"
)

# github.com/braintrustdata/braintrust-sdk, js/util/span_identifier_v3.ts and _v4.ts: version, type of the object, how
# many ids, each with the number of its field and its bytes; what is left is JSON.
_EXPERIMENT: Final = 1
_PROJECT_LOGS: Final = 2
_OBJECT_ID: Final = 1
_SPAN_ID: Final = 3
_VERSIONS: Final = (3, 4)


def parse_parent(value: str) -> str | None:
    """The attribute's value, `project_id:…`, `project_name:…` or `experiment_id:…`; None for what is no parent.

    An exported span (`span.export()`) stands for the project or experiment that it is in. `value`: as it came, each
    byte a character.
    """
    value = _text(value).strip()
    if len(value) > _LONGEST:
        return None
    if _PARENT.fullmatch(value):
        return value
    try:
        return _of_slug(b64decode(value, validate=True))
    except (binascii.Error, ValueError, IndexError, RecursionError):
        return None


def _text(value: str) -> str:
    """Names of projects are UTF-8, if they are anything."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value


def _of_slug(data: bytes) -> str | None:
    version, kind, count = data[0], data[1], data[2]
    if version not in _VERSIONS or kind not in (_EXPERIMENT, _PROJECT_LOGS):
        return None
    ids, rest = _ids(data[3:], count, version)
    members = json.loads(rest) if rest else {}
    if not isinstance(members, dict):
        return None
    names = members.get("compute_object_metadata_args")
    names = names if isinstance(names, dict) else {}
    if kind == _EXPERIMENT:
        return _named("experiment_id", ids.get(_OBJECT_ID) or members.get("object_id") or names.get("experiment_id"))
    found = ids.get(_OBJECT_ID) or members.get("object_id") or names.get("project_id")
    return _named("project_id", found) if found else _named("project_name", names.get("project_name"))


def _ids(data: bytes, count: int, version: int) -> tuple[dict[int, str], bytes]:
    """By field. Version 3 has UUIDs; of version 4's only a span's id is of another length."""
    found: dict[int, str] = {}
    for _ in range(count):
        size = 8 if version == 4 and data[0] == _SPAN_ID else 16
        raw = data[1 : 1 + size]
        if len(raw) != size:
            raise ValueError("the slug ends within an id")
        found[data[0]] = str(uuid.UUID(bytes=raw)) if size == 16 else raw.hex()
        data = data[1 + size :]
    return found, data


def _named(prefix: str, value: object) -> str | None:
    parent = f"{prefix}:{value}" if isinstance(value, str) else ""
    return parent if _PARENT.fullmatch(parent) else None
