"""The named patch of relayed answers: reasoning in `reasoning_content`, whatever the host calls it.

A relayed answer is the host's own bytes. Two things are changed in it, since a client must find them in one place:
reasoning that stands elsewhere (`reasoning`, `reasoning_details`, parts of the content) is said in
`reasoning_content` too; and content in parts (Mistral) becomes the string that OpenAI's dialect has, what is neither
text nor thinking going to `content_parts`. Answers from the cache are written alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.completion import ReasoningPart, TextPart
from providers.events import ProviderFields, ReasoningDelta, TextDelta
from providers.jsonwalk import MalformedJson, integer
from providers.members import REMOVED, Within, patch_members

if TYPE_CHECKING:
    from providers.completion import Choice, Completion
    from providers.events import Event
    from providers.jsonwalk import Json, JsonObject
    from providers.members import Change


class Gatherer:
    """State of one stream: `content_parts` are numbered as they come, as a hit numbers them."""

    def __init__(self) -> None:
        self._parts: dict[int, int] = {}

    def chunk(self, data: bytes, body: JsonObject, events: list[Event]) -> bytes:
        """`data`, or its patched copy. `events`: what the chunk says."""
        changes: dict[str | int, Change] = {}
        items = body.get("choices")
        for place, item in enumerate(items if isinstance(items, list) else ()):
            delta = item.get("delta") if isinstance(item, dict) else None
            if not isinstance(item, dict) or not isinstance(delta, dict):
                continue
            inner = self._delta(delta, integer(item, "index") or 0, events)
            if inner:
                changes[place] = Within({"delta": Within(inner)})
        return _patched(data, changes)

    def _delta(self, delta: JsonObject, choice: int, events: list[Event]) -> dict[str | int, Change]:
        changes: dict[str | int, Change] = {}
        if not delta.get("reasoning_content") and (
            said := "".join(e.text for e in events if isinstance(e, ReasoningDelta) and e.choice == choice)
        ):
            changes["reasoning_content"] = said
        if not isinstance(delta.get("content"), list):
            return changes
        text = "".join(e.text for e in events if isinstance(e, TextDelta) and e.choice == choice)
        changes["content"] = text or REMOVED
        if parts := [part for e in events for part in _parts(e, choice)]:
            changes["content_parts"] = [self._numbered(part, choice) for part in parts]
        return changes

    def _numbered(self, part: Json, choice: int) -> Json:
        number = self._parts.get(choice, 0)
        self._parts[choice] = number + 1
        return {"index": number, **part} if isinstance(part, dict) else part


def gathered(body: bytes, answer: JsonObject, done: Completion) -> bytes:
    """A whole answer, `answer` being what `body` says and `done` what was read of it; the same bytes where it can."""
    changes: dict[str | int, Change] = {}
    choices = {choice.index: choice for choice in done.choices}
    seen: set[int] = set()
    items = answer.get("choices")
    for place, item in enumerate(items if isinstance(items, list) else ()):
        message = item.get("message") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(message, dict):
            continue
        index = integer(item, "index")
        index = place if index is None or index in seen else index
        seen.add(index)
        inner = _message(message, choices.get(index))
        if inner:
            changes[place] = Within({"message": Within(inner)})
    return _patched(body, changes)


def _message(message: JsonObject, choice: Choice | None) -> dict[str | int, Change]:
    changes: dict[str | int, Change] = {}
    if choice is None:
        return changes
    said = "".join(part.text for part in choice.parts if isinstance(part, ReasoningPart))
    if said and not message.get("reasoning_content"):
        changes["reasoning_content"] = said
    if isinstance(message.get("content"), list):
        changes["content"] = "".join(part.text for part in choice.parts if isinstance(part, TextPart)) or None
        if parts := choice.message_fields.get("content_parts"):
            changes["content_parts"] = parts
    return changes


def _patched(data: bytes, choices: dict[str | int, Change]) -> bytes:
    """A host's JSON may be one that is read and cannot be patched (a member twice): it stays as it is."""
    if not choices:
        return data
    try:
        return patch_members(data, {"choices": Within(choices)})
    except MalformedJson:
        return data


def _parts(event: Event, choice: int) -> list[Json]:
    if isinstance(event, ProviderFields) and event.scope == "message" and event.choice == choice:
        parts = event.fields.get("content_parts")
        return parts if isinstance(parts, list) else []
    return []
