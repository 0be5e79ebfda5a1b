"""One candidate of an answer, as its pieces come."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from providers.events import Event, ProviderFields, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStarted
from providers.google.finish import finished
from providers.google.grounding import citations
from providers.google.logprobs import parse_logprobs
from providers.google.signature import REASONING_FORMAT, text_id
from providers.jsonwalk import JsonObject, child, children, dump, text, without

if TYPE_CHECKING:
    from typing import Literal

# Parts without a word of their own (media, code and its result, Google's own tool calls, kinds not yet known) are kept
# here, in order.
KEPT = "google_parts"

_TEXT = ("text", "thought", "thoughtSignature", "partMetadata")
_MEMBERS = ("content", "index", "finishReason", "logprobsResult")


class Candidate:
    """Call `piece` for each piece and `end` at the end. `name`: what is the answer's own, for ids made here."""

    def __init__(self, index: int, name: str) -> None:
        self._index = index
        self._name = name
        self._part = -1
        self._kind: Literal["text", "thought"] | None = None
        self._texts: list[str] = []
        self._said = 0
        self._calls = 0
        self._around: JsonObject = {}
        self.finish: str | None = None

    def piece(self, candidate: JsonObject) -> list[Event]:
        """What stands around the content is kept until the end: a later piece says it again, and better."""
        events: list[Event] = []
        for part in children(child(candidate, "content"), "parts"):
            events += self._of_part(part)
        if isinstance(candidate.get("logprobsResult"), dict):
            fields = parse_logprobs(child(candidate, "logprobsResult"))
            events.append(ProviderFields(fields, "choice", self._index))
        self._around |= without(candidate, *_MEMBERS)
        self.finish = text(candidate, "finishReason") or self.finish
        return events

    def end(self) -> list[Event]:
        said = "".join(self._texts)
        events: list[Event] = [*citations(self._around, said, self._index)]
        if self._around:
            events.append(ProviderFields(self._around, "choice", self._index))
        return [*events, finished(self.finish or "", calls=self._calls > 0, choice=self._index)]

    def _of_part(self, part: JsonObject) -> list[Event]:
        if isinstance(part.get("functionCall"), dict):
            return self._call(part)
        content = without(part, *_TEXT)
        if content and not isinstance(part.get("text"), str):
            self._kind = None
            return [self._kept(part)]
        said = self._thought(part) if part.get("thought") is True else self._text(part)
        return [*said, self._kept(content)] if content else said

    def _kept(self, part: JsonObject) -> ProviderFields:
        return ProviderFields({KEPT: [part]}, "message", self._index)

    def _text(self, part: JsonObject) -> list[Event]:
        said = text(part, "text") or ""
        start = self._said
        self._said += len(said)
        events: list[Event] = []
        if said:
            self._texts.append(said)
            events.append(TextDelta(self._open("text"), said, self._index))
        return [*events, *self._signature(part, text_id(start, self._said))]

    def _thought(self, part: JsonObject) -> list[Event]:
        said, signature = text(part, "text") or "", text(part, "thoughtSignature") or ""
        if not said and not signature:
            return []
        thought = ReasoningDelta(self._open("thought"), said, signature, format=REASONING_FORMAT, choice=self._index)
        if signature:
            self._kind = None  # what comes after it is another thought
        return [thought]

    def _call(self, part: JsonObject) -> list[Event]:
        function = child(part, "functionCall")
        name = text(function, "name") or ""
        call_id = text(function, "id") or self._made_id(name)
        self._calls += 1
        signed = self._signature(part, call_id)
        self._kind = None
        self._part += 1
        arguments = dump(child(function, "args")).decode()
        return [
            *signed,
            ToolCallStarted(self._part, call_id, name, choice=self._index),
            ToolCallDelta(self._part, arguments, self._index),
        ]

    def _signature(self, part: JsonObject, block_id: str) -> list[Event]:
        signature = text(part, "thoughtSignature")
        if not signature:
            return []
        self._kind = None
        self._part += 1
        return [ReasoningDelta(self._part, data=signature, format=REASONING_FORMAT, id=block_id, choice=self._index)]

    def _open(self, kind: Literal["text", "thought"]) -> int:
        """The number of the part that is under way if it is of this kind, else of a new one."""
        if self._kind != kind:
            self._kind = kind
            self._part += 1
        return self._part

    def _made_id(self, name: str) -> str:
        """For a call to which the model gave none: the same however often it is read, and another in every answer."""
        place = f"{self._name}\n{self._index}\n{self._calls}\n{name}"
        return f"call_{hashlib.sha256(place.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"
