"""The simulated providers refuse what the real ones refuse: each row is one sin against an otherwise good request."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.simulator.http1 import Request
from tests.simulator.providers import PROVIDERS, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

WIRE = Path(__file__).parents[3] / "shared" / "wire"
KEYS = {
    "openai": {"authorization": "Bearer sk-test"},
    "anthropic": {"x-api-key": "sk-ant-test", "anthropic-version": "2023-06-01"},
    "perplexity": {"authorization": "Bearer pplx-test"},
}
USER = {"role": "user", "content": "Hi"}
GOOD: dict[str, dict[str, Any]] = {
    "openai": {"model": "gpt-4o", "messages": [USER]},
    "anthropic": {"model": "claude-sonnet-4-5", "max_tokens": 2000, "messages": [USER]},
    "perplexity": {"model": "sonar", "messages": [USER]},
}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
USE = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
THINKING = {"type": "enabled", "budget_tokens": 1024}


def refusal(provider: str, changes: dict[str, Any], headers: dict[str, str] | None = None) -> Refused:
    body = {key: value for key, value in (GOOD[provider] | changes).items() if value is not ...}
    given = KEYS[provider] if headers is None else headers
    request = Request("POST", PROVIDERS[provider].path, tuple(given.items()), json.dumps(body).encode())
    with pytest.raises(Refused) as caught:
        PROVIDERS[provider].check(request)
    return caught.value


OPENAI: list[tuple[dict[str, Any], int, str | None, str | None]] = [
    ({"model": "gpt-99-imaginary"}, 404, None, "model_not_found"),
    ({"model": ...}, 400, None, None),
    ({"messages": ...}, 400, "messages", "missing_required_parameter"),
    ({"messages": []}, 400, "messages", "empty_array"),
    ({"messages": [{"role": "robot", "content": "x"}]}, 400, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user", "content": None}]}, 400, "messages[0].content", None),
    ({"messages": [{"role": "user", "content": 5}]}, 400, "messages[0].content", "invalid_type"),
    ({"messages": [{"role": "user", "content": [{"type": "video"}]}]}, 400, "messages[0].content[0]", "invalid_value"),
    ({"messages": [USER, {"role": "tool", "tool_call_id": "c1", "content": "x"}]}, 400, "messages.[1].role", None),
    ({"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}]}, 400, "messages.[2].role", None),
    ({"nonsense": 1}, 400, None, None),
    ({"temperature": "0"}, 400, "temperature", "invalid_type"),
    ({"seed": True}, 400, "seed", "invalid_type"),
    ({"temperature": 2.5}, 400, "temperature", "decimal_above_max_value"),
    ({"n": 0}, 400, "n", "integer_below_min_value"),
    ({"stop": ["a", "b", "c", "d", "e"]}, 400, "stop", "array_above_max_length"),
    ({"stream_options": {"include_usage": True}}, 400, "stream_options", None),
    ({"model": "o3-mini", "max_tokens": 5}, 400, "max_tokens", "unsupported_parameter"),
    ({"model": "gpt-5", "temperature": 0}, 400, "temperature", "unsupported_value"),
    ({"reasoning_effort": "low"}, 400, None, None),
    ({"tools": []}, 400, "tools", "empty_array"),
    ({"tool_choice": "auto"}, 400, "tool_choice", None),
    ({"parallel_tool_calls": False}, 400, "parallel_tool_calls", None),
    ({"tools": [TOOL], "tool_choice": "sometimes"}, 400, "tool_choice", "invalid_value"),
    ({"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "g"}}}, 400, "tool_choice", None),
    ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, 400, "tools[0].function.name", "invalid_value"),
    ({"response_format": {"type": "json_object"}}, 400, "messages", None),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, 400, "response_format.json_schema.name", "missing_required_parameter"),
    ({"top_logprobs": 2}, 400, "top_logprobs", None),
    ({"metadata": {"a": "b"}}, 400, "metadata", None),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "status", "param", "code"), OPENAI, ids=str)
def test_openai_refuses(changes: dict[str, Any], status: int, param: str | None, code: str | None) -> None:
    refused = refusal("openai", changes)
    assert (refused.status, refused.param, refused.code) == (status, param, code)


ANTHROPIC: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "claude-imaginary"}, 404, "model: claude-imaginary"),
    ({"max_tokens": ...}, 400, "max_tokens: Field required"),
    ({"max_tokens": 0}, 400, "greater than or equal to 1"),
    ({"model": "claude-instant-1.2", "max_tokens": 5000}, 400, "5000 > 4096"),
    ({"nonsense": 1}, 400, "nonsense: Extra inputs are not permitted"),
    ({"stream_options": {"include_usage": True}}, 400, "stream_options: Extra inputs are not permitted"),
    ({"temperature": 1.5}, 400, "temperature: range: 0..1"),
    ({"temperature": 0, "top_p": 0.5}, 400, "cannot both be specified"),
    ({"model": "claude-opus-5", "temperature": 0}, 400, "`temperature` is deprecated for this model"),
    ({"model": "claude-opus-5", "thinking": THINKING}, 400, "thinking.type.enabled"),
    ({"thinking": {"type": "adaptive"}}, 400, "thinking.type.adaptive"),
    ({"messages": []}, 400, "at least one message"),
    ({"messages": [{"role": "system", "content": "x"}]}, 400, 'Unexpected role "system"'),
    ({"messages": [{"role": "tool", "content": "x"}]}, 400, "messages.0.role"),
    ({"messages": [USER | {"name": "ann"}]}, 400, "messages.0.name: Extra inputs are not permitted"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "first message must use"),
    ({"model": "claude-sonnet-5", "messages": [USER, {"role": "assistant", "content": "x"}]}, 400, "prefill"),
    ({"messages": [USER, {"role": "assistant", "content": "x "}]}, 400, "trailing whitespace"),
    ({"messages": [{"role": "user", "content": ""}]}, 400, "non-empty content"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, 400, "must be non-empty"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": " \n"}]}]}, 400, "non-whitespace"),
    ({"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "foo": 1}]}]}, 400, "text.foo: Extra"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, 400, "does not match any"),
    ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": "AA=="}}]}]}, 400, "media_type"),
    ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://a/b"}}]}]}, 400, "valid source"),
    ({"system": [{"type": "text", "text": ""}]}, 400, "system: text content blocks must be non-empty"),
    ({"messages": [USER, {"role": "assistant", "content": [USE]}]}, 400, "without `tool_result` blocks immediately after: t1"),
    ({"messages": [USER, {"role": "assistant", "content": [USE]}, USER]}, 400, "without `tool_result` blocks immediately after: t1"),
    ({"messages": [USER, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [{"type": "text", "text": "x"}, RESULT]}]}, 400, "immediately after"),
    ({"messages": [{"role": "user", "content": [RESULT]}]}, 400, "unexpected `tool_use_id`"),
    ({"messages": [USER, {"role": "assistant", "content": [USE | {"input": "{}"}]}, {"role": "user", "content": [RESULT]}]}, 400, "valid dictionary"),
    ({"messages": [USER, {"role": "assistant", "content": [USE, USE]}, {"role": "user", "content": [RESULT]}]}, 400, "ids must be unique"),
    ({"messages": [USER, {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": "made up"}]}, USER]}, 400, "Invalid `signature`"),
    ({"thinking": THINKING, "messages": [USER, {"role": "assistant", "content": [USE]}, {"role": "user", "content": [RESULT]}]}, 400, "Expected `thinking`"),
    ({"thinking": THINKING, "max_tokens": 1024}, 400, "greater than `thinking.budget_tokens`"),
    ({"thinking": THINKING, "temperature": 0}, 400, "may only be set to 1"),
    ({"thinking": THINKING, "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}}, 400, "forces tool use"),
    ({"tools": [{"name": "f"}]}, 400, "input_schema: Field required"),
    ({"tools": [{"name": "f", "input_schema": {}}]}, 400, "input_schema.type"),
    ({"tools": [{"name": "f", "input_schema": {"type": "object"}}] * 2}, 400, "unique"),
    ({"tool_choice": {"type": "any"}}, 400, "tool_choice may only be specified"),
    ({"stop_sequences": ["\n"]}, 400, "non-whitespace"),
    ({"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}}, 400, "additionalProperties"),
    ({"system": [{"type": "text", "text": str(n), "cache_control": {"type": "ephemeral"}} for n in range(5)]}, 400, "Found 5"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "status", "message"), ANTHROPIC, ids=str)
def test_anthropic_refuses(changes: dict[str, Any], status: int, message: str) -> None:
    refused = refusal("anthropic", changes)
    assert refused.status == status
    assert message in refused.message


def test_anthropic_takes_no_sampling_in_its_version_of_2026_even_at_the_default() -> None:
    headers = KEYS["anthropic"] | {"anthropic-version": "2026-10-21"}
    refused = refusal("anthropic", {"temperature": 1}, headers)
    assert refused.message == "temperature: Extra inputs are not permitted"


PERPLEXITY: list[tuple[dict[str, Any], str]] = [
    ({"model": "gpt-4o"}, "invalid_model"),
    ({"messages": [USER, USER]}, "invalid_message"),
    ({"messages": [USER, {"role": "assistant", "content": "x"}]}, "invalid_message"),
    ({"messages": [USER, {"role": "system", "content": "x"}]}, "invalid_message"),
    ({"messages": [{"role": "user", "content": None}]}, "bad_request"),
    ({"temperature": 3}, "invalid_parameter"),
    ({"max_tokens": 5}, "invalid_parameter"),
    ({"tools": [TOOL]}, "invalid_parameter"),
    ({"response_format": {"type": "json_object"}}, "bad_request"),
]


@pytest.mark.parametrize(("changes", "kind"), PERPLEXITY, ids=str)
def test_perplexity_refuses(changes: dict[str, Any], kind: str) -> None:
    refused = refusal("perplexity", changes)
    assert (refused.status, refused.kind) == (400, kind)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("key", [None, "", "an-invalid-key"])
def test_no_key_or_an_invalid_one_is_unauthorized(provider: str, key: str | None) -> None:
    headers = dict(KEYS[provider])
    name = next(iter(headers))
    headers.pop(name)
    if key is not None:
        headers[name] = f"Bearer {key}" if name == "authorization" else key
    assert refusal(provider, {}, headers).status == 401


@pytest.mark.parametrize("version", [None, "2022-01-01"])
def test_anthropic_needs_a_version_it_knows(version: str | None) -> None:
    headers = {"x-api-key": "k"} | ({"anthropic-version": version} if version else {})
    assert "anthropic-version" in refusal("anthropic", {}, headers).message


# Recorded requests that the simulator judges otherwise than the provider did, and why that is meant.
JUDGED_OTHERWISE = {
    "ddpy--anthropic-completion-thinking-tool-result.json": "a signature made up by the recorder",
    "genai--openaichat-gpt-audio-genstreammultimodal-image-jpg-url.json": "which models can see is not simulated",
    "rubyllm--chat-error-handling-with-perplexity-sonar-raises-appropriate-auth-error.json": "its key is not recorded",
    "rubyllm--chat-real-error-scenarios-perplexity-sonar-handles-context-length-exceeded-errors.json": "cut by the recorder",
}  # fmt: skip
# Signatures of the real service, which only it can verify.
SEALED_BY_THE_PROVIDER = {"signature_replay", "reasoning_replay"}


def recorded() -> Iterator[Any]:
    for provider, api in (("openai", "chat"), ("anthropic", "messages"), ("perplexity", "chat")):
        for path in sorted((WIRE / provider / api).glob("*.json")):
            case = json.loads(path.read_text(encoding="utf-8"))
            otherwise = path.name in JUDGED_OTHERWISE or SEALED_BY_THE_PROVIDER & set(case["tags"])
            if case["request"] is not None and not otherwise:
                yield pytest.param(provider, case, id=f"{provider}/{path.stem}")


@pytest.mark.skipif(not WIRE.exists(), reason="the recorded traffic is not beside this checkout")
@pytest.mark.parametrize(("provider", "case"), [*recorded()])
def test_a_recorded_request_is_judged_as_the_provider_judged_it(provider: str, case: dict[str, Any]) -> None:
    body = case["request"]["body"]
    encoded = (body if isinstance(body, str) else json.dumps(body)).encode()
    headers = KEYS[provider] | case["request"]["headers"]
    request = Request("POST", PROVIDERS[provider].path, tuple(headers.items()), encoded)
    status = 200
    try:
        PROVIDERS[provider].check(request)
    except Refused as refused:
        status = refused.status
    assert status == case["response"]["status"]
