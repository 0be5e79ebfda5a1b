"""What a refusal means, by its structured members: of real providers' own error mappings where there is one."""

from __future__ import annotations

import json

import pytest

from providers import registry
from providers.errors import UpstreamError, UpstreamRejected, UpstreamThrottled
from providers.routing.refusal import another_model_may, model_forbidden, out_of_money


def refused(provider: str, status: int, error: object) -> UpstreamError:
    return registry.find(provider).error(status, {}, json.dumps({"error": error}).encode())


@pytest.mark.parametrize(
    ("provider", "status", "error", "reason"),
    [
        ("openai", 400, {"type": "invalid_request_error", "code": "context_length_exceeded"}, "context_window"),
        ("llamacpp", 400, {"type": "exceed_context_size_error", "code": 400}, "context_window"),
        ("vllm", 400, {"type": "BadRequestError", "param": "input_tokens", "code": 400}, "context_window"),
        ("openai", 400, {"type": "invalid_request_error", "code": "content_policy_violation"}, "content_policy"),
        ("openai", 400, {"type": "invalid_request_error", "code": "invalid_prompt"}, "content_policy"),
        ("moonshot", 400, {"type": "content_filter"}, "content_policy"),
        ("alibaba", 400, {"type": "data_inspection_failed", "code": "data_inspection_failed"}, "content_policy"),
        ("cohere", 498, {}, "content_policy"),
        ("openai", 400, {"type": "invalid_request_error", "code": "invalid_value"}, None),
        ("vllm", 422, {"param": "input_tokens"}, None),
        ("openai", 404, {"code": "model_not_found"}, None),
    ],
)
def test_a_providers_refusal_says_whether_another_model_may_do_it(
    provider: str, status: int, error: dict[str, object], reason: str | None
) -> None:
    assert another_model_may(refused(provider, status, error)) == reason


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_what_a_message_says_decides_nothing(provider: str) -> None:
    """An echoed prompt may hold any word."""
    message = "context_length_exceeded content_filter insufficient_quota: prompt is too long"
    error = refused(provider, 400, {"message": message, "type": "invalid_request_error"})
    assert another_model_may(error) is None
    assert not out_of_money(error)


def test_an_empty_account_is_told_from_a_limit_by_its_code() -> None:
    assert out_of_money(refused("openai", 429, {"type": "insufficient_quota", "code": "insufficient_quota"}))
    assert out_of_money(refused("anthropic", 402, {"type": "billing_error"}))
    assert out_of_money(UpstreamRejected("", status=402))
    assert not out_of_money(UpstreamThrottled("slow down"))


@pytest.mark.parametrize(
    ("provider", "status", "error", "forbidden"),
    [
        ("openai", 403, {"type": "invalid_request_error", "code": "model_not_found"}, True),
        ("anthropic", 403, {"type": "permission_error"}, True),
        ("vertex", 403, {"type": "permission_error"}, False),  # without its maker's envelope it is Google's
        ("cerebras", 403, {"type": "invalid_request_error", "param": "model", "code": "multimodal_not_enabled"}, True),
        ("openai", 404, {"type": "invalid_request_error", "code": "model_not_found"}, False),
        ("openai", 403, {"code": "unsupported_country_region_territory"}, False),
        ("openai", 403, {"message": "model_not_found permission_error"}, False),
        ("openai", 401, {"code": "invalid_api_key", "param": "model"}, False),
        ("anthropic", 401, {"type": "authentication_error"}, False),
        ("google", 403, {"status": "PERMISSION_DENIED"}, False),
    ],
)
def test_a_model_that_is_not_for_a_credential_is_told_from_a_credential_that_is_no_good(
    provider: str, status: int, error: dict[str, object], forbidden: bool
) -> None:
    assert model_forbidden(refused(provider, status, error)) is forbidden


def test_bedrock_says_one_thing_of_a_model_and_of_a_key() -> None:
    headers = {"x-amzn-errortype": "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    assert not model_forbidden(registry.find("bedrock").error(403, headers, b'{"message": "no access"}'))
