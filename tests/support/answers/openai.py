"""Answers in OpenAI's chat completions, with what a host's row says it does otherwise.

https://platform.openai.com/docs/api-reference/chat/object; thinking as plain text under the
host's own name for it, or as signed `reasoning_details` at the hosts that have them: https://openrouter.ai/docs/use-cases/reasoning-tokens
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.answers.told import (
    CACHED,
    CALLS,
    COMPLETION,
    OTHERS,
    PROMPT,
    REASONING,
    SIGNATURE,
    TEXT,
    THOUGHT,
    TOKENS,
    Answers,
    Told,
    arguments,
    events,
    written,
)

if TYPE_CHECKING:
    from providers.openai.host import Host

Json = dict[str, Any]


def answers(host: Host, member: str) -> Answers:
    """`member`: the one in which the host says plain thinking."""
    thought = _thought(host, member)
    message = {"role": "assistant", "content": TEXT, "tool_calls": _calls(), **thought}
    whole = Told(
        written(_body([_whole(0, message, "tool_calls")], usage=_usage(host))),
        written(_body([_whole(n, {"role": "assistant", "content": each}, "stop") for n, each in enumerate(OTHERS)])),
        written(_body([{**_whole(0, {"role": "assistant", "content": "Sunny"}, "stop"), "logprobs": _logprobs()}])),
    )
    return Answers(whole, Told(_rich(host, thought), _several(host), _likely(host)))


def _rich(host: Host, thought: Json) -> bytes:
    deltas = [
        {"role": "assistant", **thought},
        {"content": TEXT},
        *({"tool_calls": [{**call, "index": number}]} for number, call in enumerate(_calls())),
    ]
    last = _body([_piece(0, {}, "tool_calls")])
    if host.usage_under is not None:
        counted = [{**last, host.usage_under: {"usage": _usage(host)}}]
    else:
        counted = [last, _body([], usage=_usage(host))]
    return _stream(host, [*(_body([_piece(0, delta)]) for delta in deltas), *counted])


def _several(host: Host) -> bytes:
    told = [_body([_piece(number, {"role": "assistant", "content": each})]) for number, each in enumerate(OTHERS)]
    return _stream(host, [*told, *(_body([_piece(number, {}, "stop")]) for number in range(len(OTHERS)))])


def _likely(host: Host) -> bytes:
    piece = {**_piece(0, {"role": "assistant", "content": "Sunny"}), "logprobs": _logprobs()}
    return _stream(host, [_body([piece]), _body([_piece(0, {}, "stop")])])


def _stream(host: Host, chunks: list[Json]) -> bytes:
    return events(chunks, end=b"data: [DONE]\n\n" if host.end == "done" else b"")


def _body(choices: list[Json], *, usage: Json | None = None) -> Json:
    head = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "model", "choices": choices}
    return head if usage is None else {**head, "usage": usage}


def _whole(index: int, message: Json, finish: str) -> Json:
    return {"index": index, "message": message, "finish_reason": finish}


def _piece(index: int, delta: Json, finish: str | None = None) -> Json:
    return {"index": index, "delta": delta, "finish_reason": finish}


def _calls() -> list[Json]:
    return [
        {"id": call_id, "type": "function", "function": {"name": "weather", "arguments": arguments(city)}}
        for call_id, city in CALLS
    ]


def _thought(host: Host, member: str) -> Json:
    if "reasoning_details" not in host.knows:
        return {member: THOUGHT}
    detail = {"type": "reasoning.text", "text": THOUGHT, "signature": SIGNATURE, "format": "anthropic-claude-v1"}
    return {"reasoning": THOUGHT, "reasoning_details": [{**detail, "index": 0}]}


def _usage(host: Host) -> Json:
    return {
        "prompt_tokens": PROMPT,
        "completion_tokens": COMPLETION - REASONING if host.reasoning_apart else COMPLETION,
        "total_tokens": PROMPT + COMPLETION,
        "prompt_tokens_details": {"cached_tokens": CACHED},
        "completion_tokens_details": {"reasoning_tokens": REASONING},
    }


def _logprobs() -> Json:
    return {"content": [{"token": token, "logprob": how, "bytes": None, "top_logprobs": []} for token, how in TOKENS]}
