"""Google's token counts to `Usage`.

`promptTokenCount` includes what was read from a cache; `candidatesTokenCount` leaves out thoughts, which stand beside
it, as do the results of Google's own tools, which are input. The total is the sum of these. Counts within one stream
are cumulative.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.jsonwalk import children, integer, text, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

_COUNTED = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
)


def parse_usage(counts: JsonObject) -> Usage:
    """`extra` keeps the rest by its own name: counts by modality, of tools, `serviceTier`, `trafficType` …"""
    cached = integer(counts, "cachedContentTokenCount")
    heard = _audio(counts, "promptTokensDetails")
    if heard is not None:
        heard = max(0, heard - (_audio(counts, "cacheTokensDetails") or 0))
    spoken = _audio(counts, "candidatesTokensDetails")
    return Usage(
        input=_less(_prompt(counts), cached, heard),
        output=_less(integer(counts, "candidatesTokenCount"), spoken),
        cache_read=cached,
        reasoning=integer(counts, "thoughtsTokenCount"),
        audio_input=heard,
        audio_output=spoken,
        extra=without(counts, *_COUNTED),
    )


def _prompt(counts: JsonObject) -> int | None:
    """All input. Where media come by URL Google may leave the prompt's count out, but its total still has it."""
    prompt = integer(counts, "promptTokenCount")
    tools = integer(counts, "toolUsePromptTokenCount")
    if prompt is not None:
        return prompt + (tools or 0)
    total = integer(counts, "totalTokenCount")
    if total is None:
        return tools
    output = (integer(counts, "candidatesTokenCount") or 0) + (integer(counts, "thoughtsTokenCount") or 0)
    return max(0, total - output)


def _less(count: int | None, *parts: int | None) -> int | None:
    return None if count is None else max(0, count - sum(part or 0 for part in parts))


def _audio(counts: JsonObject, name: str) -> int | None:
    heard = [
        integer(detail, "tokenCount") or 0 for detail in children(counts, name) if text(detail, "modality") == "AUDIO"
    ]
    return sum(heard) if heard else None
