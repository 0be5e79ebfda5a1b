"""What each provider is asked to count, and the number that it answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams

from providers import registry
from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.dialects.openai import DIALECT
from providers.errors import Unsupported, UpstreamProtocolError
from providers.secret import Secret
from providers.token_count import NoTokenCounter, counter_for, find

WIRE = Path(__file__).parents[3] / "shared" / "wire"
SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
MODELS = {"anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash", "bedrock": SONNET, "vertex": "gemini-2.5-pro"}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"a": {}}}}}
URL_IMAGE = {"type": "image_url", "image_url": {"url": "https://example.test/a.png"}}


def chat(content: Any = "hi", **members: Any) -> Any:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": content}]
    return DIALECT.parse(json.dumps({"model": "m", "messages": messages, **members}).encode())


def asked(provider: str, model: str | None = None, **members: Any) -> tuple[UpstreamRequest, Any]:
    base_url = registry.find(provider).base_url
    target = Target(provider, model or MODELS[provider], Credential(Secret("key-of-a-test")), Profile(base_url))
    request = find(provider).count_request(chat(max_tokens=2000, **members), target).request
    assert not request.streaming
    return request, json.loads(request.body)


def test_anthropic_counts_the_message_less_what_only_sampling_needs() -> None:
    request, body = asked("anthropic", tools=[TOOL], temperature=0, stop=["x"], user="u")
    assert request.url == "https://api.anthropic.com/v1/messages/count_tokens"
    assert body.keys() == {"model", "messages", "system", "tools"}
    assert request.headers["anthropic-version"] == "2023-06-01"


def test_what_anthropic_is_asked_to_count_is_what_its_sdk_can_send() -> None:
    own: dict[str, Any] = {
        "compaction": {},
        "context_management": {},
        "speed": "fast",
        "container": "c",
        "service_tier": "auto",
    }
    own |= {"inference_geo": "us", "diagnostics": {}, "fallbacks": [], "thread": {}, "fallback_credit_token": "t"}
    _, body = asked("anthropic", reasoning_effort="low", tools=[TOOL], tool_choice="auto", metadata={"a": "b"}, **own)
    assert body.keys() <= MessageCountTokensParams.__annotations__.keys()
    assert {"thinking", "tool_choice", "speed", "compaction", "context_management"} <= body.keys()


@pytest.mark.parametrize("provider", ["anthropic", "vertex"])
@pytest.mark.parametrize(
    "request_",
    [
        chat([URL_IMAGE]),
        chat([{"type": "file", "file": {"file_id": "file_1"}}]),
        chat(tools=[{"type": "web_search_20250305", "name": "web_search"}]),
        chat(mcp_servers=[{"type": "url", "url": "https://example.test"}]),
    ],
)
def test_claude_does_not_count_what_is_not_in_the_request(provider: str, request_: Any) -> None:
    assert counter_for(provider, request_, "claude-sonnet-4-5") is None
    assert counter_for(provider, chat(), "claude-sonnet-4-5") is find(provider)


def test_google_counts_the_whole_request() -> None:
    request, body = asked("google", tools=[TOOL])
    assert request.url.endswith("/v1beta/models/gemini-2.5-flash:countTokens")
    whole = body.pop("generateContentRequest")
    assert body == {}
    assert whole["model"] == "models/gemini-2.5-flash"
    assert {"contents", "tools", "systemInstruction"} <= whole.keys()
    assert counter_for("google", chat([URL_IMAGE]), "gemini-2.5-flash") is find("google")


def test_vertex_counts_gemini_beside_its_contents() -> None:
    request, body = asked("vertex", tools=[TOOL], tool_choice="auto", safety_settings=[{}])
    assert request.url.endswith("/publishers/google/models/gemini-2.5-pro:countTokens")
    assert body.keys() == {"contents", "tools", "systemInstruction", "generationConfig"}
    assert counter_for("vertex", chat(cached_content="cachedContents/1"), "gemini-2.5-pro") is None


def test_vertex_counts_every_claude_at_one_address() -> None:
    request, body = asked("vertex", "claude-sonnet-4-5@20250929")
    assert request.url.endswith("/publishers/anthropic/models/count-tokens:rawPredict")
    assert body.keys() == {"model", "messages", "system", "anthropic_version"}
    assert body["model"] == "claude-sonnet-4-5@20250929"
    assert "anthropic-version" not in request.headers
    assert request.auth.header == "authorization"


@pytest.mark.parametrize(
    "model", [SONNET, f"us.{SONNET}", f"global.{SONNET}", f"arn:aws:bedrock:us-east-1:1:inference-profile/eu.{SONNET}"]
)
def test_bedrock_counts_for_the_model_behind_a_profile(model: str) -> None:
    request, body = asked("bedrock", model, tools=[TOOL], temperature=0)
    assert request.url.endswith("/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/count-tokens")
    assert body.keys() == {"input"}
    assert body["input"]["converse"].keys() == {"messages", "system", "toolConfig"}
    assert counter_for("bedrock", chat(), model) is find("bedrock")


@pytest.mark.parametrize(
    "model",
    ["amazon.nova-pro-v1:0", "us.anthropic.claude-opus-4-6-v1", "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"],
)  # fmt: skip
def test_bedrock_does_not_count_for_others(model: str) -> None:
    assert counter_for("bedrock", chat(), model) is None


def test_bedrock_does_not_count_a_schema() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}
    assert counter_for("bedrock", chat(response_format=form), SONNET) is None


@pytest.mark.parametrize("provider", ["openai", "azure", "cohere", "groq", "nobody"])
def test_who_counts_nothing_has_no_counter(provider: str) -> None:
    assert counter_for(provider, chat(), "m") is None
    with pytest.raises(NoTokenCounter):
        find(provider)


def test_what_cannot_be_asked_cannot_be_counted() -> None:
    with pytest.raises(Unsupported):
        asked("anthropic", n=2)


ANSWERS = [
    ("anthropic", b'{"input_tokens":641}', 641),
    ("google", b'{"totalTokens": 12, "promptTokensDetails": []}', 12),
    ("bedrock", b'{"inputTokens":11}', 11),
    ("vertex", b'{"totalTokens":7,"totalBillableCharacters":9}', 7),
    ("vertex", b'{"input_tokens":5}', 5),
]


@pytest.mark.parametrize(("provider", "body", "count"), ANSWERS)
def test_the_number_is_read(provider: str, body: bytes, count: int) -> None:
    assert find(provider).count_response(body) == count


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("body", [b"", b"{}", b'{"input_tokens":"1","totalTokens":-1,"inputTokens":null}', b"[1]"])
def test_an_answer_without_a_number_is_none(provider: str, body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        find(provider).count_response(body)
    assert raised.value.provider == provider


COUNTS = {"anthropic": 641, "google": 12, "bedrock": 11}
RECORDED = [
    str(path.relative_to(WIRE)) for provider in COUNTS for path in sorted((WIRE / provider / "count_tokens").glob("*"))
]


@pytest.mark.skipif(not WIRE.exists(), reason="no recorded traffic beside the project")
@pytest.mark.parametrize("path", RECORDED)
def test_recorded_counts_are_read(path: str) -> None:
    case = json.loads((WIRE / path).read_text())
    provider, count = case["provider"], COUNTS[case["provider"]]
    assert find(provider).count_response(case["response"]["body"].encode()) == count
    url = asked(provider, case["model"])[0].url
    assert case["request"]["url"].partition("?")[0] == url
