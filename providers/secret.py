"""A secret that cannot be printed by accident."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping


class Secret:
    """Holds a provider key. Every way of turning it into text gives `***`; only `reveal()` gives the value.

    It has no `__iter__`, cannot be pickled and is not JSON, so that no logger, template or serialiser finds the value.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: call this only where it is sent or hashed."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret cannot be pickled or copied")


def members_of(secret: Secret) -> Mapping[str, str]:
    """The text members of a secret that is a JSON object, or base64 of one as a header can carry it.

    Empty for any other: a key is no JSON.
    """
    text = secret.reveal()
    # `{` is 0x7B, whose first six bits are base64's `e`. A JWT begins so too, but has dots.
    if text.startswith("e"):
        try:
            text = base64.b64decode(text, validate=True).decode()
        except ValueError:  # no base64, or of no text
            return {}
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}
