"""Streams as lists of events, whatever carries them: what a fuzzer cuts, mixes and changes.

Nothing here names a provider. How one frames its stream is told by which end-less stream of comments it takes, and the
words of its wire are the literals of the package that reads it, so that a new provider is fuzzed without an edit.
"""

from __future__ import annotations

import ast
import json
import re
import struct
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

from providers.bedrock.frame import FrameDecoder
from providers.errors import UpstreamError
from providers.sse import SseDecoder
from tests.providers.wires import speaker
from tests.wire.recordings import recordings

if TYPE_CHECKING:
    from collections.abc import Iterator

# A kind (the event's name, where its frame has one) and what it says: JSON, or bytes that are none (`[DONE]`).
FuzzedEvent: TypeAlias = "tuple[str, Any]"

# Longer recordings are the same again: they cost time and show nothing new.
_MAX_SEED: Final = 24 * 1024


class EventStream:
    """Server-sent events."""

    @staticmethod
    def pack(event: FuzzedEvent) -> bytes:
        kind, said = event
        data = said if isinstance(said, bytes) else spelt(said)
        return (f"event: {kind}\n".encode() if kind else b"") + b"data: " + data + b"\n\n"

    @staticmethod
    def unpack(body: bytes) -> list[FuzzedEvent]:
        decoder = SseDecoder()
        frames = [*decoder.feed(body), *decoder.close()]
        return [(frame.event, _read(frame.data)) for frame in frames if frame.data]


class BinaryEventStream:
    """Amazon's `application/vnd.amazon.eventstream`."""

    @staticmethod
    def pack(event: FuzzedEvent) -> bytes:
        kind, said = event
        message = "exception" if kind.endswith("Exception") else "event"
        named = {f":{message}-type": kind, ":content-type": "application/json", ":message-type": message}
        section = b"".join(_header(name, value) for name, value in named.items())
        payload = said if isinstance(said, bytes) else spelt(said)
        prelude = struct.pack(">II", 16 + len(section) + len(payload), len(section))
        data = prelude + struct.pack(">I", crc32(prelude)) + section + payload
        return data + struct.pack(">I", crc32(data))

    @staticmethod
    def unpack(body: bytes) -> list[FuzzedEvent]:
        frames = FrameDecoder().feed(body)
        return [(frame.text(":event-type") or frame.text(":exception-type"), _read(frame.payload)) for frame in frames]


Framing: TypeAlias = type[EventStream] | type[BinaryEventStream]


def spelt(value: Any) -> bytes:
    """JSON, in which a `bytes` stands for itself: for what no serialiser would write."""
    marks: list[bytes] = []

    def mark(raw: object) -> str:
        assert isinstance(raw, bytes)
        marks.append(raw)
        return f"\0{len(marks) - 1}\0"

    text = json.dumps(value, default=mark).encode()
    for number, raw in enumerate(marks):
        text = text.replace(f'"\\u0000{number}\\u0000"'.encode(), raw)
    return text


@cache
def framing_of(name: str) -> Framing:
    try:
        speaker(name).stream().feed(b": comment\n\n" * 4)
    except UpstreamError:
        return BinaryEventStream
    return EventStream


