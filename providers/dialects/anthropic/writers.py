"""Content blocks in the making: what each kind says of its part, as events of Anthropic's stream without their index.

A whole message is made by the same hands: it is the stream put together (`providers.dialects.anthropic.whole`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from providers.completion import ReasoningPart
from providers.dialects.anthropic.citation import citation_object
from providers.dialects.anthropic.thought import CLAUDE, data_of, signature_of
from providers.events import Citation, ReasoningDelta, RefusalDelta, TextDelta, ToolCallDelta, ToolCallStarted
from providers.extent import Extent
from providers.jsonwalk import dump, text, without

if TYPE_CHECKING:
    from providers.events import ToolKind
    from providers.jsonwalk import JsonObject


class Writer(Protocol):
    """One part. `complete`: another may begin, as far as this one can tell; `over`: nothing more can come of it."""

    @property
    def complete(self) -> bool: ...

    @property
    def over(self) -> bool: ...

    def say(self, event: object) -> list[JsonObject]: ...

    def end(self) -> list[JsonObject]:
        """What is left to say, and the block's stop if it was started. A part that said nothing is no block."""
        ...


def _start(block: JsonObject) -> JsonObject:
    return {"type": "content_block_start", "content_block": block}


def _delta(kind: str, **said: str | JsonObject) -> JsonObject:
    return {"type": "content_block_delta", "delta": {"type": kind, **said}}


_STOP: JsonObject = {"type": "content_block_stop"}


class TextWriter:
    """Text, or a refusal: there is no other place for that. Empty text is none, as at Anthropic."""

    complete = True
    over = False

    def __init__(self) -> None:
        self._started = False

    def say(self, event: object) -> list[JsonObject]:
        match event:
            case TextDelta(text=said) | RefusalDelta(text=said) if said:
                return [*self._begin(), _delta("text_delta", text=said)]
            case Citation():
                return [*self._begin(), _delta("citations_delta", citation=citation_object(event))]
            case _:
                return []

    def end(self) -> list[JsonObject]:
        return [_STOP] if self._started else []

    def _begin(self) -> list[JsonObject]:
        first, self._started = not self._started, True
        return [_start({"type": "text", "text": ""})] if first else []


class ThoughtWriter:
    """Thinking. What seals it is said once, at its end: clients take each signature for all of it.

    A block without text is `redacted_thinking` where it is encrypted. Claude's own is given even if it is empty.
    """

    complete = True
    over = False

    def __init__(self) -> None:
        self._said: list[ReasoningDelta] = []
        self._started = False

    def say(self, event: object) -> list[JsonObject]:
        if not isinstance(event, ReasoningDelta):
            return []
        self._said.append(event)
        if not event.text:
            return []
        return [*self._begin(), _delta("thinking_delta", thinking=event.text)]

    def end(self) -> list[JsonObject]:
        part = self._part()
        if part.data and not self._started:
            return [_start({"type": "redacted_thinking", "data": data_of(part)}), _STOP]
        if not self._started and not part.signature and part.format != CLAUDE:
            return []
        signature = signature_of(part)
        sealed = [_delta("signature_delta", signature=signature)] if signature else []
        return [*self._begin(), *sealed, _STOP]

    def _begin(self) -> list[JsonObject]:
        first, self._started = not self._started, True
        return [_start({"type": "thinking", "thinking": "", "signature": ""})] if first else []

    def _part(self) -> ReasoningPart:
        """As `completion.fold` would have it, without the text, which has been said."""
        return ReasoningPart(
            "",
            "".join([event.signature for event in self._said]),
            "".join([event.data for event in self._said]),
            next((event.format for event in reversed(self._said) if event.format), ""),
            next((event.id for event in reversed(self._said) if event.id), ""),
        )


class ToolWriter:
    """A call. It waits for its first piece, as what else is known of it may come between (`beside`).

    `complete` when its arguments are: of calls that are made at once, pieces may come by turns.
    """

    over = False

    def __init__(self, spare_id: str) -> None:
        """`spare_id`: where the provider gives none."""
        self.started = False
        self._block: JsonObject = {"type": "tool_use", "id": spare_id, "name": "", "input": {}}
        self._kind: ToolKind = "function"
        self._free: list[str] = []
        self._extent = Extent()
        self._argued = False

    @property
    def complete(self) -> bool:
        return self._extent.closed

    def beside(self, fields: JsonObject) -> None:
        self._block |= without(fields, *self._block)

    def say(self, event: object) -> list[JsonObject]:
        match event:
            case ToolCallStarted(_, call_id, name, kind):
                self._block |= {"name": name, **({"id": call_id} if call_id else {})}
                self._kind = kind
                return []
            case ToolCallDelta(_, arguments) if self._kind == "custom":
                self._free.append(arguments)
                return []
            case ToolCallDelta(_, arguments) if self._argued or arguments.strip():
                self._extent.add(arguments)
                self._argued = True
                return [*self._begin(), _delta("input_json_delta", partial_json=arguments)]
            case _:
                return []

    def end(self) -> list[JsonObject]:
        """An input is an object: no arguments are the empty one, and free text is a member of one."""
        left = "" if self._argued else "{}"
        if self._kind == "custom":
            left = dump({"input": "".join(self._free)}).decode()
        said = [_delta("input_json_delta", partial_json=left)] if left else []
        return [*self._begin(), *said, _STOP]

    def _begin(self) -> list[JsonObject]:
        first, self.started = not self.started, True
        return [_start(self._block)] if first else []


class KeptWriter:
    """A block of Anthropic's own that has no word in the neutral answer, whole.

    The input of a tool that Anthropic runs comes as pieces of JSON, as it does from there.
    """

    complete = True
    over = True

    def __init__(self, block: JsonObject) -> None:
        self._block = block

    def say(self, event: object) -> list[JsonObject]:  # noqa: ARG002 - it was all said before
        return []

    def end(self) -> list[JsonObject]:
        given = self._block.get("input")
        if (text(self._block, "type") or "").endswith("tool_use") and isinstance(given, dict):
            said = _delta("input_json_delta", partial_json=dump(given).decode())
            return [_start({**self._block, "input": {}}), said, _STOP]
        return [_start(self._block), _STOP]
