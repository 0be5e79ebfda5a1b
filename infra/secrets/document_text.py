"""A secret document as the text that a store keeps: one limit for all of them, and faults that do not quote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from infra.secrets.store import SecretsFault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import Json

MAX_DOCUMENT: Final = 65_536
"""Bytes: what a secret of Secrets Manager can hold, so that a document of any store can move to any other."""


def encode(name: str, value: Mapping[str, Json]) -> str:
    """ASCII. Raises ValueError for more than `MAX_DOCUMENT` bytes."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    if len(text) > MAX_DOCUMENT:
        raise ValueError(f"the document {name} has {len(text)} bytes, at most {MAX_DOCUMENT} are allowed")
    return text


def decode(name: str, text: str | bytes | None) -> Mapping[str, Json]:
    """Raises `SecretsFault` for what is no JSON object."""
    try:
        value = None if text is None else json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        # Without its cause, which would carry the text.
        raise SecretsFault(f"the document {name} is no JSON object")
    return value
