"""Tool calls, thinking and media within the messages to Anthropic."""

import base64
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
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.errors import InvalidRequest, Unsupported

Ask = Callable[..., Any]
CACHE: dict[str, Any] = {"type": "ephemeral", "ttl": "1h"}
CLAUDE = "anthropic-claude-v1"


def user(*texts: str) -> User:
    return User(tuple(Text(text) for text in texts))


def said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


# -- tool calls -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", ["", "  ", "{}"])
def test_pitfall_05_a_call_without_arguments_has_an_empty_object(ask: Ask, arguments: str) -> None:
    body = ask(user("hi"), Assistant(tool_calls=(ToolCall("c1", "f", arguments),))).body
    assert body["messages"][1]["content"][0]["input"] == {}


@pytest.mark.parametrize("arguments", ["[1]", '"x"', "1", "null", "{", "NaN"])
def test_pitfall_05_arguments_that_are_no_object_are_a_clear_400(ask: Ask, arguments: str) -> None:
    calls = ToolCall("c0", "f", "{}"), ToolCall("c1", "f", arguments)
    with pytest.raises(InvalidRequest) as refused:
        ask(user("hi"), Assistant(tool_calls=calls))
    assert refused.value.param == "messages[1].tool_calls[1].function.arguments"


def test_a_call_of_a_custom_tool_is_unsupported(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(user("hi"), Assistant(tool_calls=(ToolCall("c1", "sh", "ls", kind="custom"),)))
    assert refused.value.param == "messages[1].tool_calls[0]"


@pytest.mark.parametrize("call_id", ["toolu_01", "call-1_A"])
def test_tool_call_ids_that_anthropic_takes_stay_as_they_are(ask: Ask, call_id: str) -> None:
    messages = user("hi"), Assistant(tool_calls=(ToolCall(call_id, "f", "{}"),)), ToolResult(call_id, ())
    turns = ask(*messages).body["messages"]
    assert (turns[1]["content"][0]["id"], turns[2]["content"][0]["tool_use_id"]) == (call_id, call_id)


@pytest.mark.parametrize("call_id", ["call:1", "a.b", "", "ünï", "x y", "functions.f:0", "\ud800"])
def test_tool_call_ids_that_anthropic_refuses_are_replaced_alike_in_call_and_result(ask: Ask, call_id: str) -> None:
    other = Assistant(tool_calls=(ToolCall(call_id, "f", "{}"), ToolCall(call_id + "!", "f", "{}")))
    turns = ask(user("hi"), other, ToolResult(call_id, ())).body["messages"]
    first, second = (block["id"] for block in turns[1]["content"])
    assert turns[2]["content"][0]["tool_use_id"] == first != second
    assert first.replace("_", "").isalnum()
    assert first.isascii()


def test_a_tool_result_keeps_its_error_mark_its_cache_mark_and_its_media(ask: Ask) -> None:
    result = ToolResult("c1", (Text("no", CACHE), Image(Url("https://x/y.png"))), is_error=True, cache=CACHE)
    assert ask(result).body["messages"][0]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "c1",
            "content": [
                {**said("no"), "cache_control": CACHE},
                {"type": "image", "source": {"type": "url", "url": "https://x/y.png"}},
            ],
            "is_error": True,
            "cache_control": CACHE,
        }
    ]


def test_a_tool_call_keeps_its_cache_mark(ask: Ask) -> None:
    body = ask(user("hi"), Assistant(tool_calls=(ToolCall("c1", "f", "{}", cache=CACHE),))).body
    assert body["messages"][1]["content"][0]["cache_control"] == CACHE


# -- thinking sent back ---------------------------------------------------------------------------------------------


def test_pitfall_06_thinking_comes_before_text_and_tool_calls(ask: Ask) -> None:
    answer = Assistant(
        (Text("so"),), (Reasoning("hm", "sig", format=CLAUDE),), (ToolCall("c1", "f", "{}"),)
    )  # fmt: skip
    kinds = [block["type"] for block in ask(user("hi"), answer).body["messages"][1]["content"]]
    assert kinds == ["thinking", "text", "tool_use"]


