"""Traces and metrics of requests, sent by OTLP after the last byte (docs/tracing.md). Off, none of it is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDPOINTS = (
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
)


def is_wanted(env: Mapping[str, str]) -> bool:
    """Whether anybody has said where to send it. What else was said, `infra.telemetry.settings` reads then."""
    return any(env.get(variable) for variable in _ENDPOINTS)
