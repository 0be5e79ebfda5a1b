"""Building an OpenAI request for a client of another wire; parsed again, it is the same request."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from providers.base import Credential, Profile, Target
from providers.chat import (
    Assistant,
    Audio,
    ChatRequest,
    Content,
    Document,
    FileId,
    FunctionTool,
    Image,
    Inline,
    JsonSchema,
    Message,
    NamedTool,
    NativeChoice,
    NativeFormat,
    NativeTool,
    Reasoning,
    Refusal,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.compatible import HOSTS
from providers.dialects.openai import DIALECT
from providers.errors import Unsupported
from providers.jsonwalk import dump
from providers.openai import PROVIDER
from providers.openai.encode import encode_chat
from providers.openai.provider import ChatProvider
from providers.secret import Secret
from tests.providers.openai.chat_requests import OWN, messages, requests

FOREIGN = Source("another-wire", b"{}")


def chat(*messages: Message, **members: Any) -> ChatRequest:
    return ChatRequest("m", messages, members.pop("source", FOREIGN), **members)


def body_of(*messages: Message, **members: Any) -> dict[str, Any]:
    body, dropped = encode_chat(chat(*messages, **members), "m")
    assert dropped == ()
    return json.loads(dump(body))  # type: ignore[no-any-return]


def message_of(message: Message) -> dict[str, Any]:
    (encoded,) = body_of(message)["messages"]
    return encoded  # type: ignore[no-any-return]


# -- round trip -----------------------------------------------------------------------------------------------------


@settings(max_examples=300)
@given(requests())
def test_what_is_built_is_parsed_as_the_same_request(request: ChatRequest) -> None:
    body, dropped = encode_chat(request, request.model)
    assert dropped == ()
    parsed = DIALECT.parse(dump(body))
    assert replace(parsed, source=OWN) == normal(request)


def normal(request: ChatRequest) -> ChatRequest:
    """What the wire cannot tell apart: a lone block of plain thought, if empty, is none."""

    def message(each: Message) -> Message:
        if isinstance(each, Assistant) and each.reasoning == (Reasoning(),):
            return replace(each, reasoning=())
        return each

    return replace(request, messages=tuple(map(message, request.messages)))


# -- forms ----------------------------------------------------------------------------------------------------------


def test_one_text_is_a_string_and_anything_else_a_list() -> None:
    assert message_of(User((Text("hi"),))) == {"role": "user", "content": "hi"}
    assert message_of(User((Text("a"), Text("b"))))["content"] == [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "b"},
    ]
    assert message_of(User((Text("a", {"type": "ephemeral"}),)))["content"] == [
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    ]


def test_a_tool_result_without_content_is_an_empty_text() -> None:
    assert message_of(ToolResult("c", ()))["content"] == ""


def test_text_beside_tool_calls_is_null_where_there_is_none_pitfall_04() -> None:
    call = ToolCall("c", "f", "{}")
    assert message_of(Assistant(tool_calls=(call,)))["content"] is None
    assert message_of(Assistant((Text("so"),), tool_calls=(call,)))["content"] == "so"
    assert message_of(Assistant())["content"] == ""


def test_a_call_without_arguments_has_an_empty_object_pitfall_05() -> None:
    (call,) = message_of(Assistant(tool_calls=(ToolCall("c", "f", ""),)))["tool_calls"]
    assert call == {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def test_reasoning_goes_back_as_text_and_with_its_blocks_pitfall_07() -> None:
    claude = Reasoning("why", "sig", format="anthropic-claude-v1")
    hidden = Reasoning(data="enc", format="openai-responses-v1", id="rs_1")
    summary = Reasoning("because", format="openai-responses-v1", id="rs_1")
    message = message_of(Assistant((Text("so"),), (claude, hidden, summary)))
    assert message["reasoning_content"] == "whybecause"
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "why", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "format": "openai-responses-v1", "id": "rs_1", "index": 1},
        {"type": "reasoning.summary", "summary": "because", "format": "openai-responses-v1", "id": "rs_1", "index": 2},
    ]
    assert list(message) == ["role", "reasoning_content", "reasoning_details", "content"]


def test_plain_reasoning_is_text_only() -> None:
    assert message_of(Assistant((Text("so"),), (Reasoning("why"),))) == {
        "role": "assistant",
        "reasoning_content": "why",
        "content": "so",
    }


def test_documents_and_audio() -> None:
    parts: list[Content] = [
        Document(Inline("application/pdf", "AAA"), "a.pdf"),
        Document(FileId("file-1")),
        Document(Inline("", "AAA")),
        Audio("AAA", "wav"),
    ]
    assert message_of(User(tuple(parts)))["content"] == [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AAA"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "file", "file": {"file_data": "AAA"}},
        {"type": "input_audio", "input_audio": {"data": "AAA", "format": "wav"}},
    ]


def test_falsy_values_are_said_again_pitfall_23() -> None:
    body = body_of(
        User((Text(""),)), temperature=0.0, top_p=0.0, seed=0, n=0, stop=(), parallel_tool_calls=False, user=""
    )
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": ""}],
        "temperature": 0.0,
        "top_p": 0.0,
        "seed": 0,
        "n": 0,
        "stop": [],
        "parallel_tool_calls": False,
        "user": "",
    }


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (chat(User((UnknownPart("hologram", "messages[0].content[0]"),))), "messages[0].content[0]"),
        (chat(User((Image(FileId("file_1")),))), "messages"),
        (chat(tools=(NativeTool("bash_20250124", {"type": "bash_20250124"}),)), "tools"),
        (chat(tool_choice=NativeChoice("allowed_tools")), "tool_choice"),
        (chat(response_format=NativeFormat("grammar")), "response_format"),
    ],
)
def test_what_has_no_form_is_refused_by_name(request_: ChatRequest, param: str) -> None:
    with pytest.raises(Unsupported) as raised:
        encode_chat(request_, "m")
    assert raised.value.param == param
    assert raised.value.status == 400


def test_every_other_form_once() -> None:
    call = ToolCall("c", "sql", "SELECT 1", "custom", {"type": "ephemeral"})
    asked: list[Content] = [
        Image(Url("https://x/a.png"), "low"),
        Image(Inline("image/png", "AAA")),
        Document(Url("https://x/a.pdf")),
    ]
    request = chat(
        User(tuple(asked), name="u"),
        Assistant((Refusal("no"),), name="a"),
        Assistant(tool_calls=(call,)),
        source=OWN,
        tools=(
            FunctionTool("f", "d", {"type": "object"}, strict=True),
            NativeTool("web_search", {"type": "web_search"}),
        ),
        tool_choice=NamedTool("f"),
        response_format=JsonSchema("n", {"type": "object"}, "d", strict=False),
        extra={"x_new": 0},
    )
    body, dropped = encode_chat(request, "m")
    assert dropped == ()
    assert body == {
        "model": "m",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "https://x/a.png", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAA"}},
                    {"type": "file", "file": {"file_data": "https://x/a.pdf"}},
                ],
                "name": "u",
            },
            {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}], "name": "a"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "custom",
                        "custom": {"name": "sql", "input": "SELECT 1"},
                        "cache_control": {"type": "ephemeral"},
                    }
                ],
            },
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True},
            },
            {"type": "web_search"},
        ],
        "tool_choice": {"type": "function", "function": {"name": "f"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "description": "d", "strict": False},
        },
        "x_new": 0,
    }
    plain = body_of(User((Text("x"),)), tool_choice="required", response_format="json_object")
    assert (plain["tool_choice"], plain["response_format"]) == ("required", {"type": "json_object"})


# -- hosts ----------------------------------------------------------------------------------------------------------


RICH = chat(
    System((Text("be brief", {"type": "ephemeral"}),)),
    User((Text("a", {"type": "ephemeral"}), Text("b"))),
    Assistant((Text("so"),), (Reasoning("why", "sig", format="anthropic-claude-v1"),)),
    ToolResult("c", (Text("x"),), is_error=True),
    top_k=3,
    reasoning_budget=100,
    max_tokens=9,
    stream=True,
    extra={"container": "x"},
)


def test_openai_gets_nothing_that_is_not_its_own_and_the_rest_is_named() -> None:
    translated = PROVIDER.request(RICH, Target("openai", "gpt", Credential(Secret("k")), Profile("https://x")))
    assert json.loads(translated.request.body) == {
        "model": "gpt",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": "so"},
            {"role": "tool", "tool_call_id": "c", "content": "x"},
        ],
        "max_completion_tokens": 9,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert translated.dropped == (
        "cache_control",
        "container",
        "is_error",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "top_k",
    )


def test_a_hosts_peculiarities_hold_for_built_requests_too() -> None:
    provider = ChatProvider(HOSTS["mistral"])
    translated = provider.request(RICH, Target("mistral", "large", Credential(Secret("k")), Profile("https://x")))
    body = json.loads(translated.request.body)
    assert body["max_tokens"] == 9
    assert "max_completion_tokens" not in body
    assert "stream_options" not in body
    assert "stream_options" in translated.dropped


def test_openrouter_gets_signed_blocks_and_a_budget() -> None:
    provider = ChatProvider(HOSTS["openrouter"])
    translated = provider.request(RICH, Target("openrouter", "x", Credential(Secret("k")), Profile("https://x")))
    body = json.loads(translated.request.body)
    assert body["messages"][2]["reasoning_details"][0]["signature"] == "sig"
    assert body["reasoning"] == {"max_tokens": 100}
    assert body["messages"][1]["content"][0]["cache_control"] == {"type": "ephemeral"}
    assert translated.dropped == ("container", "is_error", "reasoning_content")


@given(st.lists(messages, min_size=1, max_size=3), messages)
def test_one_more_turn_leaves_the_bytes_of_the_turns_before_it(turns: list[Message], next_turn: Message) -> None:
    """A provider's own prompt cache hits only on an equal prefix."""
    before = dump(encode_chat(chat(*turns), "m")[0])
    after = dump(encode_chat(chat(*turns, next_turn), "m")[0])
    assert after.startswith(before.removesuffix(b"]}"))


def test_members_of_messages_without_a_word_are_named() -> None:
    assert encode_chat(chat(User((Text("x"),)), unread=("messages[].mood",)), "m")[1] == ("messages[].mood",)
