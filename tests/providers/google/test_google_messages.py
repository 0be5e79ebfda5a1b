"""Messages to `systemInstruction` and `contents`."""

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
HI = User((Text("hi"),))
FILES = "https://generativelanguage.googleapis.com/v1beta/files/a-1"


def test_pitfall_24_leading_system_messages_become_the_instruction_and_later_ones_keep_their_place(ask: Ask) -> None:
    body = ask(System((Text("a"), Text(""))), System((Text("b"),)), HI, System((Text("c"),)), User((Text("d"),))).body
    assert body["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "b"}]}
    marked = {"text": "<system>\nc\n</system>"}
    assert body["contents"] == [{"role": "user", "parts": [{"text": "hi"}, marked, {"text": "d"}]}]


@pytest.mark.parametrize("messages", [[System((Text("a"),))], [User(())], [User((Text(""),)), Assistant()]])
def test_nothing_to_answer_is_refused(ask: Ask, messages: list[Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(*messages)
    assert refused.value.param == "messages"


def test_pitfall_03_results_of_a_parallel_turn_come_in_one_turn_in_order(ask: Ask) -> None:
    calls = (ToolCall("1", "f", '{"a":1}'), ToolCall("2", "g", ""))
    body = ask(HI, Assistant((), (), calls), ToolResult("1", (Text("x"),)), ToolResult("2", (Text("y"),)), HI).body
    user, model, results = body["contents"]
    assert (user["role"], model["role"], results["role"]) == ("user", "model", "user")
    assert model["parts"] == [
        {"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}},
        {"functionCall": {"id": "2", "name": "g", "args": {}}},
    ]
    assert [part["functionResponse"] for part in results["parts"][:2]] == [
        {"id": "1", "name": "f", "response": {"output": "x"}},
        {"id": "2", "name": "g", "response": {"output": "y"}},
    ]
    assert results["parts"][2] == {"text": "hi"}


def test_pitfall_11_a_result_bears_the_name_of_the_function_that_was_called(ask: Ask) -> None:
    first = Assistant((), (), (ToolCall("same", "f", "{}"),))
    later = Assistant((), (), (ToolCall("same", "g", "{}"),))
    said = ask(HI, first, ToolResult("same", (Text("x"),)), later, ToolResult("same", (Text("y"),))).body["contents"]
    names = [part["functionResponse"]["name"] for turn in said for part in turn["parts"] if "functionResponse" in part]
    assert names == ["f", "g"]


def test_pitfall_11_a_result_of_no_call_is_refused(ask: Ask) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(HI, ToolResult("lost", (Text("x"),)))
    assert refused.value.param == "messages[1].tool_call_id"


@pytest.mark.parametrize(
    ("text", "failed", "response"),
    [
        ("plain", None, {"output": "plain"}),
        ("", None, {"output": ""}),
        ("[1]", False, {"output": "[1]"}),
        ("12", None, {"output": "12"}),
        ('{"a":1.5}', None, {"a": 1.5}),
        ('{"output":1,"b":2}', None, {"output": {"output": 1, "b": 2}}),
        ('{"error":1}', None, {"output": {"error": 1}}),
        ('{"a":1,"a":2}', None, {"output": '{"a":1,"a":2}'}),
        ('{"a":1e999}', None, {"output": '{"a":1e999}'}),
        ("\ud800", None, {"output": "\ud800"}),
        ("broke", True, {"error": "broke"}),
        ('{"why":1}', True, {"error": {"why": 1}}),
    ],
)
def test_pitfall_13_a_result_is_an_object_whatever_the_tool_said(
    ask: Ask, text: str, failed: bool | None, response: Any
) -> None:
    body = ask(HI, Assistant((), (), (ToolCall("1", "f", "{}"),)), ToolResult("1", (Text(text),), failed)).body
    assert body["contents"][2]["parts"][0]["functionResponse"]["response"] == response


def test_a_tool_may_answer_with_media_where_the_model_takes_them(ask: Ask) -> None:
    said = HI, Assistant((), (), (ToolCall("1", "f", "{}"),))
    image = Image(Inline("image/png", "AA"))
    body = ask(*said, ToolResult("1", (Text("see"), image)), model="gemini-3-flash-preview").body
    response = body["contents"][2]["parts"][0]["functionResponse"]
    assert response["parts"] == [{"inlineData": {"mimeType": "image/png", "data": "AA"}}]
    assert response["response"] == {"output": "see"}
    for content, model in ((image, "gemini-2.5-flash"), (Image(Url("https://x/a.png")), "gemini-3-flash-preview")):
        with pytest.raises(Unsupported) as refused:
            ask(*said, ToolResult("1", (content,)), model=model)
        assert refused.value.param == "messages[2].content"


@pytest.mark.parametrize(
    ("part", "sent"),
    [
        (Image(Inline("image/WEBP", "AA")), {"inlineData": {"mimeType": "image/webp", "data": "AA"}}),
        (Image(Inline("", "/9j/x")), {"inlineData": {"mimeType": "image/jpeg", "data": "/9j/x"}}),
        (
            Image(Url("https://x/a.PNG?b=.gif")),
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x/a.PNG?b=.gif"}},
        ),
        (Image(Url("gs://b/o")), {"fileData": {"fileUri": "gs://b/o"}}),
        (Document(Inline("", "JVBERi0x")), {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}}),
        (Document(Inline("", "AA"), "a.mp4"), {"inlineData": {"mimeType": "video/mp4", "data": "AA"}}),
        (Document(Inline("video/mp4", "AA")), {"inlineData": {"mimeType": "video/mp4", "data": "AA"}}),
        (Document(Url("https://youtu.be/x")), {"fileData": {"fileUri": "https://youtu.be/x"}}),
        (Document(FileId("files/a-1"), "a.pdf"), {"fileData": {"mimeType": "application/pdf", "fileUri": FILES}}),
        (Document(FileId(FILES)), {"fileData": {"fileUri": FILES}}),
        (Audio("AA", "WAV"), {"inlineData": {"mimeType": "audio/wav", "data": "AA"}}),
        (Refusal("no"), {"text": "no"}),
    ],
)
def test_media_go_inline_or_by_url(ask: Ask, part: Any, sent: Any) -> None:
    assert ask(User((part,))).body["contents"] == [{"role": "user", "parts": [sent]}]


@pytest.mark.parametrize(
    "part",
    [
        Image(Url("data:image/svg+xml,x")),
        Image(Url("file:///etc/passwd")),
        Image(Inline("", "AA")),
        Document(FileId("file-openai")),
        Document(FileId("files/../x")),
        Audio("AA", "a/b"),
        UnknownPart("new", "messages[0].content[0]"),
    ],
)
def test_media_that_google_cannot_read_are_refused_by_place(ask: Ask, part: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(User((part,)))
    assert refused.value.param == "messages[0].content[0]"


@pytest.mark.parametrize("message", [System, Assistant])
def test_system_and_assistant_write_text_only(ask: Ask, message: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(HI, message((Text("a"), Image(Url("https://x")))))
    assert refused.value.param == "messages[1].content[1]"


def test_pitfall_04_empty_text_beside_calls_gives_no_part(ask: Ask) -> None:
    body = ask(HI, Assistant((Text(""), Refusal("")), (), (ToolCall("1", "f", "{}"),)), HI).body
    assert [list(part) for part in body["contents"][1]["parts"]] == [["functionCall"]]


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (ToolCall("1", "f", "[1]"), InvalidRequest),
        (ToolCall("1", "f", "\ud800"), InvalidRequest),
        (ToolCall("1", "f", "x", "custom"), Unsupported),
    ],
)
def test_arguments_that_are_no_object_are_refused(ask: Ask, call: ToolCall, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        ask(HI, Assistant((), (), (call,)))


def test_what_google_has_no_word_for_is_dropped_and_named(ask: Ask) -> None:
    cache: Any = {"type": "ephemeral"}
    call = ToolCall("1", "f", "{}", cache=cache)
    assert ask(
        User((Text("a", cache), Image(Inline("image/png", "AA"), "high")), name="me"),
        Assistant((Text("b", cache),), (), (call,)),
        ToolResult("1", (Text("c"),), cache=cache),
        User((Document(Inline("application/pdf", "AA"), "a.pdf"), Image(Inline("image/png", "AA"), "auto"))),
    ).dropped == (
        "messages[].name",
        "cache_control",
        "messages[].content[].image_url.detail",
        "messages[].content[].file.filename",
    )
