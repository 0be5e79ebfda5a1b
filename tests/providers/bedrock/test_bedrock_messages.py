"""Messages, content and what stands around them."""

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
    Message,
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
from providers.errors import InvalidRequest, Unsupported
from tests.providers.bedrock.model import faults

Ask = Callable[..., Any]
HI = User((Text("hi"),))
PNG = "iVBORw0KGgoAAAA="
CACHE: dict[str, Any] = {"type": "ephemeral", "ttl": "1h"}
POINT = {"cachePoint": {"type": "default", "ttl": "1h"}}
NOVA, CLAUDE, LLAMA = (
    "us.amazon.nova-pro-v1:0",
    "anthropic.claude-opus-4-5-20251101-v1:0",
    "meta.llama3-70b-instruct-v1:0",
)


def content(ask: Ask, *messages: Message, **members: Any) -> list[list[Any]]:
    body = ask(*messages, **members).body
    assert faults("m.m", body) == ""
    return [turn["content"] for turn in body["messages"]]


# -- where it goes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "segment"),
    [
        ("us.amazon.nova-lite-v1:0", "us.amazon.nova-lite-v1%3A0"),
        ("global.anthropic.claude-opus-5", "global.anthropic.claude-opus-5"),
        (
            "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-6",
            "arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.anthropic.claude-sonnet-4-6",
        ),
        ("a/../../x", "a%2F..%2F..%2Fx"),
    ],
)
def test_the_model_is_one_segment_of_the_path(ask: Ask, model: str, segment: str) -> None:
    request = ask(model=model, base_url="https://bedrock-runtime.eu-west-1.amazonaws.com").request
    assert request.url == f"https://bedrock-runtime.eu-west-1.amazonaws.com/model/{segment}/converse"
    assert ask(model=model, stream=True).request.url.endswith(f"/model/{segment}/converse-stream")


@pytest.mark.parametrize(
    "model", ["", ".", "..", "/x", "a?b", "a#b", "a@b", "a%2e", "a b", "a\n", "\ud800", "a\\b", "a" * 2_049]
)
def test_a_name_that_would_leave_its_place_is_refused(ask: Ask, model: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(model=model)
    assert refused.value.param == "model"


def test_the_key_is_a_bearer_and_in_no_header(ask: Ask) -> None:
    request = ask(key="ABSKsecret", headers={"X-Custom": "1"}).request
    assert (request.auth.header, request.auth.prefix, request.auth.secret.reveal()) == (
        "authorization",
        "Bearer ",
        "ABSKsecret",
    )
    assert request.headers == {"x-custom": "1", "content-type": "application/json"}
    assert (request.method, request.streaming) == ("POST", False)


def test_a_stream_is_asked_for_in_amazons_form(ask: Ask) -> None:
    request = ask(stream=True).request
    assert request.streaming
    assert request.headers["accept"] == "application/vnd.amazon.eventstream"
    assert request.headers["accept-encoding"] == "identity"


# -- turns ------------------------------------------------------------------------------------------------------------


def test_pitfall_24_system_messages_stand_at_the_top_or_in_their_place(ask: Ask) -> None:
    later = System((Text("c", CACHE),))
    asked = ask(
        System((Text("a"), Text("b", CACHE))), System((Text("a2"),), "me"), HI, later, Assistant((Text("x"),)), HI
    )
    assert asked.body["system"] == [{"text": "a"}, {"text": "b"}, POINT, {"text": "a2"}]
    assert asked.body["messages"][0] == {
        "role": "user",
        "content": [{"text": "hi"}, {"text": "<system>\nc\n</system>"}, POINT],
    }
    assert asked.dropped == ("messages[].name",)


def test_neighbours_of_one_role_are_one_turn(ask: Ask) -> None:
    body = ask(HI, HI, Assistant((Text("a"),)), Assistant((Refusal("b"),))).body
    assert body["messages"] == [
        {"role": "user", "content": [{"text": "hi"}, {"text": "hi"}]},
        {"role": "assistant", "content": [{"text": "a"}, {"text": "b"}]},
    ]


def test_pitfall_03_results_of_parallel_calls_are_one_turn_in_order(ask: Ask) -> None:
    calls = (ToolCall("t1", "f", '{"a":1}'), ToolCall("t2", "g", ""))
    results = (ToolResult("t1", (Text("one"),)), ToolResult("t2", (Text("no"),), True), ToolResult("t3", (), False))
    said = content(ask, HI, Assistant((Text(""),), tool_calls=calls), *results, User((Text("and?"),)))
    assert said[1] == [
        {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
    ]
    assert said[2] == [
        {"toolResult": {"toolUseId": "t1", "content": [{"text": "one"}]}},
        {"toolResult": {"toolUseId": "t2", "content": [{"text": "no"}], "status": "error"}},
        {"toolResult": {"toolUseId": "t3", "content": [], "status": "success"}},
        {"text": "and?"},
    ]


def test_pitfall_04_blank_text_is_no_block(ask: Ask) -> None:
    asked = ask(User((Text(" \n", CACHE), Text("a"))), Assistant((Text(""),)), User((Text("b"),)))
    assert asked.body["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    assert asked.dropped == ("messages[].content[].cache_control",)


def test_a_conversation_of_nothing_is_refused(ask: Ask) -> None:
    with pytest.raises(InvalidRequest, match="at least one user message"):
        ask(System((Text("a"),)), User((Text(""),)))


def test_arguments_that_are_no_object_are_refused(ask: Ask) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(HI, Assistant(tool_calls=(ToolCall("t", "f", "[1]"),)))
    assert refused.value.param == "messages[1].tool_calls[0].function.arguments"


def test_custom_tool_calls_are_refused(ask: Ask) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(HI, Assistant(tool_calls=(ToolCall("t", "f", "x", "custom"),)))
    assert refused.value.param == "messages[1].tool_calls[0]"


@pytest.mark.parametrize(
    ("model", "call_id", "kept"),
    [
        (CLAUDE, "call_a-1", True),
        (CLAUDE, "functions.f:0", False),
        ("moonshot.kimi-k2-thinking", "functions.f:0", True),
        (NOVA, "", False),
        (NOVA, "x" * 65, False),
        (NOVA, "ü\ud800", False),
    ],
)
def test_ids_that_are_refused_are_made_over_alike_in_call_and_result(
    ask: Ask, model: str, call_id: str, kept: bool
) -> None:
    name = "weather forecast/ü" * 9
    said = content(
        ask, HI, Assistant(tool_calls=(ToolCall(call_id, name, "{}"),)), ToolResult(call_id, (Text("x"),)), model=model
    )
    (call,), (result,) = said[1], said[2]
    assert call["toolUse"]["toolUseId"] == result["toolResult"]["toolUseId"]
    assert (call["toolUse"]["toolUseId"] == call_id) == kept
    assert call["toolUse"]["name"].startswith("weather_forecast__weather")


# -- reasoning --------------------------------------------------------------------------------------------------------

SIGNED = Reasoning("hm", "sig", "", "anthropic-claude-v1")


def test_pitfall_06_thinking_goes_back_first_with_its_signature(ask: Ask) -> None:
    redacted = Reasoning(data="EtkE", format="anthropic-claude-v1")
    own = Reasoning(data="/wA=", format="bedrock-converse-v1")
    unnamed = Reasoning("", "s2")
    said = content(
        ask,
        HI,
        Assistant((Text("so"),), (SIGNED, redacted, own, unnamed), (ToolCall("t", "f", "{}"),)),
        ToolResult("t", (Text("x"),)),
    )
    assert said[1][:5] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"EtkE").decode()}},
        {"reasoningContent": {"redactedContent": "/wA="}},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "s2"}}},
        {"text": "so"},
    ]


