"""https://docs.claude.com/en/api/messages and …/build-with-claude/streaming"""

from __future__ import annotations

from typing import Any, Final

from tests.support.answers.told import (
    CACHED,
    CALLS,
    COMPLETION,
    PROMPT,
    REASONING,
    SIGNATURE,
    TEXT,
    THOUGHT,
    Answers,
    Told,
    arguments,
    events,
    written,
)

_USAGE: Final = {
    "input_tokens": PROMPT - CACHED,
    "cache_read_input_tokens": CACHED,
    "cache_creation_input_tokens": 0,
    "output_tokens": COMPLETION,
    "output_tokens_details": {"thinking_tokens": REASONING},
}
_HEAD: Final = {"id": "msg_1", "type": "message", "role": "assistant", "model": "model"}


def answers() -> Answers:
    return Answers(Told(_whole()), Told(events(_chunks(), named=lambda chunk: str(chunk["type"]))))


def _whole() -> bytes:
    calls = [{"type": "tool_use", "id": call_id, "name": "weather", "input": {"city": city}} for call_id, city in CALLS]
    content = [
        {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
        {"type": "text", "text": TEXT},
        *calls,
    ]
    return written({**_HEAD, "content": content, "stop_reason": "tool_use", "stop_sequence": None, "usage": _USAGE})


def _chunks() -> list[dict[str, Any]]:
    start: dict[str, Any] = {**_HEAD, "content": [], "stop_reason": None, "usage": {**_USAGE, "output_tokens": 1}}
    blocks: list[tuple[dict[str, Any], list[dict[str, Any]]]] = [
        (
            {"type": "thinking", "thinking": "", "signature": ""},
            [
                {"type": "thinking_delta", "thinking": THOUGHT},
                {"type": "signature_delta", "signature": SIGNATURE},
            ],
        ),
        ({"type": "text", "text": ""}, [{"type": "text_delta", "text": TEXT}]),
        *(
            (
                {"type": "tool_use", "id": call_id, "name": "weather", "input": {}},
                [{"type": "input_json_delta", "partial_json": arguments(city)}],
            )
            for call_id, city in CALLS
        ),
    ]
    chunks: list[dict[str, Any]] = [{"type": "message_start", "message": start}]
    for index, (block, deltas) in enumerate(blocks):
        chunks.append({"type": "content_block_start", "index": index, "content_block": block})
        chunks += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        chunks.append({"type": "content_block_stop", "index": index})
    last = {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": _USAGE}
    return [*chunks, last, {"type": "message_stop"}]
