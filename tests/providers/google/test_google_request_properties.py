"""What holds of every request to Google."""

import json
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target
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
    Url,
    User,
)
from providers.errors import CallerError
from providers.google import PROVIDER
from providers.secret import Secret

Json = dict[str, Any]

texts = st.text(max_size=8)
words = texts.filter(bool)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, values, max_size=3)
schemas = st.recursive(
    objects,
    lambda inner: st.dictionaries(
        st.sampled_from(["properties", "items", "anyOf", "$ref", "const", "enum", "$defs", "type"]),
        inner | st.lists(inner, max_size=2) | texts,
        max_size=4,
    ),
    max_leaves=8,
)

media = st.builds(Image, st.builds(Inline, st.just("image/png"), st.just("AAAA"))) | st.builds(
    Document, st.builds(Url, st.just("https://x/a.pdf"))
)
content = st.lists(st.builds(Text, texts) | media, max_size=2).map(tuple)
plain_content = st.lists(st.builds(Text, texts), max_size=2).map(tuple)
ids = st.sampled_from(["1", "2", "text:0:1"])
block_ids = ids | st.sampled_from(["", "text:0:0", "text:1:3", "text:3:1", "text:0:999"])
reasonings = st.builds(Reasoning, texts, texts, texts, st.sampled_from(["", "google-gemini-v1", "other"]), block_ids)
calls = st.builds(ToolCall, ids, texts, st.sampled_from(["", "{}", '{"b":1,"a":[2.50]}']))
called = st.builds(
    Assistant, plain_content, st.lists(reasonings, max_size=3).map(tuple), st.lists(calls, max_size=2).map(tuple)
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Any]:
    """Any messages; a result is of a call before it."""
    said: list[Any] = []
    known: list[str] = []
    for _ in range(draw(st.integers(0, 6))):
        kinds = [st.builds(System, plain_content), st.builds(User, content), called]
        if known:
            kinds.append(st.builds(ToolResult, st.sampled_from(known), plain_content, st.none() | st.booleans()))
        said.append(draw(st.one_of(kinds)))
        known += [call.id for call in getattr(said[-1], "tool_calls", ())]
    return said


models = st.sampled_from(["gemini-2.0-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "tunedModels/x"])


def asked(messages: Any, model: str, **members: Any) -> bytes:
    target = Target("google", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    chat = ChatRequest("m", tuple(messages), Source("openai-chat", b"{}"), **members)
    return PROVIDER.request(chat, target).request.body


@given(conversations(), st.booleans(), st.builds(Text, words), models)
def test_a_conversation_that_goes_on_begins_with_the_same_bytes(
    conversation: list[Any], instructed: bool, said: Text, model: str
) -> None:
    conversation = [*conversation, User((said,)), *([System((said,))] if instructed else [])]
    tools = {"tools": (FunctionTool("f"),)}
    before = asked(conversation, model, **tools)
    after = asked([*conversation, Assistant((said,)), User((said,))], model, **tools)
    assert ascii_(after).startswith(ascii_(before).removesuffix(b"]}"))


def ascii_(body: bytes) -> bytes:
    """A lone surrogate anywhere makes the whole of a body ASCII, so that one text more may change all spellings."""
    return json.dumps(json.loads(body), separators=(",", ":")).encode()


@given(conversations(), models)
def test_what_is_sent_keeps_googles_rules(conversation: list[Any], model: str) -> None:
    body = asked([User((Text("hi"),)), *conversation], model)
    assert body == asked([User((Text("hi"),)), *conversation], model)
    turns = json.loads(body)["contents"]
    assert all(first["role"] != second["role"] for first, second in pairwise(turns))
    for turn in turns:
        assert turn["parts"]
        for part in turn["parts"]:
            (kind,) = part.keys() - {"thought", "thoughtSignature"}
            assert kind in {"text", "inlineData", "fileData", "functionCall", "functionResponse"}
            assert part.get("text") != "" or "thoughtSignature" in part
            assert ("functionCall" in part) <= (turn["role"] == "model")
            if kind == "functionResponse":
                assert isinstance(part[kind]["response"], dict)


@given(plain_content, st.lists(reasonings, max_size=4).map(tuple), st.lists(calls, max_size=2).map(tuple))
def test_pitfall_10_no_signature_and_no_text_is_lost(
    content: tuple[Text, ...], reasoning: tuple[Reasoning, ...], tool_calls: tuple[ToolCall, ...]
) -> None:
    body = json.loads(asked([User((Text("a"),)), Assistant(content, reasoning, tool_calls), User((Text("b"),))], "x"))
    parts = [part for turn in body["contents"] if turn["role"] == "model" for part in turn["parts"]]
    said = [part["text"] for part in parts if "text" in part and not part.get("thought")]
    assert "".join(said) == "".join(part.text for part in content)
    ours = [block for block in reasoning if block.format == "google-gemini-v1"]
    call_ids = {call.id for call in tool_calls}
    wanted = {block.data for block in ours if block.data and block.id not in call_ids}
    wanted |= {block.signature for block in ours if block.signature and not block.data}
    assert wanted <= {part.get("thoughtSignature") for part in parts}


optional: dict[str, st.SearchStrategy[Any]] = {
    "tools": st.sampled_from([(FunctionTool("f"),), (NativeTool("google_search", {}),), (NativeTool("x", {}),)])
    | st.builds(lambda schema: (FunctionTool("f", parameters=schema),), schemas),
    "tool_choice": st.sampled_from(["auto", "none", "required", NamedTool("f")]),
    "parallel_tool_calls": st.booleans(),
    "response_format": st.sampled_from(["text", "json_object"]) | st.builds(JsonSchema, st.just("n"), schemas),
    "temperature": st.floats(-1, 3),
    "stop": st.lists(texts, max_size=2).map(tuple),
    "n": st.integers(0, 2),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 20),
    "max_tokens": st.integers(0, 5_000),
    "reasoning_effort": st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]),
    "reasoning_budget": st.integers(-2, 40_000),
    "metadata": objects,
    "extra": st.dictionaries(
        st.sampled_from(
            [
                "thinking_config",
                "generationConfig",
                "toolConfig",
                "safety_settings",
                "service_tier",
                "modalities",
                "new",
            ]
        ),
        values,
    ),
}


@settings(max_examples=300)
@given(conversations(), models | texts, st.fixed_dictionaries({}, optional=optional))
def test_any_request_is_translated_or_a_clear_400(conversation: list[Any], model: str, members: Json) -> None:
    try:
        body = json.loads(asked([User((Text("hi"),)), *conversation], model, **members))
    except CallerError as refused:
        assert refused.status == 400
        assert refused.param
        return
    if not {"thinking_config", "generationConfig"} & members.get("extra", {}).keys():
        config = body.get("generationConfig", {}).get("thinkingConfig", {})
        assert not {"thinkingLevel", "thinkingBudget"} <= config.keys()


@given(st.text(max_size=20))
def test_no_model_name_changes_the_host_or_the_method(model: str) -> None:
    chat = ChatRequest("m", (User((Text("hi"),)),), Source("openai-chat", b"{}"))
    target = Target("google", model, Credential(Secret("k")), Profile("https://host.example"))
    try:
        url = PROVIDER.request(chat, target).request.url
    except CallerError as refused:
        assert refused.param == "model"
        return
    assert url.isascii()
    assert url.startswith("https://host.example/v1beta/models/")
    assert url.count(":") == 2
    assert url.endswith(":generateContent")
    assert ".." not in url
