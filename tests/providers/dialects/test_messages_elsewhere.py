"""A request of the Messages API on its way to providers of other wires: all of it arrives, is named, or is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers import registry
from providers.base import Credential, Profile, Target
from providers.dialects.anthropic import DIALECT
from providers.errors import CallerError, Unsupported
from providers.foreign_thought import marked
from providers.secret import Secret

if TYPE_CHECKING:
    from providers.base import Translated

KEY_FILE = json.dumps({"type": "service_account", "project_id": "acme-1", "client_email": "e", "private_key": "k"})
SECRETS = {"vertex": KEY_FILE, "bedrock": "AKIA:secret"}
MARK: dict[str, Any] = {"type": "ephemeral"}
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
THOUGHT: dict[str, Any] = {"type": "thinking", "thinking": "I should look.", "signature": "c2lnbmVk"}
CALL: dict[str, Any] = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}
RESULT: dict[str, Any] = {
    "type": "tool_result", "tool_use_id": "toolu_1", "content": [{"type": "text", "text": "no such place"}], "is_error": True,
}  # fmt: skip
RICH: dict[str, Any] = {
    "model": "m",
    "max_tokens": 4000,
    "system": [{"type": "text", "text": "Be kind.", "cache_control": MARK}],
    "messages": [
        {"role": "user", "content": "Weather in Oslo?"},
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Let me see."}, CALL]},
        {"role": "user", "content": [RESULT, {"type": "text", "text": "And now?"}]},
    ],
    "tools": [{"name": "weather", "description": "It tells.", "input_schema": SCHEMA, "defer_loading": True}],
    "tool_choice": {"type": "any"},
    "stop_sequences": ["@@"],
    "temperature": 0,
    "metadata": {"user_id": "u-1"},
    "service_tier": "auto",
    "speed": "fast",
}
MODELS = [
    ("openai", "gpt-4o"),
    ("mistral", "mistral-large-latest"),
    ("google", "gemini-2.5-flash"),
    ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("cohere", "command-a-03-2025"),
    ("vertex", "gemini-2.5-flash"),
]


def sent(provider: str, model: str, **members: Any) -> Translated:
    known = registry.find(provider)
    target = Target(provider, model, Credential(Secret(SECRETS.get(provider, "k"))), Profile(known.base_url))
    return known.request(DIALECT.parse(json.dumps({**RICH, **members}).encode()), target)


@pytest.mark.parametrize(("provider", "model"), MODELS)
def test_all_of_a_request_arrives_or_is_named(provider: str, model: str) -> None:
    translated = sent(provider, model)
    text = translated.request.body.decode()
    for said in ("Be kind.", "Weather in Oslo?", "Let me see.", "Oslo", "no such place", "And now?", "It tells.", "@@"):
        assert said in text
    dropped = set(translated.dropped)
    assert {"speed", "tools[].defer_loading"} <= dropped
    assert ("u-1" in text) != bool(dropped & {"user", "metadata"})
    assert ("c2lnbmVk" in text) != bool([name for name in dropped if "reasoning" in name])
    assert ("ephemeral" in text or "cachePoint" in text) != bool([name for name in dropped if "cache_control" in name])


def test_claude_on_vertex_gets_the_bytes_as_they_are_written() -> None:
    target = Target(
        "vertex", "claude-opus-4-6", Credential(Secret(KEY_FILE)), Profile(registry.find("vertex").base_url)
    )
    body = b'{"model":"x", "max_tokens": 1e3,"messages":[{"role":"user","content":"hi"}] , "brand_new":1.0}'
    asked = registry.find("vertex").request(DIALECT.parse(body), target).request
    assert asked.body == (
        b'{"max_tokens": 1e3,"messages":[{"role":"user","content":"hi"}] , "brand_new":1.0'
        b' , "anthropic_version":"vertex-2023-10-16"}'
    )


def test_thinking_between_texts_reaches_claude_on_bedrock_in_its_order() -> None:
    later = THOUGHT | {"thinking": "Now I know."}
    content = [THOUGHT, {"type": "text", "text": "Let me see."}, later, CALL]
    messages = [RICH["messages"][0], {"role": "assistant", "content": content}, {"role": "user", "content": [RESULT]}]
    body = json.loads(sent(*MODELS[3], messages=messages).request.body)
    assert [next(iter(block)) for block in body["messages"][1]["content"]] == [
        "reasoningContent", "text", "reasoningContent", "toolUse",
    ]  # fmt: skip


def test_pitfall_10_geminis_signature_returns_to_its_call() -> None:
    thought = {"type": "redacted_thinking", "data": marked("", "Z2VtaW5p", "google-gemini-v1", "toolu_1")}
    messages = [
        RICH["messages"][0],
        {"role": "assistant", "content": [CALL, thought]},
        {"role": "user", "content": [RESULT]},
    ]
    body = json.loads(sent("google", "gemini-3-pro-preview", messages=messages).request.body)
    (part,) = body["contents"][1]["parts"]
    assert part["thoughtSignature"] == "Z2VtaW5p"
    assert part["functionCall"]["name"] == "weather"


@pytest.mark.parametrize(
    ("thinking", "effort", "expected"),
    [
        ({"type": "adaptive"}, {"effort": "low"}, {"thinkingBudget": 1024, "includeThoughts": True}),
        ({"type": "enabled", "budget_tokens": 2000}, {}, {"thinkingBudget": 2000, "includeThoughts": True}),
        ({"type": "disabled"}, {}, {"thinkingBudget": 0}),
    ],
)
def test_thinking_is_asked_for_in_their_words(thinking: Any, effort: Any, expected: dict[str, Any]) -> None:
    body = json.loads(sent("google", "gemini-2.5-flash", thinking=thinking, output_config=effort).request.body)
    assert body["generationConfig"]["thinkingConfig"] == expected


@pytest.mark.parametrize(("provider", "model"), MODELS)
@pytest.mark.parametrize(
    "members",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": None},
        {"messages": [{"role": "user", "content": [{"type": "search_result", "source": "s", "title": "t"}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "file", "file_id": "file_1"}}]}
            ]
        },
        {"output_config": {"format": {"type": "grammar"}}},
        {"tool_choice": {"type": "brand_new"}},
    ],
)
def test_what_they_cannot_represent_is_a_400(provider: str, model: str, members: dict[str, Any]) -> None:
    with pytest.raises(CallerError) as refused:
        sent(provider, model, **members)
    assert (refused.value.status, isinstance(refused.value, Unsupported)) == (400, True)
