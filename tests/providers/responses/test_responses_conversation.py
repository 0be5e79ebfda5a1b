"""Messages as input items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.chat import (
    Assistant,
    Audio,
    Document,
    FileId,
    Image,
    Inline,
    Reasoning,
    Refusal,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.errors import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.chat import Content, Message
    from providers.jsonwalk import JsonObject

OPENAIS = "openai-responses-v1"
SEALED = Reasoning("I should look.", data="gAAA", format=OPENAIS, id="rs_1")
MARK: JsonObject = {"type": "ephemeral"}


def text(said: str) -> tuple[Content, ...]:
    return (Text(said),)


def test_system_messages_stay_in_their_places(ask: Callable[..., Any]) -> None:
    assert ask(System(text("a")), User(text("b")), System(text("c"))).body["input"] == [
        {"role": "system", "content": "a"},
        {"role": "user", "content": "b"},
        {"role": "system", "content": "c"},
    ]


@pytest.mark.parametrize(
    ("part", "written"),
    [
        (Image(Url("https://x/a.png")), {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"}),
        (
            Image(Inline("image/png", "aGk="), "low"),
            {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
        ),
        (
            Document(Inline("application/pdf", "aGk="), "a.pdf"),
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
        ),
        (Document(Inline("", "aGk=")), {"type": "input_file", "file_data": "aGk="}),
        (Document(Url("https://x/a.pdf")), {"type": "input_file", "file_url": "https://x/a.pdf"}),
        (Document(FileId("file-1")), {"type": "input_file", "file_id": "file-1"}),
        (Refusal("no"), {"type": "input_text", "text": "no"}),
    ],
)
def test_parts_have_their_own_names(ask: Callable[..., Any], part: Content, written: dict[str, Any]) -> None:
    asked = ask(User((Text("look"), part)))
    assert asked.body["input"] == [{"role": "user", "content": [{"type": "input_text", "text": "look"}, written]}]
    assert not asked.dropped


def test_pitfall_22_thinking_stands_before_its_call_and_a_result_names_the_calls_own_id(
    ask: Callable[..., Any],
) -> None:
    asked = ask(
        User(text("hi")),
        Assistant(text("I will look."), (SEALED,), (ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", " "))),
        ToolResult("call_1", text("1")),
        ToolResult("call_2", (Text("see"), Image(Url("https://x/a.png")))),
    )
    image = {"type": "input_image", "image_url": "https://x/a.png", "detail": "auto"}
    assert asked.body["input"][1:] == [
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "I should look."}],
            "encrypted_content": "gAAA",
        },
        {"role": "assistant", "content": "I will look."},
        {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "call_2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "1"},
        {"type": "function_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "see"}, image]},
    ]
    assert not asked.dropped


def test_pitfall_22_thinking_stands_directly_before_a_call_without_text(ask: Callable[..., Any]) -> None:
    asked = ask(User(text("hi")), Assistant((Text(""),), (SEALED,), (ToolCall("call_1", "f", "{}"),)))
    assert [item.get("type") for item in asked.body["input"]] == [None, "reasoning", "function_call"]


def test_custom_tools_have_items_of_their_own(ask: Callable[..., Any]) -> None:
    asked = ask(Assistant((), (), (ToolCall("call_1", "sh", "ls", "custom"),)), ToolResult("call_1", ()))
    assert asked.body["input"] == [
        {"type": "custom_tool_call", "call_id": "call_1", "name": "sh", "input": "ls"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": ""},
    ]


def test_an_earlier_answer_keeps_its_phase_and_its_refusal(ask: Callable[..., Any]) -> None:
    content = (Text("a"), Text(""), Refusal("no"))
    asked = ask(Assistant(content, phase="final_answer"), Assistant(()))
    assert asked.body["input"] == [
        {
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "a", "annotations": []},
                {"type": "refusal", "refusal": "no"},
            ],
            "phase": "final_answer",
        },
        {"role": "assistant", "content": ""},
    ]


@pytest.mark.parametrize(
    ("provider", "thought", "written"),
    [
        ("openai", Reasoning(data="x", format=OPENAIS), {"summary": [], "encrypted_content": "x"}),
        ("openai", Reasoning(data="x", id="rs_2"), {"id": "rs_2", "summary": [], "encrypted_content": "x"}),
        ("deepseek", Reasoning("hm"), {"summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]}),
        (
            "openrouter",
            Reasoning(data="x", format="xai-responses-v1"),
            {"format": "xai-responses-v1", "summary": [], "encrypted_content": "x"},
        ),
    ],
)
def test_each_host_gets_the_thinking_that_it_takes_back(
    ask: Callable[..., Any], provider: str, thought: Reasoning, written: dict[str, Any]
) -> None:
    asked = ask(Assistant(text("a"), (thought,)), provider=provider)
    assert asked.body["input"][0] == {"type": "reasoning", **written}
    assert not asked.dropped


@pytest.mark.parametrize(
    ("provider", "thought"),
    [
        ("openai", Reasoning("hm")),
        ("openai", Reasoning(data="x", format="azure-openai-responses-v1")),
        ("openai", Reasoning("hm", signature="s", format="anthropic-claude-v1")),
        ("xai", Reasoning(data="x", format=OPENAIS)),
        ("deepseek", Reasoning("hm", signature="s")),
        ("deepseek", Reasoning(signature="s")),
    ],
)
def test_thinking_of_others_is_left_out_by_name(ask: Callable[..., Any], provider: str, thought: Reasoning) -> None:
    asked = ask(Assistant(text("a"), (thought,)), provider=provider)
    assert asked.body["input"] == [{"role": "assistant", "content": "a"}]
    assert asked.dropped == ("messages[].reasoning",)


@pytest.mark.parametrize(
    ("message", "name"),
    [
        (User(text("a"), "Ann"), "messages[].name"),
        (User((Text("a", MARK),)), "messages[].content[].cache_control"),
        (Assistant((Text("a", MARK),)), "messages[].content[].cache_control"),
        (Assistant((), (), (ToolCall("c", "f", "{}", cache=MARK),)), "messages[].tool_calls[].cache_control"),
        (Assistant((), (), (ToolCall("c", "f", "{}"),), phase="commentary"), "messages[].phase"),
        (ToolResult("c", text("a"), is_error=True), "messages[].is_error"),
        (ToolResult("c", text("a"), cache=MARK), "messages[].cache_control"),
        (User((Document(FileId("file-1"), "a.pdf"),)), "messages[].content[].file.filename"),
    ],
)
def test_what_has_no_place_is_named(ask: Callable[..., Any], message: Message, name: str) -> None:
    assert ask(message).dropped == (name,)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        (User((Audio("aGk=", "wav"),)), "messages[0].content[0]"),
        (User((UnknownPart("video", "messages[0].content[0]"),)), "messages[0].content[0]"),
        (Assistant((UnknownPart("audio", "messages[0].audio"),)), "messages[0].audio"),
        (Assistant((Text("a"), Image(Url("u")))), "messages[0].content[1]"),
    ],
)
def test_what_cannot_be_said_is_refused(ask: Callable[..., Any], message: Message, param: str) -> None:
    with pytest.raises(Unsupported) as raised:
        ask(message)
    assert raised.value.param == param
