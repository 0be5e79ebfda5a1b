"""Messages and their content, on the way to Cohere."""

from collections.abc import Callable
from typing import Any

import pytest

from providers.chat import (
    Assistant,
    Audio,
    Document,
    FileId,
    Image,
    Inline,
    Refusal,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]


def text(said: str) -> dict[str, str]:
    return {"type": "text", "text": said}


def test_pitfall_24_every_system_message_keeps_its_own_place(ask: Ask) -> None:
    asked = ask(System((Text("a"), Text("b"))), User((Text("c"),)), System((Text("d"),)), User((Text("e"),)))
    assert asked.body["messages"] == [
        {"role": "system", "content": [text("a"), text("b")]},
        {"role": "user", "content": [text("c")]},
        {"role": "system", "content": [text("d")]},
        {"role": "user", "content": [text("e")]},
    ]
    assert asked.dropped == ()


def test_pitfall_3_results_of_parallel_calls_stay_in_order_each_with_its_id(ask: Ask) -> None:
    calls = (ToolCall("1", "f", '{"a": 1.0}'), ToolCall("2", "g", "{}"))
    asked = ask(
        User((Text("go"),)),
        Assistant((), (), calls),
        ToolResult("1", (Text("one"), Text("more"))),
        ToolResult("2", (Text("two"),)),
    )
    assert asked.body["messages"][1:] == [
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}},
                {"id": "2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "tool_call_id": "1", "content": [text("one"), text("more")]},
        {"role": "tool", "tool_call_id": "2", "content": [text("two")]},
    ]


@pytest.mark.parametrize("arguments", ["", "  "])
def test_pitfall_5_a_call_without_arguments_has_an_empty_object(ask: Ask, arguments: str) -> None:
    asked = ask(Assistant((), (), (ToolCall("1", "f", arguments),)))
    assert asked.body["messages"][0]["tool_calls"][0]["function"]["arguments"] == "{}"


def test_pitfall_4_empty_text_gives_no_block_and_an_empty_message_no_turn(ask: Ask) -> None:
    call = ToolCall("1", "f", "{}")
    asked = ask(
        System((Text(""),)),
        User((Text(""), Text("hi"))),
        Assistant((Text(""),)),
        Assistant((Text(""),), (), (call,)),
        ToolResult("1", (Text(""),)),
        User(()),
    )
    assert [message["role"] for message in asked.body["messages"]] == ["user", "assistant", "tool"]
    assert asked.body["messages"][0]["content"] == [text("hi")]
    assert "content" not in asked.body["messages"][1]
    assert asked.body["messages"][2]["content"] == [text("")]


def test_white_space_is_text(ask: Ask) -> None:
    assert ask(User((Text(" \n"),))).body["messages"][0]["content"] == [text(" \n")]


def test_a_conversation_that_says_nothing_is_refused(ask: Ask) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(User((Text(""),)))
    assert refused.value.param == "messages"


def test_content_beside_tool_calls_and_an_earlier_refusal_are_kept(ask: Ask) -> None:
    asked = ask(Assistant((Text("let me see"), Refusal("no")), (), (ToolCall("1", "f", "{}"),)))
    assert asked.body["messages"][0]["content"] == [text("let me see"), text("no")]


def test_images_go_by_url_or_as_data_uri_with_their_detail(ask: Ask) -> None:
    asked = ask(
        User(
            (
                Image(Url("https://x/y.png"), "low"),
                Image(Inline("image/jpg", "AAAA")),
                Image(Inline("", "/9j/4AA")),
                Image(Url("https://x/z.png"), "original"),
            )
        )
    )
    assert [block["image_url"] for block in asked.body["messages"][0]["content"]] == [
        {"url": "https://x/y.png", "detail": "low"},
        {"url": "data:image/jpg;base64,AAAA"},
        {"url": "data:image/jpeg;base64,/9j/4AA"},
        {"url": "https://x/z.png"},
    ]
    assert asked.dropped == ("messages[].content[].image_url.detail",)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (User((Text("a"), Image(Inline("", "AAAA")))), "messages[0].content[1]"),
        (User((Document(Inline("application/pdf", "AAAA")),)), "messages[0].content[0]"),
        (User((Document(FileId("file-1")),)), "messages[0].content[0]"),
        (User((Image(FileId("file-1")),)), "messages[0].content[0]"),
        (User((Audio("AAAA", "wav"),)), "messages[0].content[0]"),
        (User((UnknownPart("video", "messages[0].content[7]"),)), "messages[0].content[7]"),
        (System((Image(Url("https://x")),)), "messages[0].content[0]"),
        (Assistant((Text("a"), Image(Url("https://x")))), "messages[0].content[1]"),
        (ToolResult("1", (Image(Url("https://x")),)), "messages[0].content[0]"),
        (Assistant((), (), (ToolCall("1", "f", "x", "custom"),)), "messages[0].tool_calls[0]"),
    ],
)
def test_content_that_cohere_has_no_place_for_is_refused_by_its_place(ask: Ask, message: Any, param: str) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(message)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_what_cohere_has_no_word_for_is_dropped_and_named(ask: Ask) -> None:
    cache: dict[str, Any] = {"type": "ephemeral"}
    asked = ask(
        User((Text("a", cache),), "ann"),
        Assistant((), (), (ToolCall("1", "f", "{}", cache=cache),)),
        ToolResult("1", (Text("b"),), is_error=True, cache=cache),
        ToolResult("2", (Text("c"),), is_error=False),
    )
    assert asked.dropped == (
        "messages[].name",
        "messages[].content[].cache_control",
        "messages[].tool_calls[].cache_control",
        "messages[].is_error",
        "messages[].cache_control",
    )
    assert "cache_control" not in str(asked.body)
