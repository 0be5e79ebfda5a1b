"""https://developers.openai.com/api/reference/resources/responses and its page on streaming events."""

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
    TOKENS,
    Answers,
    Told,
    arguments,
    events,
    written,
)

Json = dict[str, Any]

_HEAD: Final = {"id": "resp_1", "object": "response", "created_at": 1, "model": "model"}
_USAGE: Final = {
    "input_tokens": PROMPT,
    "input_tokens_details": {"cached_tokens": CACHED},
    "output_tokens": COMPLETION,
    "output_tokens_details": {"reasoning_tokens": REASONING},
    "total_tokens": PROMPT + COMPLETION,
}


def answers(*, sealed: bool) -> Answers:
    """`sealed`: the host shows a summary and seals the thinking itself, or it shows the thinking."""
    rich = [_thought(sealed=sealed), _message(TEXT), *_calls()]
    likely = [_message("Sunny", [_token(number) for number in range(len(TOKENS))])]
    return Answers(
        Told(written(_response(rich)), likely=written(_response(likely))),
        Told(_stream(rich), likely=_stream(likely)),
    )


def _thought(*, sealed: bool) -> Json:
    item: Json = {"id": "rs_1", "type": "reasoning", "summary": []}
    if not sealed:
        return {**item, "content": [{"type": "reasoning_text", "text": THOUGHT}]}
    summary = [{"type": "summary_text", "text": THOUGHT}]
    return {**item, "summary": summary, "encrypted_content": SIGNATURE}


def _message(said: str, logprobs: list[Json] | None = None) -> Json:
    part = {"type": "output_text", "text": said, "annotations": [], "logprobs": logprobs or []}
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [part]}


def _calls() -> list[Json]:
    return [
        {"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": call_id, "name": "weather"}
        | {"arguments": arguments(city)}
        for number, (call_id, city) in enumerate(CALLS)
    ]


def _token(number: int) -> Json:
    token, how = TOKENS[number]
    return {"token": token, "logprob": how, "bytes": list(token.encode()), "top_logprobs": []}


def _response(output: list[Json]) -> Json:
    return {**_HEAD, "status": "completed", "error": None, "output": output, "usage": _USAGE}


def _stream(output: list[Json]) -> bytes:
    told: list[Json] = [{"type": "response.created", "response": {**_HEAD, "status": "in_progress", "output": []}}]
    for index, item in enumerate(output):
        empty = {**item, "content": [], "summary": [], "arguments": "", "encrypted_content": ""}
        told.append({"type": "response.output_item.added", "output_index": index, "item": empty})
        told += [{"output_index": index, "content_index": 0, "summary_index": 0, **piece} for piece in _pieces(item)]
        told.append({"type": "response.output_item.done", "output_index": index, "item": item})
    told.append({"type": "response.completed", "response": _response(output)})
    return events(
        [{**event, "sequence_number": number} for number, event in enumerate(told)],
        named=lambda event: str(event["type"]),
    )


def _pieces(item: Json) -> list[Json]:
    match item["type"]:
        case "function_call":
            return [{"type": "response.function_call_arguments.delta", "delta": item["arguments"]}]
        case "reasoning":
            kind = "reasoning_summary_text" if item["summary"] else "reasoning_text"
            return [{"type": f"response.{kind}.delta", "delta": THOUGHT}]
        case _:
            (part,) = item["content"]
            tokens = [{"delta": entry["token"], "logprobs": [entry]} for entry in part["logprobs"]]
            pieces = tokens or [{"delta": part["text"], "logprobs": []}]
            return [{"type": "response.output_text.delta", **piece} for piece in pieces]
