"""Perplexity chat completions as `api.perplexity.ai` frames them: like OpenAI's, and different wherever it matters.

Every chunk carries the whole message so far, the usage so far and the sources; lines end in CRLF; there is no `[DONE]`:
the chunk with a `finish_reason` is the end. Reasoning comes as `<think>` in the text.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, ClassVar

from tests.simulator.model import tokens
from tests.simulator.providers import perplexity_rules
from tests.simulator.providers.base import Json, Refused, count_tokens, opaque
from tests.simulator.providers.chat import chat_prompt
from tests.simulator.reply import Piece, Reply
from tests.simulator.spoil import Frame, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.simulator.fault import Status
    from tests.simulator.http1 import Headers, Request
    from tests.simulator.model import Answer, Prompt
    from tests.simulator.providers.base import Turn

_FINISH = {"stop": "stop", "sequence": "stop", "length": "length", "tools": "stop", "refusal": "stop"}
_KINDS = {
    401: "invalid_api_key",
    403: "forbidden",
    404: "not_found",
    413: "payload_too_large",
    429: "rate_limit_exceeded",
}

_SOURCES: list[Json] = [
    {
        "title": "Proxy server - Wikipedia",
        "url": "https://en.wikipedia.org/wiki/Proxy_server",
        "date": "2001-09-27",
        "last_updated": "2026-05-25",
        "snippet": "A proxy server is an intermediary between a client and a server…",
        "source": "web",
    },
    {
        "title": "RFC 9110: HTTP Semantics",
        "url": "https://www.rfc-editor.org/rfc/rfc9110",
        "date": None,
        "last_updated": "2022-06-06",
        "snippet": "§3.7 Intermediaries",
        "source": "web",
    },
]


class Perplexity:
    name: ClassVar[str] = "perplexity"
    variable: ClassVar[str] = "PERPLEXITY_BASE_URL"
    suffix: ClassVar[str] = ""
    path: ClassVar[str] = "/chat/completions"
    broken: ClassVar[bytes] = b'data: {"id": "broken", "choices": [{"index": 0, "delta": {"con\r\n\r\n'

    def check(self, request: Request) -> Json:
        return perplexity_rules.check(request)

    def prompt(self, body: Json) -> Prompt:
        return chat_prompt(body, reasoning=perplexity_rules.reasons(body))

    def choices(self, body: Json) -> int:
        return 1

    def headers(self, turn: Turn, *, streamed: bool) -> Headers:
        kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
        return (("content-type", kind), *_metadata(turn.number))

    def whole(self, turn: Turn) -> bytes:
        answer = turn.answers[0]
        text = _said(answer)
        body = _chunk(turn, text, "", len(tokens(text)), finish=turn.finish or _FINISH[answer.finish])
        if turn.tomorrow:
            body |= {"related_holograms": [{"mesh": "AAAA"}], "provenance": {"carbon_mg": 3}}
        return json.dumps(body, ensure_ascii=False).encode()

    def frames(self, turn: Turn) -> list[Frame]:
        return list(_frames(turn))

    def error(self, refused: Refused, number: int) -> Reply:
        error = {"message": refused.message, "type": refused.kind, "code": refused.status}
        text = json.dumps({"error": error}, separators=(",", ":"), ensure_ascii=False)
        headers = (("content-type", "application/json"), *_metadata(number), *refused.headers)
        return Reply(refused.status, headers, (Piece(text.encode()),), streamed=False)

    def outage(self, fault: Status) -> Refused:
        kind = _KINDS.get(fault.status, "internal_server_error" if fault.status >= 500 else "invalid_request")
        return Refused(fault.status, kind, fault.message or f"Simulated status {fault.status}.")

    def stream_error(self, number: int, *, overloaded: bool) -> Frame:
        code, kind = (503, "overloaded") if overloaded else (500, "internal_server_error")
        error = {"message": "The stream was interrupted.", "type": kind, "code": code}
        return Frame(sse({"error": error}, newline="\r\n", spaced=True))


def _metadata(number: int) -> Headers:
    return (("server", "cloudflare"), ("set-cookie", f"__cf_bm={opaque(f'perplexity {number}', 20)}; path=/; HttpOnly"))


def _said(answer: Answer) -> str:
    thought = f"<think>\n{answer.reasoning}\n</think>\n\n" if answer.reasoning else ""
    return thought + (answer.text or answer.refusal)


def _searched(turn: Turn) -> list[Json]:
    return [] if turn.body.get("disable_search") else _SOURCES


def _usage(turn: Turn, spent: int, *, final: bool) -> Json:
    prompt = count_tokens(turn.body)
    usage: Json = {
        "prompt_tokens": prompt,
        "completion_tokens": spent,
        "total_tokens": prompt + spent,
        "search_context_size": "low",
    }
    if final:
        costs = {"input_tokens_cost": prompt / 1e6, "output_tokens_cost": spent / 1e6, "request_cost": 0.005}
        usage["cost"] = costs | {"total_cost": round(sum(costs.values()), 6)}
    return usage


def _chunk(turn: Turn, text: str, delta: str, spent: int, *, finish: str | None) -> Json:
    searched = _searched(turn)
    choice: Json = {
        "index": 0,
        "finish_reason": finish,
        "message": {"role": "assistant", "content": text},
        "delta": {"role": "assistant", "content": delta},
    }
    return {
        "id": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{turn.number} {turn.created}")),
        "model": turn.body["model"],
        "created": turn.created,
        "usage": _usage(turn, spent, final=finish is not None),
        "citations": [source["url"] for source in searched],
        "search_results": searched,
        "object": "chat.completion",
        "choices": [choice],
    }


def _frames(turn: Turn) -> Iterator[Frame]:
    answer = turn.answers[0]
    text, spent = "", 0
    if turn.tomorrow:
        yield _framed({"object": "chat.reasoning", "choices": [], "reasoning_steps": [{"thought": "…"}]}, 0)
    for word in tokens(_said(answer)):
        text, spent = text + word, spent + 1
        chunk = _chunk(turn, text, word, spent, finish=None)
        yield _framed(chunk | {"provenance": {"carbon_mg": 3}} if turn.tomorrow else chunk, 1)
    last = _chunk(turn, text, "", spent, finish=turn.finish or _FINISH[answer.finish])
    yield _framed(last, 0, end=True)


def _framed(chunk: Json, spent: int, *, end: bool = False) -> Frame:
    return Frame(sse(chunk, newline="\r\n", spaced=True), tokens=spent, end=end)