@pytest.mark.parametrize(
    ("model", "thought"),
    [
        (CLAUDE, Reasoning("unsigned")),
        (CLAUDE, Reasoning("x", "s", format="openai-responses-v1")),
        (NOVA, SIGNED),
        ("us.deepseek.r1-v1:0", Reasoning("plain")),
        ("openai.gpt-oss-120b-1:0", SIGNED),
        ("openai.gpt-oss-120b-1:0", Reasoning(data="x")),
    ],
)
def test_thinking_that_the_model_does_not_take_back_is_dropped_and_named(
    ask: Ask, model: str, thought: Reasoning
) -> None:
    asked = ask(HI, Assistant((Text("a"),), (thought,)), HI, model=model)
    assert asked.body["messages"][1]["content"] == [{"text": "a"}]
    assert asked.dropped == ("messages[].reasoning",)


def test_plain_thinking_goes_back_to_those_who_think_plainly(ask: Ask) -> None:
    said = content(ask, HI, Assistant((), (Reasoning("hm"),)), HI, model="openai.gpt-oss-120b-1:0")
    assert said[1] == [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]


# -- images, documents, video, sound ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (Image(Inline("image/jpg", "AAAA")), {"image": {"format": "jpeg"}}),
        (Image(Inline("IMAGE/WEBP", "AAAA")), {"image": {"format": "webp"}}),
        (Image(Inline("", PNG)), {"image": {"format": "png"}}),
        (Document(Inline("", "JVBERi0x")), {"document": {"format": "pdf", "name": "document"}}),
        (Document(Inline("", "AAAA"), "a.b.XLSX"), {"document": {"format": "xlsx", "name": "a-b"}}),
        (Document(Inline("text/plain", "AAAA"), "notes.md"), {"document": {"format": "md", "name": "notes"}}),
        (Document(Inline("text/x-python", "AAAA"), "a.mp4"), {"document": {"format": "txt", "name": "a"}}),
        (Document(Inline("application/json", "AAAA"), "x"), {"document": {"format": "txt", "name": "x"}}),
        (Document(Inline("video/3gpp", "AAAA"), "v.3gp"), {"video": {"format": "three_gp"}}),
        (Document(Inline("application/octet-stream", "AAAA"), "v.mkv"), {"video": {"format": "mkv"}}),
        (Document(Inline("audio/mpeg", "AAAA")), {"audio": {"format": "mp3"}}),
    ],
)
def test_what_is_inline_goes_into_the_block_of_its_kind(ask: Ask, part: Any, block: dict[str, Any]) -> None:
    ((kind, members),) = block.items()
    source = {"bytes": part.source.base64}
    assert content(ask, User((part,))) == [[{kind: {**members, "source": source}}]]


