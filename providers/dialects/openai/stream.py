"""A streamed answer as `chat.completion.chunk` events, ended by `[DONE]`."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, assert_never

from providers.completion import merge_fields
from providers.dialects.openai.error import error_body
from providers.dialects.openai.reasoning import ThoughtEncoder
from providers.dialects.openai.whole import annotation, finish_fields, usage_object
from providers.events import (
    TOOL_CALL_FIELDS,
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
    ToolKind,
    UsageReported,
)
from providers.growing import Growing
from providers.jsonwalk import child, dump, without
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.base import Stamp
    from providers.jsonwalk import Json, JsonObject

DONE = b"data: [DONE]\n\n"


class ChunkEncoder:
    """One chunk for one event. Usage comes once, in a chunk of its own with no choices, and only if asked for."""

    content_type: ClassVar[Literal["text/event-stream"]] = "text/event-stream"

    def __init__(self, stamp: Stamp, *, include_usage: bool) -> None:
        self._stamp = stamp
        self._include_usage = include_usage
        self._usage = Growing(Usage.updated)
        self._choices: dict[int, _ChoiceState] = {}
        self._pending: JsonObject = {}
        self._head = self._envelope(Started())

    def feed(self, event: Event) -> bytes:
        match event:
            case Started():
                self._head = self._envelope(event)
                return b""
            case UsageReported(usage):
                self._usage.add(usage)
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
        usage = self._usage.whole()
        if self._include_usage and usage is not None:
            frames.append(self._chunk([], {"usage": usage_object(usage)}))
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
        before = state.thoughts.ended_by(event)
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
        ended = [(index, state.thoughts.close()) for index, state in sorted(self._choices.items())]
        return [(index, thoughts) for index, thoughts in ended if thoughts]


class _ChoiceState:
    """What a choice's later chunks depend on: has the role been said, which tool is which, the thoughts."""

    __slots__ = ("_counts", "_role", "_tools", "thoughts")

    def __init__(self) -> None:
        self._role: JsonObject = {"role": "assistant"}
        self._tools: dict[int, tuple[int, ToolKind]] = {}
        self._counts: dict[str, int] = {}
        self.thoughts = ThoughtEncoder()

    def take_role(self) -> JsonObject:
        role, self._role = self._role, {}
        return role

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
                return self.thoughts.say(event)
            case ToolCallStarted() | ToolCallDelta():
                return self._tool(event)
            case Citation():
                return self._numbered({"annotations": [annotation(event)]})
            case ProviderFields():
                return self._fields(event.fields)
            case _:  # pragma: no cover
                assert_never(event)

    def _fields(self, fields: JsonObject) -> JsonObject:
        """What tool calls have beyond their own words goes back to them, by their number."""
        beside = child(fields, TOOL_CALL_FIELDS)
        if not beside:
            return self._numbered(fields)
        calls: list[Json] = [
            # A function in each entry: the official SDK asserts that there is one.
            {"index": int(number), **merge_fields({"function": {"arguments": ""}}, child(beside, number))}
            for number in beside
            if number.isdecimal()
        ]
        return {**self._numbered(without(fields, TOOL_CALL_FIELDS)), "tool_calls": calls}

    def _numbered(self, fields: JsonObject) -> JsonObject:
        """Objects in a list get an `index`, as tool calls have it: the official SDK puts no others together."""
        return {name: [*self._entries(name, said)] if isinstance(said, list) else said for name, said in fields.items()}

    def _entries(self, name: str, said: list[Json]) -> Iterator[Json]:
        for entry in said:
            number = self._counts[name] = self._counts.get(name, -1) + 1
            yield {"index": number, **entry} if isinstance(entry, dict) else entry

    def _tool(self, event: ToolCallStarted | ToolCallDelta) -> JsonObject:
        """Tools are counted from 0 whatever else stands between them; a content part's own number would mislead."""
        if isinstance(event, ToolCallStarted):
            index, kind = len(self._tools), event.kind
            self._tools[event.part] = (index, kind)
            call: JsonObject = {"index": index, "id": event.id, "type": kind}
            inner: JsonObject = {"name": event.name, "input" if kind == "custom" else "arguments": ""}
        else:
            index, kind = self._tools[event.part]
            call = {"index": index}
            inner = {"input" if kind == "custom" else "arguments": event.arguments}
        return {"function_call": inner} if kind == "function_call" else {"tool_calls": [{**call, kind: inner}]}


def _frame(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"
