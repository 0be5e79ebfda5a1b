"""https://docs.cohere.com/reference/chat and https://docs.cohere.com/reference/chat-stream"""

from __future__ import annotations

from typing import Any, Final

from tests.support.answers.told import (
    CACHED,
    CALLS,
    COMPLETION,
    PROMPT,
    TEXT,
    THOUGHT,
    TOKENS,
    Answers,
    Told,
    arguments,
    events,
    written,
)

Json = dict[str, Any]

_USAGE: Final = {
    "billed_units": {"input_tokens": 9, "output_tokens": 9},
    "tokens": {"input_tokens": PROMPT, "output_tokens": COMPLETION},
    "cached_tokens": CACHED,
}


def answers() -> Answers:
    calls = [
        {"id": each, "type": "function", "function": {"name": "weather", "arguments": arguments(city)}}
        for each, city in CALLS
    ]
    content = [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": TEXT}]
    message = {"role": "assistant", "content": content, "tool_calls": calls}
    head = {"id": "answer-1", "finish_reason": "TOOL_CALL", "usage": _USAGE}
    likely = {
        "id": "answer-1",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "Sunny"}]},
        "finish_reason": "COMPLETE",
        "logprobs": [_chunk_of_text(number) for number in range(len(TOKENS))],
    }
    return Answers(
        Told(written({**head, "message": message}), likely=written(likely)),
        Told(_stream(_parts(content, calls), "TOOL_CALL"), likely=_stream(_likely(), "COMPLETE")),
    )


def _parts(content: list[Json], calls: list[Json]) -> list[Json]:
    told: list[Json] = []
    for index, block in enumerate(content):
        kind = block["type"]
        told.append(_event("content-start", index, {"content": {"type": kind, kind: ""}}))
        told.append(_event("content-delta", index, {"content": {kind: block[kind]}}))
        told.append({"type": "content-end", "index": index})
    for index, call in enumerate(calls):
        empty = {**call, "function": {**call["function"], "arguments": ""}}
        pieces = {"function": {"arguments": call["function"]["arguments"]}}
        told.append(_event("tool-call-start", index, {"tool_calls": empty}))
        told.append(_event("tool-call-delta", index, {"tool_calls": pieces}))
        told.append({"type": "tool-call-end", "index": index})
    return told


def _likely() -> list[Json]:
    deltas = [
        {**_event("content-delta", 0, {"content": {"text": token}}), "logprobs": _chunk_of_text(number)}
        for number, (token, _) in enumerate(TOKENS)
    ]
    start = _event("content-start", 0, {"content": {"type": "text", "text": ""}})
    return [start, *deltas, {"type": "content-end", "index": 0}]


def _stream(parts: list[Json], finish: str) -> bytes:
    start = {"type": "message-start", "id": "answer-1", "delta": {"message": {"role": "assistant"}}}
    end = {"type": "message-end", "delta": {"finish_reason": finish, "usage": _USAGE}}
    return events([start, *parts, end], named=lambda event: str(event["type"]))


def _event(kind: str, index: int, message: Json) -> Json:
    return {"type": kind, "index": index, "delta": {"message": message}}


def _chunk_of_text(number: int) -> Json:
    token, how = TOKENS[number]
    return {"text": token, "token_ids": [number], "logprobs": [how]}
