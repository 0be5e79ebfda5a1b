"""Ids of tool calls in the form that a host takes. They link an answer to its call and mean nothing else.

So a conversation whose earlier turns another provider answered can go on at a host that takes only its own kind.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from providers.members import Within

if TYPE_CHECKING:
    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change

_LENGTH: Final = 9
_FORM: Final = re.compile(r"[a-zA-Z0-9]{9}", re.ASCII)
_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def short_ids(message: JsonObject) -> dict[str | int, Change]:
    """Changes in one message: nine letters and digits for every id, the same ones for the same id at every turn."""
    changes: dict[str | int, Change] = {}
    answered = _short(message.get("tool_call_id"))
    if answered is not None:
        changes["tool_call_id"] = answered
    calls = message.get("tool_calls")
    listed = enumerate(calls) if isinstance(calls, list) else ()
    called = {number: _short(call.get("id")) for number, call in listed if isinstance(call, dict)}
    renamed: dict[str | int, Change] = {number: Within({"id": name}) for number, name in called.items() if name}
    if renamed:
        changes["tool_calls"] = Within(renamed)
    return changes


def _short(name: Json) -> str | None:
    """None where it may stay."""
    if not isinstance(name, str) or _FORM.fullmatch(name):
        return None
    number = int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest())
    letters = []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return "".join(letters)
