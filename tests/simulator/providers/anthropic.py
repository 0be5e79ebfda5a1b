"""Anthropic messages as `api.anthropic.com` frames them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, ClassVar

from tests.simulator.model import tokens
from tests.simulator.providers import anthropic_rules
from tests.simulator.providers.anthropic_prompt import messages_prompt
from tests.simulator.providers.base import Json, Refused, count_tokens, opaque
from tests.simulator.providers.signature import redacted, signed
from tests.simulator.reply import Piece, Reply
from tests.simulator.spoil import Frame, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.fault import Status
    from tests.simulator.http1 import Headers, Request
    from tests.simulator.model import Answer, Prompt
    from tests.simulator.providers.base import Turn

_FINISH = {
    "stop": "end_turn",
    "sequence": "stop_sequence",
    "length": "max_tokens",
    "tools": "tool_use",
    "refusal": "refusal",
}

_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_ALIASES = {
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
    "claude-sonnet-4-0": "claude-sonnet-4-20250514",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-3-5-haiku-latest": "claude-3-5-haiku-20241022",
}

# Makes a model think behind a seal; the documented prefix of the test string, without the digest that goes with it.
_REDACT = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING"


class Anthropic:
    name: ClassVar[str] = "anthropic"
    variable: ClassVar[str] = "ANTHROPIC_BASE_URL"
    suffix: ClassVar[str] = ""
    path: ClassVar[str] = "/v1/messages"
    broken: ClassVar[bytes] = (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"ty\n\n'
    )

    def check(self, request: Request) -> Json:
        return anthropic_rules.check(request)

    def prompt(self, body: Json) -> Prompt:
        return messages_prompt(body)

    def choices(self, body: Json) -> int:
        return 1

    def headers(self, turn: Turn, *, streamed: bool) -> Headers:
        kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
        return (("content-type", kind), *_metadata(turn.number), *_limits(remaining="3999"))

    def whole(self, turn: Turn) -> bytes:
        answer = turn.answers[0]
        content = _blocks(turn)
        if turn.tomorrow:
            content.append({"type": "hologram", "mesh": "AAAA", "caption": "not yet"})
        message = _message(turn) | {"content": content} | _stop(turn, answer) | {"usage": _usage(turn, _spent(answer))}
        if turn.tomorrow:
            message |= {"provenance": {"carbon_mg": 3}}
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()

    def frames(self, turn: Turn) -> list[Frame]:
        return [_padded(event, spent) for event, spent in _events(turn)]

    def error(self, refused: Refused, number: int) -> Reply:
        error = {"type": refused.kind, "message": refused.message}
        body = {"type": "error", "error": error, "request_id": _request_id(number)}
        retry = "true" if refused.status in {408, 409, 429} or refused.status >= 500 else "false"
        headers = (
            ("content-type", "application/json"),
            *_metadata(number),
            ("x-should-retry", retry),
            *refused.headers,
        )
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        return Reply(refused.status, headers, (Piece(text.encode()),), streamed=False)

    def outage(self, fault: Status) -> Refused:
        kind = _KINDS.get(fault.status, "api_error" if fault.status >= 500 else "invalid_request_error")
        plain = {429: "This request would exceed your rate limit.", 529: "Overloaded", 500: "Internal server error"}
        message = fault.message or plain.get(fault.status, f"Simulated status {fault.status}.")
        refused = Refused(fault.status, kind, message)
        if fault.status == 429:
            refused.headers = _limits(remaining="0")
        return refused

    def stream_error(self, number: int, *, overloaded: bool) -> Frame:
        kind, message = ("overloaded_error", "Overloaded") if overloaded else ("api_error", "Internal server error")
        body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": _request_id(number)}
        return Frame(sse(body, event="error"))


def _request_id(number: int) -> str:
    return "req_011" + opaque(f"anthropic {number}", 21)


def _metadata(number: int) -> Headers:
    return (
        ("request-id", _request_id(number)),
        ("anthropic-organization-id", "00000000-0000-0000-0000-000000000000"),
        ("server", "cloudflare"),
        ("set-cookie", f"_cfuvid={opaque(f'cookie {number}', 20)}; path=/; HttpOnly; Secure"),
    )


def _limits(remaining: str) -> Headers:
    return (
        ("anthropic-ratelimit-requests-limit", "4000"),
        ("anthropic-ratelimit-requests-remaining", remaining),
        ("anthropic-ratelimit-requests-reset", "2030-01-01T00:00:00Z"),
    )


def _message(turn: Turn) -> Json:
    model: str = turn.body["model"]
    return {
        "model": _ALIASES.get(model, model),
        "id": turn.id("msg_01", 22),
        "type": "message",
        "role": "assistant",
    }


def _stop(turn: Turn, answer: Answer) -> Json:
    stop: Json = {"stop_reason": turn.finish or _FINISH[answer.finish], "stop_sequence": answer.sequence}
    if answer.finish == "refusal":
        stop["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": answer.refusal}
    return stop


def _usage(turn: Turn, output: int) -> Json:
    total = count_tokens(turn.body)
    # A request that marks a prefix for the cache writes it: the marked tokens are not among the input tokens.
    written = total // 2 if "cache_control" in json.dumps(turn.body) else 0
    return {
        "input_tokens": total - written,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": 0,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": output,
        "service_tier": "standard",
        "inference_geo": "not_available",
    }


def _spent(answer: Answer) -> int:
    calls = "".join(call.name + json.dumps(call.arguments) for call in answer.calls)
    return len(tokens(answer.reasoning + answer.text + calls)) + 3


def _blocks(turn: Turn) -> list[Json]:
    """The content of the answer; thinking comes first, and a refused answer has none."""
    answer = turn.answers[0]
    if answer.finish == "refusal":
        return []
    blocks: list[Json] = []
    if answer.reasoning and _REDACT in json.dumps(turn.body["messages"]):
        blocks.append({"type": "redacted_thinking", "data": redacted(answer.reasoning)})
    elif answer.reasoning:
        blocks.append({"type": "thinking", "thinking": answer.reasoning, "signature": signed(answer.reasoning)})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for index, call in enumerate(answer.calls):
        tool_id = turn.id("toolu_01", 22, str(index))
        blocks.append({"type": "tool_use", "id": tool_id, "name": call.name, "input": call.arguments})
    return blocks


def _events(turn: Turn) -> Iterator[tuple[Json, int]]:
    answer = turn.answers[0]
    start = _message(turn) | {"content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(turn, 3)}
    yield {"type": "message_start", "message": start}, 0
    blocks = _blocks(turn)
    for index, block in enumerate(blocks):
        for position, (event, spent) in enumerate(_block_events(index, block)):
            yield event, spent
            if (index, position) == (0, 0):
                yield {"type": "ping"}, 0
    if turn.tomorrow:
        yield from ((event, 0) for event in _unknown_events(len(blocks)))
    cumulative = _usage(turn, _spent(answer))
    for name in ("cache_creation", "service_tier", "inference_geo"):
        del cumulative[name]
    yield {"type": "message_delta", "delta": _stop(turn, answer), "usage": cumulative}, 0
    yield {"type": "message_stop"}, 0


def _block_events(index: int, block: Json) -> Iterator[tuple[Json, int]]:
    empty, deltas = _opened(block)
    yield {"type": "content_block_start", "index": index, "content_block": empty}, 0
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}, 1
    yield {"type": "content_block_stop", "index": index}, 0


def _opened(block: Json) -> tuple[Json, list[Json]]:
    """A block as it starts, and what is added to it."""
    match block["type"]:
        case "text":
            return block | {"text": ""}, [{"type": "text_delta", "text": word} for word in tokens(block["text"])]
        case "thinking":
            thoughts: list[Json] = [{"type": "thinking_delta", "thinking": word} for word in tokens(block["thinking"])]
            sealed = {"type": "signature_delta", "signature": block["signature"]}
            return block | {"thinking": "", "signature": ""}, [*thoughts, sealed]
        case "tool_use":
            text = json.dumps(block["input"], ensure_ascii=False) if block["input"] else ""
            parts = ["", *tokens(text)]  # the first delta is always empty; a tool without arguments has no other
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            return block, []


def _unknown_events(index: int) -> Iterator[Json]:
    yield {"type": "telemetry", "gauges": {"queue": 3}}
    yield {"type": "content_block_start", "index": index, "content_block": {"type": "hologram", "mesh": ""}}
    yield {"type": "content_block_delta", "index": index, "delta": {"type": "mesh_delta", "mesh": "AAAA"}}
    yield {"type": "content_block_stop", "index": index}


def _padded(event: Json, spent: int) -> Frame:
    """Every event but `ping` has white space before its last brace, of a length that hides how much the model said."""
    kind = event["type"]
    if kind == "ping":
        return Frame(b'event: ping\ndata: {"type": "ping"}\n\n')
    text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
    padding = " " * (hashlib.sha256(text.encode()).digest()[0] % 16)
    return Frame(sse(f"{text[:-1]}{padding}}}", event=kind), tokens=spent, end=kind == "message_stop")
