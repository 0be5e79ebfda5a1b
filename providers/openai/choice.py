"""One choice of an answer: its deltas, or its whole message, to events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from providers.errors import UpstreamDown
from providers.events import Citation, Failed, Finished, ProviderFields, RefusalDelta, TextDelta
from providers.jsonwalk import child, children, integer, text, without
from providers.openai.errors import error_within
from providers.openai.finish import BROKEN_OFF, finished
from providers.openai.reasoning import Thoughts
from providers.openai.tool_calls import ToolCalls

if TYPE_CHECKING:
    from providers.events import Event
    from providers.jsonwalk import Json, JsonObject

_TextKind: TypeAlias = Literal["text", "refusal"]

_MESSAGE: Final = (
    "role", "content", "refusal", "reasoning_content", "reasoning", "reasoning_details", "tool_calls", "function_call",
    "annotations", "padding",  # Copilot's filler against guessing a message from its length
)  # fmt: skip
_CHOICE: Final = ("index", "delta", "message", "finish_reason", "native_finish_reason", "error")


class ChoiceReader:
    """State of one choice. A part begins where the kind of content changes, so that the parts keep their order."""

    def __init__(self, index: int, provider: str) -> None:
        self.index = index
        self.finish: Finished | None = None
        self._provider = provider
        self._begun = False
        self._parts = 0
        self._text: tuple[_TextKind, int] | None = None
        self._told: JsonObject = {}
        self._thoughts = Thoughts(index, self._begin, lambda: self._parts - 1)
        self._calls = ToolCalls(index, self._begin)

    def delta(self, choice: JsonObject) -> list[Event]:
        """One entry of a chunk's `choices`. Perplexity and Writer repeat in `message` what `delta` says: not read,
        save in a first chunk without a delta, which is all that its host will say."""
        message = child(choice, "delta")
        if not message and not self._begun:
            message = child(choice, "message")
        events = self._content(message, whole=False)
        for item in children(message, "tool_calls"):
            events += self._calls.add(item)
        legacy = child(message, "function_call")
        if text(legacy, "name") or text(legacy, "arguments"):
            events += self._calls.add_legacy(legacy)
        events += [*self._annotations(message), *self._rest(message, choice), *self._end(choice)]
        if self._begun:
            return events
        # The official SDK's helper for streams wants choices to begin in order: a hit keeps the chunk with the role.
        self._begun = True
        return events or self._beginning()

    def whole(self, choice: JsonObject) -> list[Event]:
        """One entry of a whole answer's `choices`."""
        message = child(choice, "message")
        events = self._content(message, whole=True)
        for item in children(message, "tool_calls"):
            events += self._calls.add_whole(item)
        legacy = child(message, "function_call")
        if text(legacy, "name") or text(legacy, "arguments"):
            events += self._calls.add_whole_legacy(legacy)
        events += [*self._annotations(message), *self._rest(message, choice), *self._end(choice)]
        return events or self._beginning()

    def flush(self) -> list[Event]:
        """What was held back, where no more comes."""
        return self._calls.flush()

    def _beginning(self) -> list[Event]:
        return [ProviderFields({}, "choice", self.index)]

    def _begin(self) -> int:
        self._parts += 1
        return self._parts - 1

    def _content(self, message: JsonObject, *, whole: bool) -> list[Event]:
        events = self._thoughts.add(message, whole=whole)
        content = message.get("content")
        for part in content if isinstance(content, list) else [content]:
            events += self._part(part)
        return [*events, *self._say("refusal", text(message, "refusal"))]

    def _part(self, part: Json) -> list[Event]:
        """A content part; a string is text. Mistral's models think in parts of their own."""
        if isinstance(part, str):
            return self._say("text", part)
        if not isinstance(part, dict):
            return []
        match text(part, "type"):
            case "text" | "output_text" | None if isinstance(part.get("text"), str):
                return self._say("text", text(part, "text"))
            case "refusal":
                return self._say("refusal", text(part, "refusal"))
            case "thinking":
                inner = part.get("thinking")
                pieces = [text(piece, "text") or "" for piece in children(part, "thinking")]
                return self._thoughts.add_plain(inner if isinstance(inner, str) else "".join(pieces))
            case _:
                return [ProviderFields({"content_parts": [part]}, "message", self.index)]

    def _say(self, kind: _TextKind, said: str | None) -> list[Event]:
        if not said:
            return []
        if self._text is None or self._text != (kind, self._parts - 1):
            self._text = (kind, self._begin())
        part = self._text[1]
        return [TextDelta(part, said, self.index) if kind == "text" else RefusalDelta(part, said, self.index)]

    def _annotations(self, message: JsonObject) -> list[Event]:
        events: list[Event] = []
        for item in children(message, "annotations"):
            if text(item, "type") == "url_citation":
                events.append(_citation(item, self.index))
            else:
                events.append(ProviderFields({"annotations": [item]}, "message", self.index))
        return events

    def _rest(self, message: JsonObject, choice: JsonObject) -> list[Event]:
        """Members without a word here. A chunk that repeats a value adds nothing, unless lists in it grow."""
        events: list[Event] = []
        if unknown := without(message, *_MESSAGE):
            events.append(ProviderFields(unknown, "message", self.index))
        beside = without(choice, *_CHOICE)
        news = {key: value for key, value in beside.items() if _grows(value) or self._told.get(key) != value}
        if news:
            self._told.update(news)
            events.append(ProviderFields(news, "choice", self.index))
        return events

    def _end(self, choice: JsonObject) -> list[Event]:
        word = text(choice, "finish_reason")
        error = choice.get("error")
        if error or (word and word.lower() in BROKEN_OFF):
            broken = UpstreamDown("the provider broke off the answer", provider=self._provider)
            return [*self.flush(), Failed(error_within(error, self._provider) if error else broken)]
        if not word:  # Snowflake writes "" for null
            return []
        finish = finished(word, text(choice, "native_finish_reason"), self.index)
        if finish == self.finish:  # OpenRouter says it again in the usage chunk
            return self.flush()
        self.finish = finish
        return [*self.flush(), finish]


def _grows(value: Json) -> bool:
    """Whether equal values in two chunks are two pieces: lists are joined (`logprobs.content`)."""
    return isinstance(value, list) or (isinstance(value, dict) and any(_grows(inner) for inner in value.values()))


def _citation(item: JsonObject, choice: int) -> Citation:
    """OpenAI nests the members under `url_citation`; some hosts write them beside `type`."""
    nested = child(item, "url_citation")
    outer = without(item, "type", "url_citation") if nested else {}
    source: JsonObject = {**outer, **nested} if nested else without(item, "type", "url_citation")
    url, title = text(source, "url"), text(source, "title")
    start, end = integer(source, "start_index"), integer(source, "end_index")
    read = {"url": url, "title": title, "start_index": start, "end_index": end}
    extra = without(source, *(name for name, value in read.items() if value is not None))
    return Citation(url, title, None, start, end, extra, choice)
