"""All of a request but its messages, from the client's own body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.chat import NativeChoice, NativeTool
from providers.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

FUNCTION = {"type": "function", "function": {"name": "f"}}
SEALED = ["reasoning.encrypted_content"]
LOGPROBS = "message.output_text.logprobs"


def test_a_plain_question(written: Callable[..., Any]) -> None:
    asked = written()
    assert asked.body == {
        "model": "gpt-5-pro",
        "stream": False,
        "store": False,
        "include": SEALED,
        "input": [{"role": "user", "content": "hi"}],
    }
    assert list(asked.body)[-1] == "input"
    assert (asked.request.method, asked.request.url) == ("POST", "https://api.openai.com/v1/responses")
    assert asked.request.headers == {"content-type": "application/json", "accept": "application/json"}
    assert (asked.request.auth.header, asked.request.streaming) == ("authorization", False)
    assert not asked.dropped


def test_a_streamed_one(written: Callable[..., Any]) -> None:
    asked = written(stream=True, stream_options={"include_usage": True, "include_obfuscation": False})
    assert asked.body["stream_options"] == {"include_obfuscation": False}
    assert asked.body["stream"] is True
    assert asked.request.headers["accept"] == "text/event-stream"
    assert "stream_options" not in written(stream=True, stream_options={"include_usage": True}).body


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ({"max_tokens": 9}, {"max_output_tokens": 9}),
        ({"max_completion_tokens": 9}, {"max_output_tokens": 9}),
        ({"temperature": 0, "top_p": 0.0}, {"temperature": 0, "top_p": 0.0}),
        ({"user": "u", "metadata": {"a": "b"}}, {"user": "u", "metadata": {"a": "b"}}),
        ({"service_tier": "flex", "prompt_cache_key": "k"}, {"service_tier": "flex", "prompt_cache_key": "k"}),
        ({"safety_identifier": "s", "truncation": "auto"}, {"safety_identifier": "s", "truncation": "auto"}),
        ({"store": True}, {"store": True}),
        ({"include": []}, {"include": []}),
        ({"include": ["web_search_call.action.sources"]}, {"include": ["web_search_call.action.sources"]}),
        ({"logprobs": True, "top_logprobs": 2}, {"include": [*SEALED, LOGPROBS], "top_logprobs": 2}),
        ({"logprobs": True, "include": [LOGPROBS]}, {"include": [LOGPROBS]}),
        ({"model": "gpt-4.1"}, {"include": None}),
        ({"model": "gpt-5.1-chat-latest"}, {"include": None}),
        ({"parallel_tool_calls": False, "tools": [FUNCTION]}, {"parallel_tool_calls": False}),
        ({"verbosity": "low"}, {"text": {"verbosity": "low"}}),
        ({"response_format": {"type": "text"}}, {"text": {"format": {"type": "text"}}}),
        (
            {"response_format": {"type": "json_object"}, "verbosity": "low"},
            {"text": {"format": {"type": "json_object"}, "verbosity": "low"}},
        ),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": False}}},
            {"text": {"format": {"type": "json_schema", "name": "n", "schema": {}, "strict": False}}},
        ),
    ],
)
def test_members_go_under_their_names(written: Callable[..., Any], said: Any, sent: dict[str, Any]) -> None:
    asked = written(**said)
    assert {name: asked.body.get(name) for name in sent} == sent
    assert not asked.dropped


@pytest.mark.parametrize(
    ("said", "reasoning"),
    [
        ({"reasoning_effort": "high"}, {"effort": "high"}),
        ({"reasoning_effort": "none"}, {"effort": "none"}),
        ({"reasoning_effort": "tomorrow"}, {"effort": "tomorrow"}),
        ({"reasoning": {"effort": "low", "summary": "detailed"}}, {"effort": "low", "summary": "detailed"}),
        ({"reasoning": {"effort": "low", "summary": None}}, {"effort": "low"}),
        ({"reasoning": {"effort": "tomorrow"}}, {"effort": "tomorrow"}),
        ({"reasoning": {"effort": "low", "exclude": True}}, {"effort": "low"}),
        ({"reasoning": {"effort": "low", "exclude": False}}, {"effort": "low", "summary": "auto"}),
        ({"reasoning": {"effort": "none", "exclude": False}}, {"effort": "none"}),
        ({"reasoning": {"summary": None, "exclude": False}}, None),
        ({"reasoning": {"summary": "concise", "mode": "pro"}}, {"summary": "concise", "mode": "pro"}),
        ({"reasoning": {"exclude": True}}, None),
        ({}, None),
    ],
)
def test_how_much_to_think_and_to_show(written: Callable[..., Any], said: Any, reasoning: Any) -> None:
    asked = written(**said)
    assert asked.body.get("reasoning") == reasoning
    assert not asked.dropped


def test_hosts_that_seal_nothing_are_not_asked_to(written: Callable[..., Any]) -> None:
    assert "include" not in written(provider="deepseek").body
    assert written(provider="xai").body["include"] == SEALED


def test_functions_are_flat_and_not_strict_unless_they_say_so(written: Callable[..., Any]) -> None:
    schema = {"type": "object", "properties": {"a": {}}}
    full = {"name": "g", "description": "d", "parameters": schema, "strict": True}
    asked = written(tools=[FUNCTION, {"type": "function", "function": full, "cache_control": {"type": "ephemeral"}}])
    nothing = {"type": "object", "properties": {}}
    assert asked.body["tools"] == [
        {"type": "function", "name": "f", "parameters": nothing, "strict": False},
        {"type": "function", "name": "g", "description": "d", "parameters": schema, "strict": True},
    ]
    assert asked.dropped == ("tools[].cache_control",)


def test_tools_of_other_kinds_go_as_they_are_and_custom_ones_flat(written: Callable[..., Any]) -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: /a/"}}
    tools = [
        {"type": "web_search", "filters": {"allowed_domains": ["a.example"]}},
        {"type": "custom", "custom": {"name": "sh", "description": "d", "format": grammar}},
        {"type": "custom", "custom": {"name": "py", "format": {"type": "text"}}},
        {"type": "custom", "name": "flat"},
    ]
    assert written(tools=tools).body["tools"] == [
        tools[0],
        {
            "type": "custom",
            "name": "sh",
            "description": "d",
            "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"},
        },
        {"type": "custom", "name": "py", "format": {"type": "text"}},
        {"type": "custom", "name": "flat"},
    ]


@pytest.mark.parametrize(
    ("said", "sent"),
    [
        ("none", "none"),
        ("required", "required"),
        (FUNCTION, {"type": "function", "name": "f"}),
        ({"type": "custom", "custom": {"name": "sh"}}, {"type": "custom", "name": "sh"}),
        ({"type": "web_search"}, {"type": "web_search"}),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [FUNCTION, {"type": "mcp"}]}},
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}, {"type": "mcp"}]},
        ),
    ],
)
def test_the_choice_of_a_tool(written: Callable[..., Any], said: Any, sent: Any) -> None:
    assert written(tools=[FUNCTION], tool_choice=said).body["tool_choice"] == sent


@pytest.mark.parametrize(
    ("said", "dropped"),
    [
        (
            {"seed": 1, "frequency_penalty": 0.5, "presence_penalty": 0},
            ("frequency_penalty", "presence_penalty", "seed"),
        ),
        ({"top_k": 3}, ("top_k",)),
        ({"stop": []}, ("stop",)),
        ({"logit_bias": {"1": 2}, "prediction": {}}, ("logit_bias", "prediction")),
        ({"reasoning": {"enabled": True}}, ("reasoning.enabled",)),
        ({"modalities": ["text"], "background": False}, ("background",)),
        ({"messages": [{"role": "user", "content": "a", "tomorrow": 1}]}, ("messages[].tomorrow",)),
    ],
)
def test_knobs_without_an_equal_are_named(written: Callable[..., Any], said: Any, dropped: tuple[str, ...]) -> None:
    asked = written(**said)
    assert asked.dropped == dropped
    assert not asked.body.keys() & said.keys() - {"messages"}


@pytest.mark.parametrize(
    ("said", "param"),
    [
        ({"n": 2}, "n"),
        ({"stop": ["x"]}, "stop"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"background": True}, "background"),
        ({"instructions": "x"}, "instructions"),
        ({"reasoning": {"max_tokens": 9}}, "reasoning.max_tokens"),
        ({"response_format": {"type": "grammar"}}, "response_format"),
    ],
)
def test_what_would_change_the_answer_is_refused(written: Callable[..., Any], said: Any, param: str) -> None:
    with pytest.raises(Unsupported) as raised:
        written(**said)
    assert raised.value.param == param


@pytest.mark.parametrize("param", ["previous_response_id", "conversation"])
def test_pitfall_22_what_is_kept_at_the_provider_belongs_to_a_dialect_that_nobody_speaks_here(
    written: Callable[..., Any], param: str
) -> None:
    with pytest.raises(Unsupported, match="Send the earlier messages") as raised:
        written(**{param: "resp_1"})
    assert raised.value.param == param


def test_tools_of_another_wire_are_refused(ask: Callable[..., Any]) -> None:
    with pytest.raises(Unsupported) as raised:
        ask(source="anthropic-messages", tools=(NativeTool("computer_20250124", {}),))
    assert raised.value.param == "tools[0].type"
    with pytest.raises(Unsupported) as raised:
        ask(source="anthropic-messages", tool_choice=NativeChoice("any_of"))
    assert raised.value.param == "tool_choice"
    body = ask(source="anthropic-messages", reasoning_effort="low", stream=True).body
    assert (body["reasoning"], body.get("stream_options")) == ({"effort": "low"}, None)


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://r.openai.azure.com", "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com/openai/deployments/d", "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.openai.azure.com/openai/v1", "https://r.openai.azure.com/openai/v1/responses"),
        ("https://r.services.ai.azure.com/models", "https://r.services.ai.azure.com/openai/v1/responses"),
    ],
)
def test_azure_has_it_in_the_undated_version_of_the_resource(ask: Callable[..., Any], base_url: str, url: str) -> None:
    asked = ask(provider="azure", model="my-deployment", base_url=base_url, headers={"api-version": "preview"})
    assert asked.request.url == f"{url}?api-version=preview"
    assert "api-version" not in asked.request.headers
    assert asked.request.auth.header == "api-key"
    assert asked.body["model"] == "my-deployment"
    assert ask(provider="azure", base_url=base_url).request.url == url


def test_the_date_of_an_older_path_is_no_version_of_it(ask: Callable[..., Any]) -> None:
    asked = ask(provider="azure", base_url="https://r.openai.azure.com", headers={"api-version": "2024-10-21"})
    assert asked.request.url == "https://r.openai.azure.com/openai/v1/responses"


def test_azure_is_nowhere_without_an_address(ask: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="address of its own"):
        ask(provider="azure")