def test_sound_goes_into_an_audio_block(ask: Ask) -> None:
    assert content(ask, User((Audio("AAAA", "wav"),))) == [[{"audio": {"format": "wav", "source": {"bytes": "AAAA"}}}]]


def test_what_lies_in_s3_is_named_by_its_place(ask: Ask) -> None:
    url = "s3://bucket/video.mp4"
    assert content(ask, User((Document(Url(url)),))) == [
        [{"video": {"format": "mp4", "source": {"s3Location": {"uri": url}}}}]
    ]


@pytest.mark.parametrize(
    "part",
    [
        Image(Url("https://x.example/a.png")),
        Image(Url("s3://bucket/a")),
        Image(Inline("image/tiff", "AAAA")),
        Document(Inline("", "AAAA")),
        Document(Inline("", "AAAA"), "a.exe"),
        Document(FileId("file-1")),
        Image(FileId("file-1")),
        Audio("AAAA", "pdf"),
        Audio("AAAA", "au"),
        UnknownPart("video_url", "messages[0].content[0]"),
    ],
)
def test_what_bedrock_cannot_be_sent_is_refused_with_its_place(ask: Ask, part: Any) -> None:
    with pytest.raises(Unsupported) as refused:
        ask(User((part,)))
    assert refused.value.param == "messages[0].content[0]"


@pytest.mark.parametrize("message", [System((Image(Inline("", PNG)),)), Assistant((Text("a"), Image(Inline("", PNG))))])
def test_only_the_user_shows_images(ask: Ask, message: Message) -> None:
    with pytest.raises(Unsupported):
        ask(message, HI)


def test_document_names_are_bedrocks_and_each_their_own(ask: Ask) -> None:
    names = [
        "my_report  v2.pdf",
        "my-report v2.pdf",
        "(2).pdf",
        "…",
        None,
        "document (2).pdf",
        "x" * 300,
        "résumé\u00a0.pdf",
    ]
    parts = tuple(Document(Inline("", "JVBERi0x"), name) for name in names)
    (blocks,) = content(ask, User(parts))
    given = [block["document"]["name"] for block in blocks]
    assert given[:6] == ["my-report v2", "my-report v2 (2)", "(2)", "-", "document", "document (2)"]
    assert given[7] == "r-sum--"
    assert len(set(given)) == len(given)


def test_documents_and_images_in_results_stay_there(ask: Ask) -> None:
    result = ToolResult(
        "t", (Text("see", CACHE), Image(Inline("", PNG), cache=CACHE), Document(Inline("", "JVBERi0x")))
    )
    said = content(ask, HI, Assistant(tool_calls=(ToolCall("t", "f", ""),)), result)
    assert [next(iter(block)) for block in said[2][0]["toolResult"]["content"]] == ["text", "image", "document"]
    assert said[2][1:] == [POINT]


def test_the_detail_of_an_image_is_dropped_and_named(ask: Ask) -> None:
    assert ask(User((Image(Inline("", PNG), "high"),))).dropped == ("messages[].content[].image_url.detail",)
    assert ask(User((Image(Inline("", PNG), "auto"),))).dropped == ()


# -- cache points -----------------------------------------------------------------------------------------------------


def test_cache_control_is_a_point_behind_its_block(ask: Ask) -> None:
    said = content(
        ask,
        User((Image(Inline("", PNG), cache=CACHE), Document(Inline("", "JVBERi0x"), cache={"type": "ephemeral"}))),
        Assistant(tool_calls=(ToolCall("t", "f", "", cache=CACHE),)),
        ToolResult("t", (Text("x", CACHE),), cache=CACHE),
    )
    assert [next(iter(block)) for block in said[0]] == ["image", "cachePoint", "document", "cachePoint"]
    assert said[0][3] == {"cachePoint": {"type": "default"}}
    assert said[1][1:] == said[2][1:] == [POINT]


def test_a_model_without_lifetimes_takes_the_point_alone(ask: Ask) -> None:
    asked = ask(User((Text("a", CACHE),)), model=NOVA)
    assert asked.body["messages"][0]["content"] == [{"text": "a"}, {"cachePoint": {"type": "default"}}]
    assert asked.dropped == ("messages[].content[].cache_control.ttl",)


def test_a_model_without_a_prompt_cache_takes_no_point(ask: Ask) -> None:
    asked = ask(User((Text("a", CACHE),)), model=LLAMA)
    assert asked.body["messages"][0]["content"] == [{"text": "a"}]
    assert asked.dropped == ("messages[].content[].cache_control",)
