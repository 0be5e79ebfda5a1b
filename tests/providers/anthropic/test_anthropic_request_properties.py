"""What holds of every request to Anthropic."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.anthropic import PROVIDER
from providers.base import Credential, Profile, Target
from providers.chat import (
    Assistant,
    ChatRequest,
    FunctionTool,
    Image,
    Inline,
    JsonSchema,
    NamedTool,
    NativeTool,
    Reasoning,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    User,
)
from providers.errors import CallerError
from providers.secret import Secret

Json = dict[str, Any]


texts = st.text(max_size=12)
words = texts.filter(str.strip)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)

any_text = st.text(max_size=8)
parts = st.builds(Text, any_text) | st.builds(Image, st.builds(Inline, st.just("image/png"), st.just("AAAA")))
reasonings = st.builds(Reasoning, any_text, any_text, any_text, st.sampled_from(["", "anthropic-claude-v1", "other"]))
calls = st.builds(ToolCall, any_text, any_text, st.sampled_from(["", "{}", '{"b":1,"a":[2.50]}']))
plain_content = st.lists(st.builds(Text, any_text), max_size=2).map(tuple)
content = st.lists(parts, max_size=2).map(tuple)
turns = st.one_of(
    st.builds(System, plain_content),
    st.builds(User, content),
    st.builds(
        Assistant, plain_content, st.lists(reasonings, max_size=2).map(tuple), st.lists(calls, max_size=2).map(tuple)
    ),
    st.builds(ToolResult, any_text, content),
)
conversations = st.lists(turns, max_size=6)
models = st.sampled_from(["claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5-5", "claude-2", "else"])


def asked(messages: Any, model: str, **members: Any) -> bytes:
    target = Target("anthropic", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    chat = ChatRequest("m", tuple(messages), Source("openai-chat", b"{}"), **members)
    return PROVIDER.request(chat, target).request.body


@given(conversations, st.booleans(), st.builds(Text, words), models)
def test_a_conversation_that_goes_on_begins_with_the_same_bytes(
    conversation: list[Any], instructed: bool, said: Text, model: str
) -> None:
    conversation = [*conversation, User((said,)), *([System((said,))] if instructed else [])]
    before = asked(conversation, model)
    after = asked([*conversation, Assistant((said,)), User((said,))], model)
    assert after.startswith(before.removesuffix(b"]}"))


@given(conversations, models)
def test_the_same_request_is_the_same_bytes(conversation: list[Any], model: str) -> None:
    conversation = [User((Text("hi"),)), *conversation]
    assert asked(conversation, model) == asked(conversation, model)


@given(conversations, models)
def test_what_is_sent_keeps_anthropics_rules(conversation: list[Any], model: str) -> None:
    body = json.loads(asked([User((Text("hi"),)), *conversation], model))
    roles = [turn["role"] for turn in body["messages"]]
    assert all(first != second for first, second in pairwise(roles))
    for number, turn in enumerate(body["messages"]):
        assert turn["content"]
        assert all(block["text"].strip() for block in turn["content"] if block["type"] == "text")
        if turn["role"] == "system":
            assert model in {"claude-opus-4-8", "claude-opus-5-5"}
            assert roles[number - 1] == "user"
            assert roles[number + 1 :][:1] in ([], ["assistant"])
        kinds = [block["type"] for block in turn["content"]]
        assert "thinking" not in kinds or turn["role"] == "assistant"


optional: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.sampled_from([(FunctionTool("f"),), (NativeTool("custom", {}),), (NativeTool("x_20250101", {}),)]),
    "tool_choice": st.sampled_from(["auto", "none", "required", NamedTool("f")]),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from(["text", "json_object"]) | st.builds(JsonSchema, st.just("n"), objects),
    "temperature": st.floats(-1, 3),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(0, 5),
    "stop": st.lists(any_text, max_size=2).map(tuple),
    "n": st.integers(0, 2),
    "max_tokens": st.integers(0, 5_000),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "reasoning_budget": st.integers(-1, 5_000),
    "metadata": objects,
    "user": any_text,
    "extra": st.dictionaries(
        st.sampled_from(["thinking", "output_config", "betas", "service_tier", "modalities", "container", "new"]),
        values,
    ),
}


@settings(max_examples=300)
@given(conversations, models, st.fixed_dictionaries({}, optional=optional))
def test_any_request_is_translated_or_a_clear_400(conversation: list[Any], model: str, members: Json) -> None:
    try:
        body = json.loads(asked([User((Text("hi"),)), *conversation], model, **members))
    except CallerError as refused:
        assert refused.status == 400
        assert refused.param
        return
    thinking = body.get("thinking")
    if "thinking" not in members.get("extra", {}) and thinking is not None and "budget_tokens" in thinking:
        assert 1_024 <= thinking["budget_tokens"] < body["max_tokens"]
    assert None not in body.values()


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-5-5"])
def test_the_system_and_the_tools_do_not_change_as_the_conversation_goes_on(model: str) -> None:
    said = [System((Text("s"),)), User((Text("a"),))]
    longer = [*said, Assistant((Text("b"),)), System((Text("t"),)), User((Text("c"),))]
    tools = {"tools": (FunctionTool("f"),)}
    assert asked(longer, model, **tools).startswith(asked(said, model, **tools).removesuffix(b"]}"))
