"""OpenAI's `usage` object to disjoint buckets.

What hosts do differently and what is made of it:

- `reasoning_tokens` stand in the details (OpenAI), or at the top level (Together, Copilot); they are part of
  `completion_tokens`, save at the hosts whose row says otherwise, or where only that adds up to `total_tokens` (xAI).
- `cached_tokens` stand in the details, or at the top level (Moonshot), or are `prompt_cache_hit_tokens` (DeepSeek).
- Details may exceed their total: Azure's Grok counts cached tokens of a hidden system prompt, OpenRouter and Together
  round reasoning tokens. A bucket takes at most what is left of its total, so that the sum stays the total.

Members without a bucket, those under a name that is not OpenAI's, and counts that the buckets do not give back, stay in
`extra` as they came: a hit tells the client the same numbers as the host's own answer.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from providers.completion import merge_fields
from providers.jsonwalk import child, integer, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject


def parse_usage(usage: JsonObject, *, reasoning_apart: bool = False) -> Usage:
    prompt, completion = integer(usage, "prompt_tokens"), integer(usage, "completion_tokens")
    asked, answered = child(usage, "prompt_tokens_details"), child(usage, "completion_tokens_details")
    reasoning = _first(integer(answered, "reasoning_tokens"), integer(usage, "reasoning_tokens"))
    if reasoning is not None and completion is not None and (reasoning_apart or _apart(usage, reasoning)):
        completion += reasoning
    cached = _first(
        integer(asked, "cached_tokens"), integer(usage, "cached_tokens"), integer(usage, "prompt_cache_hit_tokens")
    )
    read, left = _taken(cached, prompt)
    written, left = _taken(integer(asked, "cache_write_tokens"), left)
    heard, left = _taken(integer(asked, "audio_tokens"), left)
    thought, rest = _taken(reasoning, completion)
    spoken, rest = _taken(integer(answered, "audio_tokens"), rest)
    parsed = Usage(left, rest, read, written, thought, heard, spoken)
    return replace(parsed, extra=merge_fields(_extra(usage, asked, answered), _otherwise(usage, _written(parsed))))


def _written(usage: Usage) -> JsonObject:
    """The counts as OpenAI's own `usage` object gives them."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_input,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output},
    }


def _otherwise(said: JsonObject, written: JsonObject) -> JsonObject:
    """What the host says of `written`'s members and these do not: reasoning counted apart, details over their total,
    a total that holds more than its parts (Mistral counts audio in it alone, Gemini thinking)."""
    unlike: JsonObject = {}
    for name, count in written.items():
        if isinstance(count, dict):
            if inner := _otherwise(child(said, name), count):
                unlike[name] = inner
        elif (told := integer(said, name)) is not None and told != count:
            unlike[name] = told
    return unlike


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)


def _apart(usage: JsonObject, reasoning: int) -> bool:
    """Whether the total adds up only with the reasoning tokens counted beside the completion's."""
    prompt, completion = integer(usage, "prompt_tokens") or 0, integer(usage, "completion_tokens") or 0
    return reasoning > 0 and integer(usage, "total_tokens") == prompt + completion + reasoning


def _taken(count: int | None, total: int | None) -> tuple[int | None, int | None]:
    """`count` out of `total`, and what is left; an unreported total bounds nothing."""
    if count is None or total is None:
        return count, total
    taken = max(0, min(count, total))
    return taken, total - taken


def _extra(usage: JsonObject, asked: JsonObject, answered: JsonObject) -> JsonObject:
    extra = without(
        usage,
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "completion_tokens_details",
    )
    prompt = without(asked, "cached_tokens", "cache_write_tokens", "audio_tokens")
    completion = without(answered, "reasoning_tokens", "audio_tokens")
    if prompt:
        extra["prompt_tokens_details"] = prompt
    if completion:
        extra["completion_tokens_details"] = completion
    return extra
