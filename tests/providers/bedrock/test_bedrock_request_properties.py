"""What holds of every request to Bedrock."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target
from providers.bedrock import PROVIDER
from providers.chat import (
    Assistant,
    ChatRequest,
    Document,
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
from tests.providers.bedrock.model import faults

Json = dict[str, Any]

any_text = st.text(max_size=12)
words = any_text.filter(str.strip)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(any_text, values, max_size=3)
caches = st.sampled_from([None, {"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}, {"ttl": 7}])

plain = st.builds(Text, any_text, caches)
parts = (
    plain
    | st.builds(Image, st.builds(Inline, st.just("image/png"), st.just("AAAA")), cache=caches)
    | st.builds(Document, st.builds(Inline, st.just("application/pdf"), st.just("AAAA")), any_text, caches)
)
formats = st.sampled_from(["", "anthropic-claude-v1", "bedrock-converse-v1", "other"])
reasonings = st.builds(Reasoning, any_text, any_text, any_text, formats)
calls = st.builds(ToolCall, any_text, any_text, st.sampled_from(["", "{}", '{"b":1,"a":[2.50]}']), cache=caches)
plain_content = st.lists(plain, max_size=2).map(tuple)
content = st.lists(parts, max_size=3).map(tuple)
turns = st.one_of(
    st.builds(System, plain_content),
    st.builds(User, content),
    st.builds(
        Assistant, plain_content, st.lists(reasonings, max_size=2).map(tuple), st.lists(calls, max_size=2).map(tuple)
    ),
    st.builds(ToolResult, any_text, content, st.none() | st.booleans(), caches),
)
conversations = st.lists(turns, max_size=6)
models = st.sampled_from(
    [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "global.anthropic.claude-opus-5",
        "amazon.nova-pro-v1:0",
        "us.amazon.nova-2-lite-v1:0",
        "openai.gpt-oss-120b-1:0",
        "us.deepseek.r1-v1:0",
        "meta.llama3-70b-instruct-v1:0",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123",
    ]
)
HI = User((Text("hi"),))


def asked(messages: Any, model: str, **members: Any) -> bytes:
    target = Target("bedrock", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    chat = ChatRequest("m", tuple(messages), Source("openai-chat", b"{}"), **members)
    return PROVIDER.request(chat, target).request.body


@given(conversations, st.booleans(), st.builds(Text, words), models)
def test_a_conversation_that_goes_on_begins_with_the_same_bytes(
    conversation: list[Any], instructed: bool, said: Text, model: str
) -> None:
    tools = {"tools": (FunctionTool("f"),)}
    conversation = [HI, *conversation, User((said,)), *([System((said,))] if instructed else [])]
    before = asked(conversation, model, **tools)
    after = asked([*conversation, Assistant((said,)), User((said,))], model, **tools)
    assert after.startswith(before.removesuffix(b"]}"))


@given(conversations, models)
def test_the_same_request_is_the_same_bytes(conversation: list[Any], model: str) -> None:
    assert asked([HI, *conversation], model) == asked([HI, *conversation], model)


@given(conversations, models)
def test_what_is_sent_keeps_bedrocks_rules(conversation: list[Any], model: str) -> None:
    body = json.loads(asked([HI, *conversation], model))
    assert faults(model, body) == ""
    assert all(first["role"] != second["role"] for first, second in pairwise(body["messages"]))
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    assert all(block["text"].strip() for block in blocks if "text" in block)
    assert all("cachePoint" not in turn["content"][0] for turn in body["messages"])
    used = any("toolUse" in block or "toolResult" in block for block in blocks)
    assert used == ("toolConfig" in body)
    inner = [part for block in blocks if "toolResult" in block for part in block["toolResult"]["content"]]
    names = [block["document"]["name"] for block in [*blocks, *inner] if "document" in block]
    assert len(set(names)) == len(names)


optional: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.sampled_from([(FunctionTool("f", strict=True),), (FunctionTool("a.b"),), (NativeTool("x", {}),)]),
    "tool_choice": st.sampled_from(["auto", "none", "required", NamedTool("f")]),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from(["text", "json_object"]) | st.builds(JsonSchema, st.just("n"), objects),
    "temperature": st.floats(-1, 3),
    "top_p": st.floats(0, 2),
    "top_k": st.integers(0, 5),
    "stop": st.lists(any_text, max_size=2).map(tuple),
    "n": st.integers(0, 2),
    "max_tokens": st.integers(0, 5_000),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "reasoning_budget": st.integers(-1, 5_000),
    "metadata": objects,
    "user": any_text,
    "extra": st.dictionaries(
        st.sampled_from(["thinking", "additionalModelRequestFields", "betas", "service_tier", "modalities", "new"]),
        values,
    ),
}


@settings(max_examples=300)
@given(conversations, models, st.fixed_dictionaries({}, optional=optional))
def test_any_request_is_translated_or_a_clear_400(conversation: list[Any], model: str, members: Json) -> None:
    try:
        body = json.loads(asked([HI, *conversation], model, **members))
    except CallerError as refused:
        assert refused.status == 400
        assert refused.param
        return
    assert faults(model, body) == ""
    thinking = body.get("additionalModelRequestFields", {}).get("thinking")
    if not members.get("extra") and thinking is not None and "budget_tokens" in thinking:
        assert 1_024 <= thinking["budget_tokens"] < body["inferenceConfig"]["maxTokens"]
