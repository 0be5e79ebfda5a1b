"""What the log has of one request: what happened, and nothing of what was said.

A record holds no key, no prompt and no completion. `error` and an attempt's `error` are codes, `bug` the places of one;
none of them quotes. `tags` and `user` are words that the caller chose to be found by.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.control.store import Json
    from providers.usage import Usage

CacheVerdict: TypeAlias = Literal["hit", "miss", "bypass"]
"""`bypass`: nobody looked, for the request did not want it or is not deterministic."""

ContentVerdict: TypeAlias = Literal["kept", "partial", "sampled_out", "opted_out", "no_key", "fault"]
"""`partial`: without a request or answer that was too large. `no_key`: what the caller presented opens no data key."""

Cause: TypeAlias = Literal["caller", "limit", "provider", "sabir", "client_gone"]
"""Whose fault an error is. `limit`: a limit or budget of the caller's; `sabir`: a bug, or a store that is out."""

NO_ORG: Final = "-"
"""Where the records of those are who bring a provider's own key. No org can bear that name."""

BUCKETS: Final = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output")
"""Of `Usage`, by name: disjoint, so that their sum is the total."""


@dataclass(slots=True)
class AttemptRecord:
    """One request to a provider. Times are milliseconds since the client's own request began.

    `status`: the provider's; None where none came. `error`: the word of what went wrong, None where it answered.
    `first_token_ms`: of a stream's first meaningful piece. `ended_ms`: when the last of it was here, or given up.
    """

    endpoint: str
    provider: str
    model: str
    began_ms: float
    first_token_ms: float | None = None
    ended_ms: float | None = None
    status: int | None = None
    error: str | None = None


@dataclass(slots=True)
class RequestRecord:
    """Filled in as the request goes its way; None means that it did not get that far. Times are milliseconds.

    `at`: epoch seconds when it began. `operation`: `chat`, `embeddings`, `count_tokens`, `models` …
    `org`, `key`: ids. `user`, `tags`: the caller's own words. `client`: the first product of its user-agent.
    `request_model`: as asked for; `model`: as the provider was asked, `response_model`: as it says it answered.
    `endpoint`, `provider`: who answered, or was asked last.
    `cache_reason`: why it was no hit; `stored`: whether the answer is kept, or why not; `cache_fault`: what kept the
    store from being read or written, in words that it may say.
    `first_token_ms`: until the client had something to read; `total_ms`: until its last byte; `upstream_ms`: of that,
    while we waited for providers, pauses between attempts included; `overhead_ms`: the rest, which is ours.
    `error`: the word; `cause`: whose fault. `usage`: of all attempts, as counted or as likely (`usage_estimated`).
    `cost_nano_usd` (1e-9 USD): None where no price is known; `saved_nano_usd`: what a hit would have cost.
    `price_version`: the edition of the price list.
    `content`: whether what was said is kept, sealed; None where the org's content log is off.
    `unkept`: the sinks that did not take this record. `uncounted`: why limits were not applied, or what was used not
    booked. `bug`: its places.
    `trace_id`, `span_id`, `parent_span_id`: as in W3C Trace Context, hexadecimal; `trace_flags` too, None where the
    caller sent no trace. `bt_parent`: what `x-bt-parent` said.
    """

    request_id: str
    dialect: str
    at: float = 0.0
    operation: str = ""
    org: str | None = None
    key: str | None = None
    user: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    client: str | None = None
    request_model: str | None = None
    model: str | None = None
    response_model: str | None = None
    provider: str | None = None
    endpoint: str | None = None
    stream: bool | None = None
    attempts: list[AttemptRecord] = field(default_factory=list)
    cache: CacheVerdict | None = None
    cache_reason: str | None = None
    stored: str | None = None
    cache_fault: str | None = None
    status: int | None = None
    error: str | None = None
    cause: Cause | None = None
    finish_reason: str | None = None
    first_token_ms: float | None = None
    total_ms: float | None = None
    upstream_ms: float | None = None
    overhead_ms: float | None = None
    usage: Usage | None = None
    usage_estimated: bool = False
    cost_nano_usd: int | None = None
    saved_nano_usd: int | None = None
    price_version: str | None = None
    request_bytes: int = 0
    response_bytes: int = 0
    dropped: tuple[str, ...] = ()
    content: ContentVerdict | None = None
    uncounted: str | None = None
    unkept: tuple[str, ...] = ()
    bug: tuple[str, ...] = ()
    trace_id: str | None = None
    span_id: str | None = None
    parent_span_id: str | None = None
    trace_flags: str | None = None
    bt_parent: str | None = None
    cold_start: bool = False

    @property
    def owner(self) -> str:
        """In whose part of the store it is kept."""
        return self.org or NO_ORG

    @property
    def failed(self) -> tuple[str, ...]:
        """The attempts that came to nothing: endpoint and word of each."""
        return tuple(f"{one.endpoint}:{one.error}" for one in self.attempts if one.error is not None)

    def document(self) -> dict[str, Json]:
        """The record as JSON. What is not there is left out; `usage` has the buckets alone."""
        plain: dict[str, Json] = {name: value for name in _PLAIN if _said(name, value := getattr(self, name))}
        if self.attempts:
            plain["attempts"] = [_plain(one) for one in self.attempts]
        if self.usage is not None:
            counts = {name: getattr(self.usage, name) for name in BUCKETS}
            plain["usage"] = {name: count for name, count in counts.items() if count is not None}
        for name in _LISTS:
            if words := getattr(self, name):
                plain[name] = list(words)
        if self.tags:
            plain["tags"] = dict(self.tags)
        return plain


# What is said only where it is so.
_MARKS: Final = frozenset({"usage_estimated", "cold_start"})
_LISTS: Final = ("dropped", "unkept", "bug")
_NESTED: Final = frozenset({"attempts", "usage", "tags", *_LISTS})
_PLAIN: Final = tuple(each.name for each in fields(RequestRecord) if each.name not in _NESTED)


def _plain(attempt: AttemptRecord) -> dict[str, Json]:
    values = {each.name: getattr(attempt, each.name) for each in fields(attempt)}
    return {name: value for name, value in values.items() if value is not None}


def _said(name: str, value: object) -> bool:
    """Nought is something: a hit costs nothing, and that is known."""
    return value is not None and value != "" and not (value is False and name in _MARKS)
