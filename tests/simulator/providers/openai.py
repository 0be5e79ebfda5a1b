"""OpenAI chat completions as `api.openai.com` frames them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, ClassVar

from tests.simulator.model import tokens
from tests.simulator.providers import openai_rules
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

_FINISH = {"stop": "stop", "sequence": "stop", "length": "length", "tools": "tool_calls", "refusal": "stop"}

_SNAPSHOTS = {
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
    "gpt-4": "gpt-4-0613",
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "o3-mini": "o3-mini-2025-01-31",
}

_KINDS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", None),
    429: ("tokens", "rate_limit_exceeded"),
    503: ("server_error", "server_overloaded"),
}


class OpenAI:
    name: ClassVar[str] = "openai"
    variable: ClassVar[str] = "OPENAI_BASE_URL"
    suffix: ClassVar[str] = "/v1"
    path: ClassVar[str] = "/v1/chat/completions"
    broken: ClassVar[bytes] = (
        b'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","choices":[{"delta":{"con\n\n'
    )

    def check(self, request: Request) -> Json:
        return openai_rules.check(request)

    def prompt(self, body: Json) -> Prompt:
        return chat_prompt(body, reasoning=openai_rules.reasons(body))

    def choices(self, body: Json) -> int:
        return body.get("n") or 1

    def headers(self, turn: Turn, *, streamed: bool) -> Headers:
        kind = "text/event-stream; charset=utf-8" if streamed else "application/json"
        return (("content-type", kind), *_metadata(turn.number))

    def whole(self, turn: Turn) -> bytes:
        body: Json = {
            "id": turn.id("chatcmpl-", 29),
            "object": "chat.completion",
            "created": turn.created,
            "model": _snapshot(turn),
            "choices": [_choice(turn, index, answer) for index, answer in enumerate(turn.answers)],
            "usage": _usage(turn),
            "service_tier": "default",
            "system_fingerprint": _fingerprint(turn),
        }
        if turn.tomorrow:
            body["x_provenance"] = {"carbon_mg": 3}
            body["choices"][0]["message"]["x_mood"] = ["calm"]
        return (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode()

    def frames(self, turn: Turn) -> list[Frame]:
        return [*_chunks(turn), Frame(b"data: [DONE]\n\n", end=True)]

    def error(self, refused: Refused, number: int) -> Reply:
        error = {"message": refused.message, "type": refused.kind, "param": refused.param, "code": refused.code}
        # The front end that looks the model up indents by four, the API behind it by two.
        unknown = refused.code == "model_not_found"
        text = json.dumps({"error": error}, indent=4 if unknown else 2) + ("\n" if unknown else "")
        kind = "application/json; charset=utf-8" if unknown else "application/json"
        headers = (("content-type", kind), *_metadata(number), *refused.headers)
        return Reply(refused.status, headers, (Piece(text.encode()),), streamed=False)

    def outage(self, fault: Status) -> Refused:
        kind, code = _KINDS.get(fault.status, ("server_error", None))
        refused = Refused(
            fault.status, kind, fault.message or f"Simulated status {fault.status}.", code=fault.code or code
        )
        if fault.status == 429:
            refused.headers = (("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", "650ms"))
        return refused

    def stream_error(self, number: int, *, overloaded: bool) -> Frame:
        message = f"The server had an error while processing your request (request {number})."
        code = "server_overloaded" if overloaded else None
        error = {"message": message, "type": "server_error", "param": None, "code": code}
        return Frame(sse({"error": error}))


def _metadata(number: int) -> Headers:
    """What comes with every answer. Cookie and organization are nothing a proxy should pass on: hence they are here."""
    return (
        ("openai-organization", "org-simulated"),
        ("openai-processing-ms", "433"),
        ("openai-version", "2020-10-01"),
        ("x-ratelimit-limit-requests", "10000"),
        ("x-ratelimit-remaining-requests", "9999"),
        ("x-ratelimit-reset-requests", "6ms"),
        ("x-request-id", "req_" + hashlib.sha256(f"openai {number}".encode()).hexdigest()[:32]),
        ("set-cookie", f"__cf_bm={opaque(str(number), 20)}; path=/; HttpOnly; Secure"),
        ("server", "cloudflare"),
    )


def _snapshot(turn: Turn) -> str:
    model: str = turn.body["model"]
    return _SNAPSHOTS.get(model, model)


def _fingerprint(turn: Turn) -> str | None:
    return (
        None if openai_rules.reasons(turn.body) else "fp_" + hashlib.sha256(_snapshot(turn).encode()).hexdigest()[:10]
    )


def _finish(turn: Turn, answer: Answer) -> str:
    named = not isinstance(turn.body.get("tool_choice", "auto"), str)
    # A call of a tool that was named by the request ends with "stop": only a choice of the model's is a "tool_calls".
    return turn.finish or ("stop" if answer.finish == "tools" and named else _FINISH[answer.finish])


def _choice(turn: Turn, index: int, answer: Answer) -> Json:
    message: Json = {"role": "assistant", "content": answer.text or None}
    if answer.calls:
        message["tool_calls"] = [_call(turn, index, position, answer) for position in range(len(answer.calls))]
    elif not answer.refusal:
        message["content"] = answer.text
    message |= {"refusal": answer.refusal or None, "annotations": []}
    choice: Json = {"index": index, "message": message}
    if not openai_rules.reasons(turn.body):
        choice["logprobs"] = _logprobs(turn, tokens(answer.text)) if turn.body.get("logprobs") else None
    return choice | {"finish_reason": _finish(turn, answer)}


def _call(turn: Turn, index: int, position: int, answer: Answer) -> Json:
    call = answer.calls[position]
    function = {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)}
    return {"id": turn.id("call_", 24, f"{index}.{position}"), "type": "function", "function": function}


def _logprobs(turn: Turn, words: list[str]) -> Json:
    def entry(word: str, rank: int) -> Json:
        return {"token": word, "logprob": -0.02 - rank, "bytes": list(word.encode())}

    top = range(turn.body.get("top_logprobs") or 0)
    content = [entry(word, 0) | {"top_logprobs": [entry(word, rank) for rank in top]} for word in words]
    return {"content": content, "refusal": None}


def _usage(turn: Turn) -> Json:
    prompt = count_tokens(turn.body)
    thought = sum(len(tokens(answer.reasoning)) for answer in turn.answers)
    said = sum(_spoken(answer) for answer in turn.answers)
    details = {"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": prompt,
        "completion_tokens": said + thought,
        "total_tokens": prompt + said + thought,
        # Prefixes of 1024 tokens and more are cached by themselves, in steps of 128.
        "prompt_tokens_details": {"cached_tokens": prompt // 128 * 128 if prompt >= 1024 else 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0, **details},
    }


def _spoken(answer: Answer) -> int:
    calls = "".join(call.name + json.dumps(call.arguments) for call in answer.calls)
    return len(tokens(answer.text + answer.refusal + calls))


def _chunks(turn: Turn) -> Iterator[Frame]:
    options = turn.body.get("stream_options") or {}
    usage = bool(options.get("include_usage"))
    obfuscated = options.get("include_obfuscation") is not False
    for choices, spent in _choice_deltas(turn):
        chunk = _chunk(turn, choices)
        if usage:
            chunk["usage"] = None
        yield _framed(turn, chunk, spent, obfuscated=obfuscated)
        if turn.tomorrow and spent == 0:
            yield Frame(sse({"object": "chat.telemetry", "choices": [], "gauges": {"queue": 3}}, event="telemetry"))
    if usage:
        yield _framed(turn, _chunk(turn, []) | {"usage": _usage(turn)}, 0, obfuscated=obfuscated)


def _framed(turn: Turn, chunk: Json, spent: int, *, obfuscated: bool) -> Frame:
    if obfuscated:
        digest = hashlib.sha256(json.dumps(chunk["choices"]).encode()).digest()
        chunk["obfuscation"] = opaque(digest.hex(), 1 + digest[0] % 15)
    return Frame(sse(chunk), tokens=spent)


def _chunk(turn: Turn, choices: list[Json]) -> Json:
    return {
        "id": turn.id("chatcmpl-", 29),
        "object": "chat.completion.chunk",
        "created": turn.created,
        "model": _snapshot(turn),
        "service_tier": "default",
        "system_fingerprint": _fingerprint(turn),
        "choices": choices,
    }


def _choice_deltas(turn: Turn) -> Iterator[tuple[list[Json], int]]:
    """The `choices` of every chunk with the tokens it is worth; the choices of one request take turns."""
    streams = [list(_deltas(turn, index, answer)) for index, answer in enumerate(turn.answers)]
    for position in range(max(map(len, streams))):
        for index, deltas in enumerate(streams):
            if position < len(deltas):
                delta, logprobs, finish = deltas[position]
                choice: Json = {"index": index, "delta": delta}
                if not openai_rules.reasons(turn.body):
                    choice["logprobs"] = logprobs
                yield [choice | {"finish_reason": finish}], 1 if delta and "role" not in delta else 0


def _deltas(turn: Turn, index: int, answer: Answer) -> Iterator[tuple[Json, Json | None, str | None]]:
    first: Json = {"role": "assistant", "content": None if answer.calls or answer.refusal else "", "refusal": None}
    if turn.tomorrow:
        first["x_mood"] = ["calm"]
    calls = [part for position in range(len(answer.calls)) for part in _call_deltas(turn, index, position, answer)]
    if len(answer.calls) == 1 and not answer.text:
        first["tool_calls"] = [calls.pop(0)]  # a single call opens together with the message, parallel ones behind it
    yield first, None, None
    wanted = bool(turn.body.get("logprobs"))
    for word in tokens(answer.text):
        yield {"content": word}, _logprobs(turn, [word]) if wanted else None, None
    for word in tokens(answer.refusal):
        yield {"refusal": word}, None, None
    for part in calls:
        yield {"tool_calls": [part]}, None, None
    yield {}, None, _finish(turn, answer)


def _call_deltas(turn: Turn, index: int, position: int, answer: Answer) -> Iterator[Json]:
    call: dict[str, Any] = _call(turn, index, position, answer)
    arguments = call["function"]["arguments"]
    yield {"index": position, **call, "function": call["function"] | {"arguments": ""}}
    for word in tokens(arguments):
        yield {"index": position, "function": {"arguments": word}}
