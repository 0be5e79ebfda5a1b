"""A streamed answer as `chat.completion.chunk` events, ended by `[DONE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, assert_never

from providers.completion import ReasoningPart, merge_fields
from providers.dialects.openai.error import error_body
from providers.dialects.openai.reasoning import reasoning_detail
from providers.dialects.openai.whole import annotation, finish_fields, usage_object
from providers.events import (
    Citation,
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.base import Stamp
    from providers.jsonwalk import JsonObject
    from providers.usage import Usage

DONE = b"data: [DONE]\n\n"


class ChunkEncoder:
    """One chunk for one event. Usage comes once, in a chunk of its own with no choices, and only if asked for."""

    content_type: ClassVar[Literal["text/event-stream"]] = "text/event-stream"

    def __init__(self, stamp: Stamp, *, include_usage: bool) -> None:
        self._stamp = stamp
        self._include_usage = include_usage
        self._usage: Usage | None = None
        self._choices: dict[int, _ChoiceState] = {}
        self._pending: JsonObject = {}
        self._head = self._envelope(Started())

    def feed(self, event: Event) -> bytes:
        match event:
            case Started():
                self._head = self._envelope(event)
                return b""
            case UsageReported(usage):
                self._usage = usage if self._usage is None else self._usage.updated(usage)
                return b""
            case ProviderFields(fields, "completion"):
                # They ride on the next chunk: a chunk with neither choices nor usage breaks careless clients.
                self._pending.update(fields)
                return b""
            case Failed(error):
                return _frame(error_body(error))
            case _:
                return self._choice_event(event)

    def close(self) -> bytes:
        frames = [self._chunk([self._choice(index, thoughts)]) for index, thoughts in self._open_thoughts()]
        if self._include_usage and self._usage is not None:
            frames.append(self._chunk([], {"usage": usage_object(self._usage)}))
        elif self._pending:
            frames.append(self._chunk([]))
        return b"".join([*frames, DONE])

    def _choice_event(
        self,
        event: TextDelta
        | RefusalDelta
        | ReasoningDelta
        | ToolCallStarted
        | ToolCallDelta
        | Citation
        | ProviderFields
        | Finished,
    ) -> bytes:
        state = self._choices.setdefault(event.choice, _ChoiceState())
        before = state.end_thought(event)
        head = self._chunk([self._choice(event.choice, before)]) if before else b""
        match event:
            case ProviderFields(fields, "choice"):
                return head + self._chunk([self._choice(event.choice, {}, fields)])
            case Finished(reason, native):
                return head + self._chunk([self._choice(event.choice, {}, finish_fields(reason, native))])
            case _:
                delta = state.delta(event)
                return head + self._chunk([self._choice(event.choice, delta)]) if delta else head

    def _choice(self, index: int, delta: JsonObject, fields: JsonObject | None = None) -> JsonObject:
        """One entry of `choices`. The first of each choice says the role: clients build the message from it."""
        role = self._choices.setdefault(index, _ChoiceState()).take_role()
        return {"index": index, "delta": {**role, **delta}, "finish_reason": None, **(fields or {})}

    def _chunk(self, choices: list[JsonObject], fields: JsonObject | None = None) -> bytes:
        body: JsonObject = {**self._head, "choices": [*choices]}
        if self._include_usage:
            body["usage"] = None  # as OpenAI does: null in every chunk but the last
        if self._pending:
            body = merge_fields(body, self._pending)
            self._pending = {}
        return _frame(dump({**body, **(fields or {})}))

    def _envelope(self, started: Started) -> JsonObject:
        stamp = self._stamp
        return {
            "id": started.id or stamp.id,
            "object": "chat.completion.chunk",
            "created": stamp.created if started.created is None else started.created,
            "model": started.model or stamp.model,
        }

    def _open_thoughts(self) -> list[tuple[int, JsonObject]]:
        ended = [(index, state.close_thought()) for index, state in sorted(self._choices.items())]
        return [(index, thoughts) for index, thoughts in ended if thoughts]


class _ChoiceState:
    """What a choice's later chunks depend on: has the role been said, which tool is which, the thought under way."""

    __slots__ = ("_part", "_role", "_thought", "_thoughts", "_tools")

    def __init__(self) -> None:
        self._role: JsonObject = {"role": "assistant"}
        self._tools: dict[int, tuple[int, str]] = {}
        self._part: int | None = None
        self._thought = ReasoningPart()
        self._thoughts = 0

    def take_role(self) -> JsonObject:
        role, self._role = self._role, {}
        return role

    def end_thought(self, event: Event) -> JsonObject:
        """The signed block that `event` ends by belonging to something else, as a delta; empty where there is none."""
        same = isinstance(event, ReasoningDelta) and event.part == self._part
        return {} if same else self.close_thought()

    def close_thought(self) -> JsonObject:
        if self._part is None:
            return {}
        detail = reasoning_detail(self._thought, self._thoughts)
        self._part = None
        self._thought = ReasoningPart()
        self._thoughts += 1
        return {} if detail is None else {"reasoning_details": [detail]}

    def delta(
        self,
        event: TextDelta | RefusalDelta | ReasoningDelta | ToolCallStarted | ToolCallDelta | Citation | ProviderFields,
    ) -> JsonObject:
        match event:
            case TextDelta():
                return {"content": event.text}
            case RefusalDelta():
                return {"refusal": event.text}
            case ReasoningDelta():
                return self._think(event)
            case ToolCallStarted() | ToolCallDelta():
                return {"tool_calls": [self._tool(event)]}
            case Citation():
                return {"annotations": [annotation(event)]}
            case ProviderFields():
                return event.fields
            case _:  # pragma: no cover
                assert_never(event)

    def _think(self, event: ReasoningDelta) -> JsonObject:
        so_far = self._thought
        self._part = event.part
        self._thought = ReasoningPart(
            so_far.text + event.text,
            so_far.signature + event.signature,
            so_far.data + event.data,
            so_far.format or event.format,
            so_far.id or event.id,
        )
        return {"reasoning_content": event.text} if event.text else {}

    def _tool(self, event: ToolCallStarted | ToolCallDelta) -> JsonObject:
        """Tools are counted from 0 whatever else stands between them; a content part's own number would mislead."""
        if isinstance(event, ToolCallStarted):
            index = len(self._tools)
            self._tools[event.part] = (index, event.kind)
            if event.kind == "custom":
                return {"index": index, "id": event.id, "type": "custom", "custom": {"name": event.name, "input": ""}}
            function: JsonObject = {"name": event.name, "arguments": ""}
            return {"index": index, "id": event.id, "type": "function", "function": function}
        index, kind = self._tools[event.part]
        if kind == "custom":
            return {"index": index, "custom": {"input": event.arguments}}
        return {"index": index, "function": {"arguments": event.arguments}}


def _frame(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
