"""Anthropic's token counts to `Usage`.

`input_tokens` leave out what was read from and written to the prompt cache; `output_tokens` include thinking, which
newer answers give apart. Counts within one stream are cumulative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.jsonwalk import child, integer, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

_COUNTED = (
    "input_tokens",
    "output_tokens",
    "cache_creation_input_tokens",
    "cache_read_input_tokens",
    "output_tokens_details",
)


def parse_usage(counts: JsonObject) -> Usage:
    """`extra` keeps the rest by its own name: `cache_creation` by lifetime, `server_tool_use`, `service_tier` …"""
    output = integer(counts, "output_tokens")
    reasoning = integer(child(counts, "output_tokens_details"), "thinking_tokens")
    if output is not None and reasoning is not None:
        reasoning = min(reasoning, output)  # the total is what is billed
        output -= reasoning
    return Usage(
        input=integer(counts, "input_tokens"),
        output=output,
        cache_read=integer(counts, "cache_read_input_tokens"),
        cache_write=integer(counts, "cache_creation_input_tokens"),
        reasoning=reasoning,
        extra=without(counts, *_COUNTED),
    )
