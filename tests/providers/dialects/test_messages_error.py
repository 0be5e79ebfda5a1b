"""Errors as the `anthropic` SDK reads them."""

from __future__ import annotations

import json

import pytest

from providers.dialects.anthropic import DIALECT
from providers.errors import (
    Forbidden,
    InvalidRequest,
    NotCached,
    OverBudget,
    OverLimit,
    SabirError,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    Unsupported,
    UpstreamDown,
    UpstreamRejected,
)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidRequest("x"), "invalid_request_error"),
        (Unauthenticated("x"), "authentication_error"),
        (OverBudget("x"), "billing_error"),
        (Forbidden("x"), "permission_error"),
        (UnknownModel("x"), "not_found_error"),
        (UpstreamRejected("x", status=409), "conflict_error"),
        (UpstreamRejected("x", status=422), "invalid_request_error"),
        (TooLarge("x"), "request_too_large"),
        (OverLimit("x"), "rate_limit_error"),
        (SabirError("x"), "api_error"),
        (UpstreamDown("x"), "api_error"),
        (Unavailable("x"), "api_error"),
        (NotCached("x"), "timeout_error"),
        (UpstreamDown("x", status=529), "overloaded_error"),
    ],
)
def test_the_type_follows_from_the_status(error: SabirError, kind: str) -> None:
    assert json.loads(DIALECT.error(error)) == {"type": "error", "error": {"type": kind, "message": "x"}}
    assert json.loads(DIALECT.error(error, "r1"))["request_id"] == "r1"


@pytest.mark.parametrize(
    ("param", "message", "shown"),
    [
        (None, "No.", "No."),
        ("messages[0].role", "Invalid value for 'messages[0].role'.", "Invalid value for 'messages[0].role'."),
        ("messages[3].content[1]", "No audio.", "messages[].content[]: No audio."),
        ("stop", "Too long.", "stop_sequences: Too long."),
        ("reasoning.max_tokens", "No budget.", "thinking.budget_tokens: No budget."),
    ],
)
def test_the_parameter_at_fault_is_in_the_message_in_the_clients_words(
    param: str | None, message: str, shown: str
) -> None:
    assert json.loads(DIALECT.error(Unsupported(message, param=param)))["error"]["message"] == shown
