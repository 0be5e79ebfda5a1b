"""Bedrock's token counts to `Usage`.

`inputTokens` leave out what was read from and written to the prompt cache
(https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html); `outputTokens` include thinking,
which is not given apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.jsonwalk import integer, without
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

# The two `…TokenCount` are undocumented and repeat the counts beside them.
_COUNTED = (
    "inputTokens",
    "outputTokens",
    "totalTokens",
    "cacheReadInputTokens",
    "cacheWriteInputTokens",
    "cacheReadInputTokenCount",
    "cacheWriteInputTokenCount",
)


def parse_usage(counts: JsonObject) -> Usage:
    """`extra` keeps the rest by its own name: `cacheDetails` by lifetime, `serverToolUsage` where it says anything."""
    return Usage(
        input=integer(counts, "inputTokens"),
        output=integer(counts, "outputTokens"),
        cache_read=integer(counts, "cacheReadInputTokens"),
        cache_write=integer(counts, "cacheWriteInputTokens"),
        extra={name: value for name, value in without(counts, *_COUNTED).items() if value not in ({}, [])},
    )
