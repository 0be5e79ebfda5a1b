"""A whole answer as a `chat.completion` object."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.completion import ReasoningPart, RefusalPart, TextPart, ToolCallPart, merge_fields
from providers.dialects.openai.reasoning import reasoning_details, reasoning_text
from providers.events import TOOL_CALL_FIELDS
from providers.jsonwalk import child, dump, without

if TYPE_CHECKING:
    from providers.base import Stamp
    from providers.completion import Choice, Completion
    from providers.events import Citation
    from providers.jsonwalk import Json, JsonObject
    from providers.usage import Usage


def completion_body(done: Completion, stamp: Stamp) -> bytes:
    started = done.started
    body: JsonObject = {
        "id": started.id or stamp.id,
        "object": "chat.completion",
        "created": stamp.created if started.created is None else started.created,
        "model": started.model or stamp.model,
        "choices": [_choice(choice) for choice in done.choices],
        **without(done.fields, "object"),  # that of a chunk
    }
    if done.usage is not None:
        body["usage"] = usage_object(done.usage)
    return dump(body)


def _choice(choice: Choice) -> JsonObject:
    finish: JsonObject = {"finish_reason": None}
    if choice.finish is not None:
        finish = finish_fields(choice.finish.reason, choice.finish.native)
    return {"index": choice.index, "message": _message(choice), "logprobs": None, **choice.fields, **finish}


def finish_fields(reason: str, native: str | None) -> JsonObject:
    """`native_finish_reason`, OpenRouter's name, says what OpenAI's vocabulary cannot."""
    return {"finish_reason": reason} if native is None else {"finish_reason": reason, "native_finish_reason": native}


def _message(choice: Choice) -> JsonObject:
    text = [part.text for part in choice.parts if isinstance(part, TextPart)]
    refusal = [part.text for part in choice.parts if isinstance(part, RefusalPart)]
    thoughts = [part for part in choice.parts if isinstance(part, ReasoningPart)]
    beside = child(choice.message_fields, TOOL_CALL_FIELDS)
    calls = [part for part in choice.parts if isinstance(part, ToolCallPart)]
    message: JsonObject = {
        "role": "assistant",
        "content": "".join(text) if text else None,
        "refusal": "".join(refusal) if refusal else None,
        **without(choice.message_fields, TOOL_CALL_FIELDS),
        **reasoning_text(thoughts),
    }
    for call in calls:
        if call.kind == "function_call":
            message["function_call"] = {"name": call.name, "arguments": call.arguments}
    lists: dict[str, list[Json]] = {
        "reasoning_details": [
            detail for index, part in enumerate(thoughts) for detail in reasoning_details(part, index)
        ],
        "annotations": [annotation(citation) for citation in choice.citations],
        "tool_calls": [
            merge_fields(tool_call(call), child(beside, str(number)))
            for number, call in enumerate(calls)
            if call.kind != "function_call"
        ],
    }
    # Entries of kinds without a word here are in `message_fields` under the same names: they are joined, not replaced.
    return merge_fields(message, {name: [*entries] for name, entries in lists.items() if entries})


def tool_call(part: ToolCallPart) -> JsonObject:
    if part.kind == "custom":
        return {"id": part.id, "type": "custom", "custom": {"name": part.name, "input": part.arguments}}
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments}}


def annotation(citation: Citation) -> JsonObject:
    """OpenAI knows `url_citation`; a place in a document the client sent is a `document_citation` of the same shape."""
    kind = "document_citation" if citation.url is None else "url_citation"
    named: JsonObject = {
        "url": citation.url,
        "title": citation.title,
        "cited_text": citation.quote,
        "start_index": citation.start,
        "end_index": citation.end,
    }
    inner = {**citation.extra, **{key: value for key, value in named.items() if value is not None}}
    return {"type": kind, kind: inner}


def usage_object(usage: Usage) -> JsonObject:
    """OpenAI's `usage`: its totals contain the details; a detail that was not reported is absent, not 0."""
    prompt = _reported(
        cached_tokens=usage.cache_read, cache_write_tokens=usage.cache_write, audio_tokens=usage.audio_input
    )
    completion = _reported(reasoning_tokens=usage.reasoning, audio_tokens=usage.audio_output)
    body: JsonObject = {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
    }
    if prompt:
        body["prompt_tokens_details"] = prompt
    if completion:
        body["completion_tokens_details"] = completion
    return merge_fields(body, usage.extra)


def _reported(**counts: int | None) -> JsonObject:
    return {name: count for name, count in counts.items() if count is not None}
