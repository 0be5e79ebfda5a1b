"""A message of Anthropic's as the stream that it would come in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

Event = dict[str, Any]

PING: Final[Event] = {"type": "ping"}

_STOP: Final = ("stop_reason", "stop_sequence", "stop_details")
_LATE: Final = ("container", "context_management")
_COUNTED_FIRST: Final = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "service_tier")


def sse(*events: Event) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events)


def events_of(message: Event) -> list[Event]:
    """With a ping after each block begins, for it may come anywhere."""
    return [
        _start(message),
        PING,
        *(event for index, block in enumerate(message["content"]) for event in _block(index, block)),
        {
            "type": "message_delta",
            "delta": {name: message.get(name) for name in (*_STOP, "container") if name in message},
            "usage": message["usage"],
            **{name: message[name] for name in ("context_management",) if name in message},
        },
        {"type": "message_stop"},
    ]


def _start(message: Event) -> Event:
    early = {name: said for name, said in message.items() if name not in (*_STOP, *_LATE)}
    usage = {name: said for name, said in message["usage"].items() if name in _COUNTED_FIRST}
    return {
        "type": "message_start",
        "message": {**early, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}},
    }


def _block(index: int, block: Event) -> Iterator[Event]:
    start, deltas = _begun(block)
    yield {"type": "content_block_start", "index": index, "content_block": start}
    yield PING
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def _begun(block: Event) -> tuple[Event, list[Event]]:
    match block["type"]:
        case "text":
            cited = [{"type": "citations_delta", "citation": citation} for citation in block.get("citations") or []]
            start = {**block, "text": "", **({"citations": []} if cited else {})}
            return start, [*cited, *_pieces("text_delta", "text", block["text"])]
        case "thinking":
            signed = {"type": "signature_delta", "signature": block["signature"]}
            thought = [*_pieces("thinking_delta", "thinking", block["thinking"]), signed]
            return {**block, "thinking": "", "signature": ""}, thought
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            written = json.dumps(block["input"]) if block["input"] else ""
            none_yet = {"type": "input_json_delta", "partial_json": ""}
            return {**block, "input": {}}, [none_yet, *_pieces("input_json_delta", "partial_json", written)]
        case "compaction":
            return {**block, "content": ""}, _pieces("compaction_delta", "content", block["content"])
        case _:
            return block, []


def _pieces(kind: str, member: str, text: str) -> list[Event]:
    return [{"type": kind, member: text[at : at + 7]} for at in range(0, len(text), 7)]
