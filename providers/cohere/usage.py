"""Cohere's token counts to `Usage`.

`tokens` are what the model read and wrote, with Cohere's own preamble and what it wrote past a stop sequence;
`cached_tokens` are part of the input. `billed_units`, which leave both out, are what is paid for: they stay as they
came, in `extra`, and stand in where there are no `tokens`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.jsonwalk import child, integer, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject


def parse_usage(usage: JsonObject) -> Usage:
    """`extra` keeps the rest by its own name. Thinking is part of the output; how much of it, Cohere does not say."""
    counted = child(usage, "tokens")
    if integer(counted, "input_tokens") is None and integer(counted, "output_tokens") is None:
        counted = child(usage, "billed_units")
    read = integer(counted, "input_tokens")
    cached = integer(usage, "cached_tokens")
    if read is not None and cached is not None:
        cached = min(cached, read)
        read -= cached
    extra = without(usage, "tokens", "cached_tokens")
    more = without(child(usage, "tokens"), "input_tokens", "output_tokens")
    return Usage(
        input=read,
        output=integer(counted, "output_tokens"),
        cache_read=cached,
        extra={**extra, "tokens": more} if more else extra,
    )