def test_pitfall_07_signature_only_and_redacted_thinking_are_sent_back_unchanged(ask: Ask) -> None:
    thoughts = (
        Reasoning(signature="s1", format=CLAUDE),
        Reasoning("hm", "s2"),
        Reasoning(data="zz", format=CLAUDE),
        Reasoning(data="yy"),
    )
    asked = ask(user("hi"), Assistant((Text("so"),), thoughts))
    assert asked.body["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "thinking", "thinking": "hm", "signature": "s2"},
        {"type": "redacted_thinking", "data": "zz"},
        {"type": "redacted_thinking", "data": "yy"},
        said("so"),
    ]
    assert asked.dropped == ()


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning("hm"),
        Reasoning("hm", format=CLAUDE),
        Reasoning("hm", "sig", format="openai-responses-v1"),
        Reasoning(data="zz", format="google-gemini-v1"),
    ],
)
def test_thinking_that_anthropic_would_refuse_is_dropped_and_named(ask: Ask, thought: Reasoning) -> None:
    asked = ask(user("hi"), Assistant((Text("so"),), (thought,)))
    assert asked.body["messages"][1]["content"] == [said("so")]
    assert asked.dropped == ("messages[].reasoning",)


# -- media ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("media_type", "data", "sent"),
    [
        ("image/png", "AAAA", "image/png"),
        ("image/jpg", "AAAA", "image/jpeg"),
        ("IMAGE/WEBP", "AAAA", "image/webp"),
        ("", "iVBORw0KGgoAAA", "image/png"),
        ("", "/9j/4AAQ", "image/jpeg"),
        ("", "R0lGODlh", "image/gif"),
        ("", "UklGRiIA", "image/webp"),
    ],
)
def test_an_inline_image_is_sent_with_its_kind(ask: Ask, media_type: str, data: str, sent: str) -> None:
    block = ask(User((Image(Inline(media_type, data), "auto", CACHE),))).body["messages"][0]["content"][0]
    assert block == {
        "type": "image",
        "source": {"type": "base64", "media_type": sent, "data": data},
        "cache_control": CACHE,
    }


@pytest.mark.parametrize("source", [Inline("image/tiff", "AAAA"), Inline("", "AAAA")])
def test_an_image_of_another_kind_is_unsupported(ask: Ask, source: Inline) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(User((Text("see"), Image(source))))
    assert refused.value.param == "messages[0].content[1]"


def test_the_detail_of_an_image_is_dropped_and_named(ask: Ask) -> None:
    assert ask(User((Image(Url("https://x/y.png"), "high"),))).dropped == ("messages[].content[].image_url.detail",)


def test_an_image_may_lie_with_anthropic(ask: Ask) -> None:
    block = ask(User((Image(FileId("file_011")),))).body["messages"][0]["content"][0]
    assert block == {"type": "image", "source": {"type": "file", "file_id": "file_011"}}


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("document", "source"),
    [
        (Document(Url("https://x/y.pdf")), {"type": "url", "url": "https://x/y.pdf"}),
        (Document(FileId("file_011")), {"type": "file", "file_id": "file_011"}),
        (
            Document(Inline("application/pdf", "AAAA")),
            {"type": "base64", "media_type": "application/pdf", "data": "AAAA"},
        ),
        (Document(Inline("", "JVBERi0x")), {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}),
        (
            Document(Inline("text/markdown", encoded("# é"))),
            {"type": "text", "media_type": "text/plain", "data": "# é"},
        ),
        (
            Document(Inline("application/json", encoded("{}"))),
            {"type": "text", "media_type": "text/plain", "data": "{}"},
        ),
    ],
)
def test_a_document_is_sent_as_pdf_text_url_or_file(ask: Ask, document: Document, source: dict[str, Any]) -> None:
    assert ask(User((document,))).body["messages"][0]["content"] == [{"type": "document", "source": source}]


@pytest.mark.parametrize(("name", "kind"), [("a.PDF", "base64"), ("a.md", "text"), ("data.csv", "text")])
def test_a_document_of_no_stated_kind_is_known_by_its_name_which_is_its_title(ask: Ask, name: str, kind: str) -> None:
    block = ask(User((Document(Inline("", encoded("x")), name, CACHE),))).body["messages"][0]["content"][0]
    assert (block["source"]["type"], block["title"], block["cache_control"]) == (kind, name, CACHE)


@pytest.mark.parametrize(
    ("part", "error"),
    [
        (Document(FileId("file-abc")), Unsupported),
        (Image(FileId("file-abc")), Unsupported),
        (Document(Inline("application/zip", "AAAA")), Unsupported),
        (Document(Inline("", "AAAA")), Unsupported),
        (Document(Inline("text/plain", "%%%")), InvalidRequest),
        (Document(Inline("text/plain", "/w==")), InvalidRequest),
        (Audio("AAAA", "wav"), Unsupported),
        (UnknownPart("video_url", "messages[0].content[0]"), Unsupported),
    ],
)
def test_content_that_anthropic_cannot_take_is_a_clear_400(ask: Ask, part: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as refused:
        ask(User((part,)))
    assert (refused.type, getattr(refused.value, "param", None)) == (error, "messages[0].content[0]")
