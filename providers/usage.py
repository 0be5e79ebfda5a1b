"""Token counts in one convention.

Providers disagree: OpenAI's `prompt_tokens` include the cached ones, Anthropic's `input_tokens` do not; OpenAI's
`completion_tokens` include reasoning, Gemini's candidates do not. Here the buckets are **disjoint**: their sum is the
total. `None` means the provider did not report the bucket, `0` that it reported none.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one completion, in disjoint buckets.

    `input`: prompt text and images, read afresh; `cache_read`/`cache_write`: prompt tokens read from and written to
    the provider's own prompt cache; `output`: visible answer; `reasoning`: hidden or shown thinking; `audio_*`: audio.
    `extra`: members of the provider's usage object without a bucket, by wire name (`cost`, `num_search_queries`).
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    extra: JsonObject = field(default_factory=dict)

    @property
    def prompt(self) -> int:
        """All input tokens: what OpenAI calls `prompt_tokens`."""
        return _sum(self.input, self.cache_read, self.cache_write, self.audio_input)

    @property
    def completion(self) -> int:
        """All output tokens: what OpenAI calls `completion_tokens`."""
        return _sum(self.output, self.reasoning, self.audio_output)

    def updated(self, later: Usage) -> Usage:
        """This usage with what `later` reports put over it: reports within one stream are cumulative, never added."""
        values = {
            bucket.name: mine if theirs is None else theirs
            for bucket in fields(self)
            if bucket.name != "extra"
            for mine, theirs in [(getattr(self, bucket.name), getattr(later, bucket.name))]
        }
        return Usage(**values, extra={**self.extra, **later.extra})

    def plus(self, other: Usage) -> Usage:
        """What two answers took together; of `extra`, the other one's. A bucket that neither reports stays unknown."""
        values = {
            bucket.name: _known_sum(getattr(self, bucket.name), getattr(other, bucket.name))
            for bucket in fields(self)
            if bucket.name != "extra"
        }
        return Usage(**values, extra=other.extra)


def _known_sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)


def _sum(*buckets: int | None) -> int:
    return sum(bucket or 0 for bucket in buckets)
