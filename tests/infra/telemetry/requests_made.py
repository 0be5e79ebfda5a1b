"""Records as handlers make them, one for each way in which a request can go."""

from __future__ import annotations

from typing import Any

from infra.requests.record import AttemptRecord, RequestRecord
from providers.usage import Usage
from tests.infra.telemetry.receiver import NOW

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = "b7ad6b7169203331"


def made(**members: Any) -> RequestRecord:
    common = {"operation": "chat", "trace_id": TRACE, "span_id": SPAN, "trace_flags": "03", "at": NOW}
    return RequestRecord("01890000000070008000000000000001", "openai", **{**common, **members})


def answered(**members: Any) -> RequestRecord:
    """A streamed miss at the first attempt."""
    attempt = AttemptRecord(
        "openai-1", "openai", "gpt-4o-mini", 12.0, first_token_ms=412.0, ended_ms=1012.0, status=200
    )
    usage = Usage(input=10, cache_read=30, cache_write=5, output=7, reasoning=3)
    common: dict[str, Any] = {
        "org": "acme", "key": "f5aaahja2c", "user": "ada", "tags": {"team": "red"}, "client": "OpenAI/Python",
        "request_model": "fast", "model": "gpt-4o-mini", "response_model": "gpt-4o-mini-2024-07-18",
        "provider": "openai", "endpoint": "openai-1", "stream": True, "attempts": [attempt], "cache": "miss",
        "cache_reason": "no entry", "stored": "yes", "status": 200, "finish_reason": "stop", "first_token_ms": 415.0,
        "total_ms": 1020.0, "upstream_ms": 1000.0, "overhead_ms": 20.0, "usage": usage, "cost_nano_usd": 2_500_000,
        "price_version": "2026-11", "parent_span_id": PARENT, "bt_parent": "project_name:Sabir", "cold_start": True,
        "dropped": ("logit_bias",),
    }  # fmt: skip
    return made(**{**common, **members})


def hit() -> RequestRecord:
    return made(cache="hit", cache_reason="fresh", status=200, total_ms=4.0, first_token_ms=3.0, saved_nano_usd=1_000,
                request_model="gpt-4", model="gpt-4", provider="openai", cost_nano_usd=0, finish_reason="stop")  # fmt: skip


def failed_over() -> RequestRecord:
    first = AttemptRecord("openai-1", "openai", "gpt-4o", 1.0, ended_ms=51.0, status=503, error="overloaded")
    second = AttemptRecord("azure-1", "azure", "gpt-4o", 60.0, ended_ms=560.0, status=200)
    return answered(attempts=[first, second], provider="azure", endpoint="azure-1", stream=False)


def broken() -> RequestRecord:
    """The provider broke off in the middle of a stream."""
    attempt = AttemptRecord(
        "a", "bedrock", "claude", 1.0, first_token_ms=20.0, ended_ms=80.0, status=200, error="upstream_truncated"
    )
    return answered(attempts=[attempt], error="upstream_truncated", cause="provider", finish_reason=None,
                    usage=Usage(input=4, output=2), usage_estimated=True)  # fmt: skip


def left() -> RequestRecord:
    attempt = AttemptRecord(
        "a", "xai", "grok", 1.0, first_token_ms=20.0, ended_ms=30.0, status=200, error="client_gone"
    )
    return answered(attempts=[attempt], error="client_gone", cause="client_gone", finish_reason=None, usage=None)


def limited() -> RequestRecord:
    return made(org="acme", key="k", status=429, error="rate_limit_exceeded", cause="limit", total_ms=2.0)


def refused() -> RequestRecord:
    return made(operation="", status=400, error="invalid_json", cause="caller", total_ms=1.0)