@cache
def words_of(name: str) -> tuple[str, ...]:
    """Every literal that may be a word of this wire: names of members, types of events, reasons to stop."""
    package = type(speaker(name).stream()).__module__.rpartition(".")[0]
    folder = Path(str(import_module(package).__file__)).parent
    literals = {
        node.value
        for file in folder.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return tuple(sorted(word for word in literals if re.fullmatch(r"[A-Za-z][A-Za-z0-9_\-.]{1,40}", word)))


@cache
def seeds_of(name: str) -> tuple[tuple[FuzzedEvent, ...], ...]:
    """Whole streams that this provider reads to their end: recorded ones, and those below."""
    return _seeds(speaker(name).wire, framing_of(name), name)


def seeds_everywhere() -> Iterator[bytes]:
    yield from _AUTHORED
    for recording in recordings():
        if recording.stream and recording.status == 200 and len(recording.body) <= _MAX_SEED:
            yield recording.body


_by_wire: dict[str, tuple[tuple[FuzzedEvent, ...], ...]] = {}


def _seeds(wire: str, framing: Framing, name: str) -> tuple[tuple[FuzzedEvent, ...], ...]:
    if wire not in _by_wire:
        _by_wire[wire] = tuple(tuple(framing.unpack(body)) for body in seeds_everywhere() if _is_read(name, body))
    return _by_wire[wire]


def _is_read(name: str, body: bytes) -> bool:
    stream = speaker(name).stream()
    try:
        stream.feed(body)
        stream.close()
    except UpstreamError:
        return False
    return True


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()


def _sse(*events: Any, kinds: bool = False) -> bytes:
    return b"".join(EventStream.pack((event["type"] if kinds else "", event)) for event in events)


def _chunk(**delta: Any) -> Any:
    finish = delta.pop("finish_reason", None)
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


# One stream of each wire, with reasoning, text, two calls and usage, for where no recordings are at hand.
_AUTHORED: Final = (
    _sse(
        _chunk(role="assistant", reasoning_content="hm"),
        _chunk(content="Bonjour, le monde \N{SNOWMAN}"),
        _chunk(tool_calls=[{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}]),
        _chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"x":'}}]),
        _chunk(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
        _chunk(tool_calls=[{"index": 1, "id": "b", "function": {"name": "g", "arguments": "{}"}}]),
        _chunk(finish_reason="tool_calls"),
        {"id": "c1", "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}},
    )
    + b"data: [DONE]\n\n",
    _sse(
        {"type": "message_start", "message": {"id": "m1", "model": "m", "content": [], "usage": {"input_tokens": 3}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "sig"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Bonjour"}},
        {"type": "content_block_delta", "index": 1, "delta": {"type": "citations_delta", "citation": {"url": "u"}}},
        {"type": "content_block_stop", "index": 1},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "t", "name": "f"}},
        {"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
        {"type": "content_block_stop", "index": 2},
        {"type": "content_block_start", "index": 3, "content_block": {"type": "server_tool_use", "id": "s"}},
        {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"q":1}'}},
        {"type": "content_block_stop", "index": 3},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
        kinds=True,
    ),
    _sse(
        {"responseId": "r", "candidates": [{"content": {"parts": [{"text": "hm", "thought": True}]}, "index": 0}]},
        {"candidates": [{"content": {"parts": [{"text": "Bonjour", "thoughtSignature": "c2ln"}]}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"x": 1}}}]}}]},
        {"candidates": [{"finishReason": "STOP", "groundingMetadata": {"groundingChunks": [{"web": {"uri": "u"}}]}}]},
        {"usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5}, "modelVersion": "m"},
    ),
    _sse(
        {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "hm"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"text": "Bonjour"}}}},
        {
            "type": "citation-start",
            "index": 0,
            "delta": {"message": {"citations": {"start": 0, "end": 3, "text": "B"}}},
        },
        {"type": "content-end", "index": 0},
        {
            "type": "tool-call-start",
            "index": 0,
            "delta": {"message": {"tool_calls": {"id": "t", "function": {"name": "f"}}}},
        },
        {
            "type": "tool-call-delta",
            "index": 0,
            "delta": {"message": {"tool_calls": {"function": {"arguments": "{}"}}}},
        },
        {"type": "tool-call-end", "index": 0},
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 3}}}},
    ),
    _sse(
        {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 1, "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning", "id": "rs_1"}},
        {"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "hm"},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"type": "reasoning", "id": "rs_1", "summary": [{"text": "hm"}], "encrypted_content": "c2ln"},
        },
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Bonjour"},
        {
            "type": "response.output_text.annotation.added",
            "output_index": 1,
            "content_index": 0,
            "annotation": {"type": "url_citation", "url": "u", "start_index": 0, "end_index": 3},
        },
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {"type": "message", "content": [{"type": "output_text", "text": "Bonjour"}]},
        },
        {
            "type": "response.output_item.added",
            "output_index": 2,
            "item": {"type": "function_call", "id": "fc_1", "call_id": "t", "name": "f"},
        },
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
        {
            "type": "response.output_item.done",
            "output_index": 2,
            "item": {"type": "function_call", "id": "fc_1", "call_id": "t", "name": "f", "arguments": "{}"},
        },
        {"type": "response.completed", "response": {"status": "completed", "usage": {"input_tokens": 3}}},
        kinds=True,
    ),
    b"".join(
        BinaryEventStream.pack(event)
        for event in (
            ("messageStart", {"role": "assistant"}),
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
            ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "s"}}}),
            ("contentBlockStop", {"contentBlockIndex": 0}),
            ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": "Bonjour"}}),
            ("contentBlockStop", {"contentBlockIndex": 1}),
            ("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "t", "name": "f"}}}),
            ("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "{}"}}}),
            ("contentBlockStop", {"contentBlockIndex": 2}),
            ("messageStop", {"stopReason": "tool_use"}),
            ("metadata", {"usage": {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}}),
        )
    ),
)
