"""The top level of an answer: of each chunk of a stream, or of a whole completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.completion import merge_fields
from providers.errors import UpstreamProtocolError
from providers.events import Failed, ProviderFields, Started, UsageReported
from providers.jsonwalk import child, children, integer, text, without
from providers.openai.choice import ChoiceReader
from providers.openai.errors import error_in, error_within
from providers.openai.usage import parse_usage

if TYPE_CHECKING:
    from providers.events import Event
    from providers.jsonwalk import JsonObject
    from providers.openai.host import Host
    from providers.usage import Usage

_KNOWN: Final = (
    "id", "object", "created", "model", "choices", "usage", "error",
    "obfuscation", "p",  # filler of OpenAI and Mistral against guessing a chunk from its length
)  # fmt: skip


_PLAIN: Final = frozenset({"chat.completion.chunk", "chat.completion"})

# An object that grows with each chunk would be said again with each, ever longer. Beyond, it is what was said last.
_MOST_MERGED: Final = 100


class AnswerReader:
    """State of one answer."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._choices: dict[int, ChoiceReader] = {}
        self._started = False
        self._fields: JsonObject = {}
        self._unsaid: JsonObject = {}
        self._merged = 0
        self._usage: Usage | None = None

    @property
    def ended(self) -> int:
        """How many choices there are, if every one that began has said why it ended; else 0."""
        return len(self._choices) if all(choice.finish for choice in self._choices.values()) else 0

    def chunk(self, body: JsonObject) -> list[Event]:
        """Events of one chunk; the last is `Failed` where it holds an error."""
        error = error_in(body)
        if error is not None:
            return [*self._report(body), Failed(error_within(error, self._host.name))]
        events = self._top(body)
        said: list[Event] = []
        for item in children(body, "choices"):
            said += self._choice(integer(item, "index") or 0).delta(item)
            if said and isinstance(said[-1], Failed):
                return [*self._report(body), *events, *said]
        return [*events, *_labelled(body, said), *self._report(body)]

    def whole(self, body: JsonObject) -> list[Event]:
        """Events of a whole completion. Raises its error, or `UpstreamProtocolError` where it is none."""
        error = error_in(body)
        if error is not None:
            raise error_within(error, self._host.name)
        if not isinstance(body.get("choices"), list):
            raise UpstreamProtocolError("the provider's answer is not a chat completion", provider=self._host.name)
        self._started = True
        events: list[Event] = [_started(body), *self._top(body)]
        for number, item in enumerate(children(body, "choices")):
            index = integer(item, "index")
            if index is None or index in self._choices:  # some hosts number every choice 0
                index = number
            events += self._choice(index).whole(item)
        return [*events, *self._report(body)]

    def end(self) -> list[Event]:
        """What was held back, at the end of the stream."""
        events = [] if self._started or not self._unsaid else self._start({})
        return [*events, *(event for choice in self._choices.values() for event in choice.flush())]

    def _choice(self, index: int) -> ChoiceReader:
        reader = self._choices.get(index)
        if reader is None:
            reader = self._choices[index] = ChoiceReader(index, self._host.name)
        return reader

    def _top(self, body: JsonObject) -> list[Event]:
        """Azure's first chunk has neither id nor choices: what it says waits, for a stream begins with `Started`."""
        self._hear(without(body, *_KNOWN))
        if not self._started and (text(body, "id") or body.get("choices") or body.get("usage")):
            return self._start(body)
        return self._say() if self._started else []

    def _start(self, body: JsonObject) -> list[Event]:
        self._started = True
        return [_started(body), *self._say()]

    def _hear(self, fields: JsonObject) -> None:
        for key, value in fields.items():
            before, now = self._fields.get(key), value
            # Said in full each time, but an object may say one thing first and another last (`x_groq`).
            if isinstance(before, dict) and isinstance(value, dict) and self._merged < _MOST_MERGED:
                self._merged += 1
                now = merge_fields(before, value)
            if now != before:
                self._fields[key] = self._unsaid[key] = now

    def _say(self) -> list[Event]:
        unsaid, self._unsaid = self._unsaid, {}
        return [ProviderFields(unsaid)] if unsaid else []

    def _report(self, body: JsonObject) -> list[Event]:
        reported = child(body, "usage")
        if not reported and self._host.usage_under is not None:
            reported = child(child(body, self._host.usage_under), "usage")
        if not reported:
            return []
        usage = parse_usage(reported, reasoning_apart=self._host.reasoning_apart)
        if usage == self._usage:
            return []
        self._usage = usage
        return [UsageReported(usage)]


def _labelled(body: JsonObject, said: list[Event]) -> list[Event]:
    """`said`, and what its chunk is, where it is no plain one: clients of Perplexity's concise streams go by it
    (`chat.reasoning`). A chunk that says nothing else stays one of its own, so that a hit labels no other by it."""
    kind = text(body, "object")
    if not kind or kind in _PLAIN:
        return said
    return [ProviderFields({"object": kind}), *(said or [ProviderFields({}, "choice")])]


def _started(body: JsonObject) -> Started:
    return Started(text(body, "id") or None, text(body, "model") or None, integer(body, "created") or None)
