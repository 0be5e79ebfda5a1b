"""Records of every kind of request, by what happened to it."""

from __future__ import annotations

from typing import Any

from infra.metrics.names import METRICS, PROVIDER_METRICS, Metric
from infra.requests.record import AttemptRecord, RequestRecord
from providers.usage import Usage

EVERY_METRIC: tuple[Metric[Any], ...] = (*METRICS, *PROVIDER_METRICS)

AT = 1_767_225_600.25


def base(**said: object) -> RequestRecord:
    whole: dict[str, object] = {
        "at": AT,
        "operation": "chat",
        "org": "acme",
        "key": "k_1",
        "status": 200,
        "first_token_ms": 400.5,
        "total_ms": 1500.5,
        "upstream_ms": 1490.0,
        "overhead_ms": 10.5,
        **said,
    }
    return RequestRecord("0198f0c0a0007000800000000000abcd", "openai", **whole)  # type: ignore[arg-type]


def attempt(provider: str, *, endpoint: str | None = None, error: str | None = None) -> AttemptRecord:
    first = None if error else 380.0
    status = 503 if error else 200
    return AttemptRecord(endpoint or provider, provider, "m-1", 5.0, first, 1495.0, status, error)


RECORDS = {
    # The first word of a request, before anything is known of it.
    "nothing known": RequestRecord("0198f0c0a0007000800000000000abcd", "openai"),
    "answered": base(provider="north", endpoint="north", cache="miss", attempts=[attempt("north")]),
    "hit": base(provider="north", cache="hit", upstream_ms=None, cost_nano_usd=0, saved_nano_usd=2_500_000),
    "bypass": base(provider="north", cache="bypass", cache_reason="not deterministic", attempts=[attempt("north")]),
    "retried": base(provider="north", attempts=[attempt("north", error="overloaded"), attempt("north")]),
    "failed over": base(
        provider="south",
        attempts=[
            attempt("north", error="overloaded"),
            attempt("east", endpoint="east-1", error="timeout"),
            attempt("east", endpoint="east-2", error="timeout"),
            attempt("south"),
        ],
    ),
    "caller's error": base(status=400, error="invalid_request_error", cause="caller", upstream_ms=None),
    "limit": base(status=429, error="rate_limit_exceeded", cause="limit", upstream_ms=None),
    "provider's error": base(
        provider="north",
        status=503,
        error="overloaded",
        cause="provider",
        first_token_ms=None,
        attempts=[attempt("north", error="overloaded")],
    ),
    "bug": base(status=500, error="internal_error", cause="sabir", bug=("KeyError", "answer:12"), first_token_ms=None),
    "client gone": base(provider="north", error="client_gone", cause="client_gone", attempts=[attempt("north")]),
    "everything": base(
        user="ada",
        tags={"Requests": "a tag may bear any name", "team": "καφές\n"},
        client="openai-python",
        request_model="m",
        model="m-1",
        response_model="m-1-2026",
        provider="north",
        endpoint="north-1",
        stream=True,
        attempts=[attempt("north")],
        cache="miss",
        cache_reason="not stored",
        stored="too large",
        cache_fault="timeout",
        finish_reason="stop",
        usage=Usage(input=10, output=20, cache_read=30, cache_write=40, reasoning=50, audio_input=0, audio_output=0),
        usage_estimated=True,
        cost_nano_usd=1_234_567,
        saved_nano_usd=0,
        price_version="2026-01-01",
        request_bytes=1000,
        response_bytes=2000,
        dropped=("logit_bias",),
        uncounted="store out",
        trace_id="ab" * 16,
        span_id="cd" * 8,
        parent_span_id="ef" * 8,
        trace_flags="01",
        bt_parent="project_id:1",
        cold_start=True,
    ),
}
