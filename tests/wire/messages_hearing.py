"""What a client of OpenAI's dialect is to hear of an answer on Anthropic's wire, read plainly from its bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.wire.hearing import chunks_of, said

if TYPE_CHECKING:
    from tests.wire.hearing import Heard

_STOPS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "pause_turn": "length",
    "compaction": "length",
    "refusal": "content_filter",
    "model_context_window_exceeded": "length",
}


_PLACED: Final = ("type", "role", "content", "usage", "stop_reason", "stop_sequence", "stop_details")
_COUNTED: Final = (
    "input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens_details",
)  # fmt: skip


def hear_message(body: bytes, *, streamed: bool) -> Heard:
    message = _put_together(chunks_of(body)) if streamed else json.loads(body)
    blocks = message["content"]
    thoughts = _of(blocks, "thinking", "redacted_thinking")
    words = ("text", "thinking", "redacted_thinking", "tool_use")
    choice = {
        "text": "".join(block["text"] for block in _of(blocks, "text")),
        "reasoning": "".join(block.get("thinking") or "" for block in thoughts),
        "sealed": [sealed for block in thoughts if (sealed := block.get("signature") or block.get("data"))],
        "tools": [
            {"kind": "function", "arguments": json.dumps(block["input"]), **_call(block)}
            for block in _of(blocks, "tool_use")
        ],
        "annotations": _annotations(_of(blocks, "text")),
        "anthropic_content": [block for block in blocks if block["type"] not in words],
        "stop_sequence": message.get("stop_sequence"),
        "stop_details": message.get("stop_details"),
        "finish_reason": _STOPS.get(message["stop_reason"] or "", "stop"),
    }
    return {
        **said({name: value for name, value in message.items() if name not in _PLACED}),
        "choices": {0: said(choice)},
        "usage": said(_usage(message["usage"])),
    }


def _call(block: dict[str, Any]) -> dict[str, Any]:
    """With what it has beyond OpenAI's form; a direct caller goes without saying."""
    direct = {"caller": {"type": "direct"}}
    return {name: value for name, value in block.items() if name not in ("type", "input") and {name: value} != direct}


def _annotations(texts: list[Any]) -> list[Any]:
    """Each about the whole of its block, by the place of that in the answer's text."""
    annotations, start = [], 0
    for block in texts:
        end = start + len(block["text"])
        for citation in block.get("citations") or []:
            rest = {name: value for name, value in citation.items() if name != "document_title" and value is not None}
            titled = {"title": title} if (title := citation.get("title") or citation.get("document_title")) else {}
            kind = "url_citation" if citation.get("url") else "document_citation"
            place = {"start_index": start, "end_index": end} if end > start else {}
            annotations.append({"type": kind, kind: {**rest, **titled, **place}})
        start = end
    return annotations


def _of(blocks: list[Any], *kinds: str) -> list[Any]:
    return [block for block in blocks if block["type"] in kinds]


def _usage(counts: dict[str, Any]) -> dict[str, Any]:
    read, written = counts.get("cache_read_input_tokens"), counts.get("cache_creation_input_tokens")
    prompt = counts["input_tokens"] + (read or 0) + (written or 0)
    told = {
        "prompt_tokens": prompt,
        "completion_tokens": counts["output_tokens"],
        "total_tokens": prompt + counts["output_tokens"],
        **{name: count for name, count in counts.items() if name not in _COUNTED},
    }
    details = {"cached_tokens": read, "cache_write_tokens": written}
    told["prompt_tokens_details"] = {name: count for name, count in details.items() if count is not None}
    thought = (counts.get("output_tokens_details") or {}).get("thinking_tokens")
    return told if thought is None else {**told, "completion_tokens_details": {"reasoning_tokens": thought}}


def _put_together(events: list[Any]) -> dict[str, Any]:
    message: dict[str, Any] = {}
    for event in events:
        match event.get("type"):
            case "message_start":
                message = {**event["message"], "content": []}
            case "content_block_start":
                message["content"].append({**event["content_block"], "json": ""})
            case "content_block_delta":
                _add(message["content"][event["index"]], event["delta"])
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= {
                    name: count for name, count in (event.get("usage") or {}).items() if count is not None
                }
    for block in message["content"]:
        written = block.pop("json")
        if written:
            block["input"] = json.loads(written)
    return message


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]
