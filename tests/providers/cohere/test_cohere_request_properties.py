"""What holds of every request to Cohere."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target, Translated
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
from providers.cohere import PROVIDER
from providers.errors import CallerError
from providers.secret import Secret

Json = dict[str, Any]

texts = st.text(max_size=12)
words = texts.filter(bool)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)

any_text = st.text(max_size=8)
parts = st.builds(Text, any_text) | st.builds(Image, st.builds(Inline, st.just("image/png"), st.just("AAAA")))
formats = st.sampled_from(["", "cohere-thinking-v2", "cohere-tool-plan-v2", "other"])
reasonings = st.builds(Reasoning, any_text, any_text, any_text, formats)
calls = st.builds(ToolCall, any_text, any_text, st.sampled_from(["", "{}", '{"b":1,"a":[2.50]}', "no json"]))
plain_content = st.lists(st.builds(Text, any_text), max_size=2).map(tuple)
turns = st.one_of(
    st.builds(System, plain_content),
    st.builds(User, st.lists(parts, max_size=2).map(tuple)),
    st.builds(
        Assistant, plain_content, st.lists(reasonings, max_size=2).map(tuple), st.lists(calls, max_size=2).map(tuple)
    ),
    st.builds(ToolResult, any_text, plain_content),
)
conversations = st.lists(turns, max_size=6)
models = st.sampled_from(["command-a-03-2025", "command-a-reasoning-08-2025", "command-a-plus-05-2026", "else"])


def asked(messages: Any, model: str, **members: Any) -> Translated:
    target = Target("cohere", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    return PROVIDER.request(ChatRequest("m", tuple(messages), Source("openai-chat", b"{}"), **members), target)


@given(conversations, conversations, st.builds(Text, words), models)
def test_a_conversation_that_goes_on_begins_with_the_same_bytes(
    conversation: list[Any], more: list[Any], said: Text, model: str
) -> None:
    conversation = [*conversation, User((said,))]
    tools = {"tools": (FunctionTool("f", None, {"b": 1, "a": 2}),), "tool_choice": "required"}
    before = asked(conversation, model, **tools).request.body
    after = asked([*conversation, *more], model, **tools).request.body
    assert after.startswith(before.removesuffix(b"]}"))
    assert asked(conversation, model, **tools).request.body == before


@given(conversations, models)
def test_what_is_sent_keeps_coheres_rules(conversation: list[Any], model: str) -> None:
    body = json.loads(asked([User((Text("hi"),)), *conversation], model).request.body)
    for turn in body["messages"]:
        assert turn["role"] in {"system", "user", "assistant", "tool"}
        assert turn.get("content") or turn.get("tool_calls") or turn.get("tool_plan")
        kinds = [block["type"] for block in turn.get("content", [])]
        assert "thinking" not in kinds or turn["role"] == "assistant"
        assert kinds == sorted(kinds, key=lambda kind: kind != "thinking")
        assert "image_url" not in kinds or turn["role"] == "user"
        if turn["role"] != "tool":
            assert all(block["text"] for block in turn.get("content", []) if block["type"] == "text")
        assert all(call["function"]["arguments"].strip() for call in turn.get("tool_calls", []))


@given(conversations, models)
def test_every_call_and_every_result_is_sent_in_its_order(conversation: list[Any], model: str) -> None:
    body = json.loads(asked([User((Text("hi"),)), *conversation], model).request.body)
    assert [call["id"] for turn in body["messages"] for call in turn.get("tool_calls", [])] == [
        call.id for message in conversation if isinstance(message, Assistant) for call in message.tool_calls
    ]
    assert [turn["tool_call_id"] for turn in body["messages"] if turn["role"] == "tool"] == [
        message.call_id for message in conversation if isinstance(message, ToolResult)
    ]


@given(st.lists(reasonings, max_size=3), st.booleans(), models)
def test_reasoning_is_sent_back_or_named_and_never_doubled(thoughts: list[Reasoning], called: bool, model: str) -> None:
    message = Assistant((Text("so"),), tuple(thoughts), (ToolCall("1", "f", "{}"),) if called else ())
    translated = asked([message], model)
    (turn,) = json.loads(translated.request.body)["messages"]
    thinking = [block["thinking"] for block in turn["content"] if block["type"] == "thinking"]
    sent = len("".join(thinking)) + len(turn.get("tool_plan", ""))
    said = sum(len(thought.text) for thought in thoughts)
    assert sent <= said
    assert sent == said or translated.dropped == ("messages[].reasoning",)


optional: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.sampled_from([(FunctionTool("f"),), (FunctionTool("f", strict=True),), (NativeTool("custom", {}),)]),
    "tool_choice": st.sampled_from(["auto", "none", "required", NamedTool("f"), NamedTool("g")]),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from(["text", "json_object"]) | st.builds(JsonSchema, st.just("n"), objects),
    "temperature": st.floats(-1, 3),
    "top_p": st.floats(0, 1),
    "top_k": st.integers(-1, 600),
    "frequency_penalty": st.floats(-2, 2),
    "seed": st.integers(),
    "stop": st.lists(any_text, max_size=6).map(tuple),
    "n": st.integers(0, 2),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 2),
    "max_tokens": st.integers(0, 5_000),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "reasoning_budget": st.integers(-1, 5_000),
    "metadata": objects,
    "user": any_text,
    "extra": st.dictionaries(
        st.sampled_from(["thinking", "documents", "p", "safety_mode", "modalities", "preamble", "new"]), values
    ),
}


@settings(max_examples=300)
@given(conversations, models, st.fixed_dictionaries({}, optional=optional))
def test_any_request_is_translated_or_a_clear_400(conversation: list[Any], model: str, members: Json) -> None:
    try:
        translated = asked([User((Text("hi"),)), *conversation], model, **members)
    except CallerError as refused:
        assert refused.status == 400
        assert refused.param
        return
    body = json.loads(translated.request.body)
    assert None not in body.values()
    for ours, theirs in {
        "temperature": "temperature",
        "top_k": "k",
        "seed": "seed",
        "max_tokens": "max_tokens",
    }.items():
        assert body.get(theirs) == members.get(ours)
    if "reasoning_budget" in members and "thinking" not in (members.get("extra") or {}):
        thinking = body.get("thinking", {})
        assert thinking.get("token_budget", 1) >= 1
