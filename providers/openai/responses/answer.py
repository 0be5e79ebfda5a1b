"""An answer as events, item by item: what the stream and the whole body have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from providers.events import Event, Failed, Finished, FinishReason, ProviderFields, Started, UsageReported
from providers.jsonwalk import JsonObject, child, children, integer, text, without
from providers.openai.responses.failure import failure, protocol_error
from providers.openai.responses.item import Call, Item, Message, Reasoning, item_of
from providers.openai.responses.position import Position
from providers.openai.responses.usage import parse_usage

if TYPE_CHECKING:
    from typing import TypeVar

    Kind = TypeVar("Kind", Message, Reasoning)

_INCOMPLETE: Final[dict[str, FinishReason]] = {"max_output_tokens": "length", "content_filter": "content_filter"}

# Of the response object: what other events say, and what only repeats the request. The rest is news (`service_tier`).
_TOLD: Final = frozenset({
    "id", "object", "created_at", "completed_at", "status", "model", "output", "output_text", "usage", "error",
    "incomplete_details", "background", "conversation", "frequency_penalty", "include", "input", "instructions",
    "max_output_tokens", "max_tool_calls", "metadata", "parallel_tool_calls", "presence_penalty",
    "previous_response_id", "prompt", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "reasoning",
    "safety_identifier", "store", "stream", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p",
    "truncation", "user",
})  # fmt: skip


class Answer:
    """Call `start`, then whatever comes, and `finish` with the response object as it is at its end."""

    def __init__(self, provider: str, maker: str) -> None:
        """`maker`: the name of whose sealed thinking it is, where an item does not say."""
        self.started = False
        self._position = Position(provider, maker)
        self._open: dict[int, Item] = {}
        self._began = False
        self._phase: str | None = None

    def start(self, response: JsonObject) -> list[Event]:
        self.started = True
        return [Started(text(response, "id"), text(response, "model"), integer(response, "created_at"))]

    def begin(self, index: int, item: JsonObject) -> list[Event]:
        """An item at `index` of `output`. One that is open there has no further pieces."""
        self._began = True
        events = self._closed(index, {})
        opened = self._open[index] = item_of(item, self._position)
        return [*events, *opened.begin(item)]

    def message(self, index: int) -> Message:
        return self._at(index, Message)

    def reasoning(self, index: int) -> Reasoning:
        return self._at(index, Reasoning)

    def call(self, index: int) -> Call:
        """Raises `UpstreamProtocolError` where none has begun: nobody could tell which call it is."""
        call = self._open.get(index)
        if not isinstance(call, Call):
            raise protocol_error("a piece of a tool call that has not begun", self._position.provider)
        return call

    def end(self, index: int, item: JsonObject) -> list[Event]:
        """The item as it is at its end, whether or not its beginning was told."""
        events = [] if index in self._open else self.begin(index, item)
        # Two messages of one answer are one in chat completions: the last one's phase is what they come to.
        self._phase = text(item, "phase") or self._phase
        return [*events, *self._closed(index, item)]

    def finish(self, status: str, response: JsonObject) -> list[Event]:
        """Usage comes last, as in OpenAI's streams. An answer that failed ends in its error, and nothing else."""
        if status not in ("completed", "incomplete"):
            error = child(response, "error") or {"message": f"the provider ended its answer as {status}"}
            return [Failed(failure(error, self._position.provider))]
        events = [event for index in tuple(self._open) for event in self._closed(index, {})]
        output = list(children(response, "output"))
        if not self._began:  # a host that streams nothing but the end
            for index, item in enumerate(output):
                events += self.end(index, item)
        if not self._position.sealed:
            events += self._sealed_late(output)
        if self._phase is not None:
            events.append(ProviderFields({"phase": self._phase}, "message"))
        fields = {name: value for name, value in without(response, *_TOLD).items() if value not in ("", [], {})}
        if fields:
            events.append(ProviderFields(fields))
        events.append(self._finished(status, response))
        usage = child(response, "usage")
        return [*events, UsageReported(parse_usage(usage))] if usage else events

    def _sealed_late(self, output: list[JsonObject]) -> list[Event]:
        """Of a host whose items are sealed in the response object alone, where xAI's page says to take them from:
        https://docs.x.ai/developers/advanced-api-usage/troubleshooting-reasoning."""
        sealed = [item for item in output if text(item, "type") == "reasoning" and text(item, "encrypted_content")]
        shown = ("summary", "content")  # which the items themselves have said
        return [event for item in sealed for event in Reasoning(self._position).end(without(item, *shown))]

    def _finished(self, status: str, response: JsonObject) -> Finished:
        if status == "completed":
            return Finished("tool_calls" if self._position.calls else "stop")
        native = text(child(response, "incomplete_details"), "reason")
        known = native in _INCOMPLETE
        return Finished(_INCOMPLETE.get(native or "", "length"), None if known else native, known=known)

    def _at(self, index: int, kind: type[Kind]) -> Kind:
        """The open item at `index`; one whose pieces come before its beginning begins with them."""
        item = self._open.get(index)
        if item is None:
            self._began = True
            item = self._open[index] = kind(self._position)
        if not isinstance(item, kind):
            raise protocol_error("a piece of another item than has begun", self._position.provider)
        return item

    def _closed(self, index: int, item: JsonObject) -> list[Event]:
        opened = self._open.pop(index, None)
        return [] if opened is None else opened.end(item)
