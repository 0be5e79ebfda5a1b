"""A request of Anthropic's Messages API, read."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from providers.chat import (
    Assistant,
    ChatRequest,
    Document,
    FileId,
    FunctionTool,
    Image,
    Inline,
    JsonSchema,
    NamedTool,
    NativeChoice,
    NativeFormat,
    NativeTool,
    Reasoning,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.dialects.anthropic import DIALECT, TOKEN_COUNT
from providers.errors import InvalidRequest
from providers.foreign_thought import marked

CLAUDE = "anthropic-claude-v1"
HELLO: list[Any] = [{"role": "user", "content": "hi"}]
MARK: dict[str, Any] = {"type": "ephemeral", "ttl": "1h"}


def parse(messages: Any = HELLO, **members: Any) -> ChatRequest:
    body = {"model": "m", "max_tokens": 9, "messages": messages, **members}
    return DIALECT.parse(json.dumps(body).encode())


def said_by(role: str, *blocks: Any) -> ChatRequest:
    return parse([{"role": role, "content": list(blocks)}])


def test_what_the_client_said_stays_as_it_is_written() -> None:
    body = (
        b'{"model":"m", "max_tokens":1e1,"messages":[{"role":"user","content":"hi"}],"brand_new":{"x":1},"speed":null}'
    )
    chat = DIALECT.parse(body)
    assert (chat.source.wire, chat.source.body, chat.max_tokens) == ("anthropic-messages", body, 10)
    assert chat.extra == {"brand_new": {"x": 1}}
    assert chat.include_usage
    assert (chat.stream, chat.messages) == (False, (User((Text("hi"),)),))


def test_pitfall_23_falsy_values_are_what_the_client_said() -> None:
    chat = parse(temperature=0, top_p=0.0, top_k=0, stop_sequences=[], max_tokens=0, stream=False)
    assert (chat.temperature, chat.top_p, chat.top_k, chat.stop, chat.max_tokens) == (0, 0.0, 0, (), 0)
    silent = parse()
    assert (silent.temperature, silent.top_p, silent.top_k, silent.stop) == (None, None, None, None)
    full = parse(temperature=0.5, top_k=3, stop_sequences=["a", ""], stream=True)
    assert (full.temperature, full.top_k, full.stop, full.stream) == (0.5, 3, ("a", ""), True)


@pytest.mark.parametrize(
    ("system", "messages"),
    [
        (None, ()),
        ("", ()),
        ([], ()),
        ("be kind", (System((Text("be kind"),)),)),
        (
            [{"type": "text", "text": "a", "cache_control": MARK}, {"type": "text", "text": "b"}, {"type": "new"}],
            (System((Text("a", MARK), Text("b"), UnknownPart("new", "system[2]"))),),
        ),
    ],
)
def test_pitfall_24_system_is_a_string_or_blocks_with_their_marks(system: Any, messages: Any) -> None:
    assert parse(system=system).messages == (*messages, User((Text("hi"),)))


def test_a_system_message_keeps_its_place() -> None:
    chat = parse([*HELLO, {"role": "system", "content": "now in French"}])
    assert chat.messages[1] == System((Text("now in French"),))


def test_content_of_every_kind() -> None:
    text = base64.b64encode("Grüße".encode()).decode()
    chat = said_by(
        "user",
        {"type": "text", "text": "see", "cache_control": MARK},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": "AA=="},
            "cache_control": MARK,
        },
        {"type": "image", "source": {"type": "url", "url": "https://x.org/a.png"}},
        {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JV"}, "title": "T"},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "Grüße"}},
        {"type": "document", "source": {"type": "url", "url": "https://x.org/a.pdf"}, "cache_control": MARK},
        {"type": "document", "source": {"type": "file", "file_id": "file_2"}},
        {"type": "document", "source": {"type": "content", "content": "x"}},
        {"type": "image", "source": {"type": "hologram"}},
        {"type": "search_result", "source": "s", "title": "t", "content": []},
    )
    assert chat.messages == (
        User((
            Text("see", MARK),
            Image(Inline("image/png", "AA=="), None, MARK),
            Image(Url("https://x.org/a.png")),
            Image(FileId("file_1")),
            Document(Inline("application/pdf", "JV"), "T"),
            Document(Inline("text/plain", text)),
            Document(Url("https://x.org/a.pdf"), None, MARK),
            Document(FileId("file_2")),
            UnknownPart("document", "messages[0].content[8]"),
            UnknownPart("image", "messages[0].content[9]"),
            UnknownPart("search_result", "messages[0].content[10]"),
        )),
    )  # fmt: skip


def test_pitfall_03_results_of_one_turn_stay_in_order_with_what_stands_between() -> None:
    chat = said_by(
        "user",
        {"type": "tool_result", "tool_use_id": "a", "content": "4", "is_error": False, "cache_control": MARK},
        {"type": "tool_result", "tool_use_id": "b", "content": [{"type": "text", "text": "no"}], "is_error": True},
        {"type": "text", "text": "well"},
        {"type": "tool_result", "tool_use_id": "c"},
    )
    assert chat.messages == (
        ToolResult("a", (Text("4"),), is_error=False, cache=MARK),
        ToolResult("b", (Text("no"),), is_error=True),
        User((Text("well"),)),
        ToolResult("c", ()),
    )


def test_an_answer_sent_back_has_its_thinking_text_and_calls() -> None:
    chat = said_by(
        "assistant",
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "thinking", "thinking": "plain", "signature": ""},
        {"type": "text", "text": "so"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {"b": 1, "a": []}, "cache_control": MARK},
        {"type": "tool_use", "id": "u", "name": "g", "input": {}},
        {"type": "tool_use", "id": "v", "name": "g"},
        {"type": "thinking", "thinking": "late", "signature": "l"},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
    )
    thoughts = (
        Reasoning("hm", "s", "", CLAUDE), Reasoning("", "", "d", CLAUDE), Reasoning("plain"), Reasoning("late", "l", "", CLAUDE),
    )  # fmt: skip
    calls = (ToolCall("t", "f", '{"b":1,"a":[]}', cache=MARK), ToolCall("u", "g", "{}"), ToolCall("v", "g", "{}"))
    content = (Text("so"), UnknownPart("server_tool_use", "messages[0].content[8]"))
    assert chat.messages == (Assistant(content, thoughts, calls),)


def test_thinking_between_texts_keeps_its_place() -> None:
    chat = said_by(
        "assistant",
        {"type": "thinking", "thinking": "1", "signature": "a"},
        {"type": "text", "text": "one"},
        {"type": "thinking", "thinking": "2", "signature": "b"},
        {"type": "tool_use", "id": "t", "name": "f", "input": {}},
    )
    assert chat.messages == (
        Assistant((Text("one"),), (Reasoning("1", "a", "", CLAUDE),)),
        Assistant((), (Reasoning("2", "b", "", CLAUDE),), (ToolCall("t", "f", "{}"),)),
    )


def test_thinking_of_another_maker_comes_back_as_its_own() -> None:
    signature, data = marked("sig", "", "google-gemini-v1", "call-1"), marked("", "sealed", "openai-responses-v1", "rs")
    chat = said_by(
        "assistant",
        {"type": "text", "text": "so"},
        {"type": "thinking", "thinking": "hm", "signature": signature},
        {"type": "redacted_thinking", "data": data},
    )
    assert chat.messages == (
        Assistant(
            (Text("so"),),
            (
                Reasoning("hm", "sig", "", "google-gemini-v1", "call-1"),
                Reasoning("", "", "sealed", "openai-responses-v1", "rs"),
            ),
        ),
    )


def test_tools() -> None:
    search: dict[str, Any] = {"type": "web_search_20250305", "name": "web_search", "max_uses": 0}
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    chat = parse(
        tools=[
            {"name": "f", "description": "", "input_schema": schema, "strict": False, "cache_control": MARK},
            {"type": "custom", "name": "g", "input_schema": {}, "defer_loading": True, "allowed_callers": []},
            search,
        ]
    )
    assert chat.tools == (
        FunctionTool("f", "", schema, strict=False, cache=MARK),
        FunctionTool("g", None, {}),
        NativeTool("web_search_20250305", search),
    )
    assert chat.unread == ("tools[].defer_loading",)


@pytest.mark.parametrize(
    ("choice", "read", "parallel"),
    [
        (None, None, None),
        ({"type": "auto"}, "auto", None),
        ({"type": "none"}, "none", None),
        ({"type": "any", "disable_parallel_tool_use": True}, "required", False),
        ({"type": "tool", "name": "f", "disable_parallel_tool_use": False}, NamedTool("f"), True),
        ({"type": "brand_new"}, NativeChoice("brand_new"), None),
    ],
)
def test_pitfall_23_tool_choice(choice: Any, read: Any, parallel: bool | None) -> None:
    chat = parse(tool_choice=choice)
    assert (chat.tool_choice, chat.parallel_tool_calls) == (read, parallel)


@pytest.mark.parametrize(
    ("thinking", "config", "effort", "budget", "unread"),
    [
        (None, None, None, None, ()),
        ({"type": "enabled", "budget_tokens": 2048}, None, None, 2048, ()),
        (
            {"type": "enabled", "budget_tokens": 0, "display": "omitted"},
            {"effort": "low"},
            "low",
            0,
            ("thinking.display",),
        ),
        ({"type": "adaptive"}, None, "high", None, ()),
        ({"type": "adaptive"}, {"effort": "max"}, "max", None, ()),
        ({"type": "disabled"}, None, "none", None, ()),
        ({"type": "disabled"}, {"effort": "low"}, "none", None, ("output_config.effort",)),
        ({"type": "between_tools"}, None, None, None, ("thinking",)),
        (None, {"effort": "xhigh"}, "xhigh", None, ()),
        (
            None,
            {"effort": "heroic", "task_budget": {}},
            None,
            None,
            ("output_config.task_budget", "output_config.effort"),
        ),
    ],
)
def test_thinking(thinking: Any, config: Any, effort: str | None, budget: int | None, unread: tuple[str, ...]) -> None:
    chat = parse(thinking=thinking, output_config=config)
    assert (chat.reasoning_effort, chat.reasoning_budget, chat.unread) == (effort, budget, unread)
    assert chat.extra == {}


def test_structured_output_in_both_of_its_spellings() -> None:
    form = {"type": "json_schema", "schema": {"type": "object"}}
    expected = JsonSchema("response", {"type": "object"}, strict=True)
    assert parse(output_config={"format": form}).response_format == expected
    assert parse(output_format=form).response_format == expected
    assert parse(output_config={"format": {"type": "grammar"}}).response_format == NativeFormat("grammar")
    assert parse(output_config={}).response_format is None


def test_the_end_user_and_what_else_is_in_metadata() -> None:
    assert (parse(metadata={"user_id": ""}).user, parse(metadata={"user_id": "u"}).metadata) == ("", None)
    assert parse(metadata={"team": "a"}).metadata == {"team": "a"}


def test_members_without_a_word_are_named_once_and_defaults_are_not() -> None:
    block = {"type": "text", "text": "a", "citations": [{"type": "char_location"}]}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": {"type": "direct"}}
    read = {"type": "document", "source": {"type": "url", "url": "u"}, "citations": {"enabled": False}, "context": ""}
    chat = parse([
        {"role": "user", "content": [read, read | {"citations": {"enabled": True}, "context": "c"}]},
        {"role": "assistant", "content": [block, block, call, {"type": "brand_new", "x": 1}], "mood": "good"},
    ])  # fmt: skip
    assert chat.unread == ("messages[].content[].citations", "messages[].content[].context", "messages[].mood")


def test_a_count_needs_no_max_tokens_and_an_answer_does() -> None:
    body = json.dumps({"model": "m", "messages": HELLO}).encode()
    assert TOKEN_COUNT.parse(body).max_tokens is None
    with pytest.raises(InvalidRequest) as refused:
        DIALECT.parse(body)
    assert (refused.value.param, refused.value.code) == ("max_tokens", "missing_required_parameter")


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [7]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "messages[0].content[0].tool_use_id"),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": "x"}]}
                ]
            },
            "messages[0].content[0].input",
        ),
        ({"system": 7}, "system"),
        ({"model": None}, "model"),
        ({"max_tokens": "9"}, "max_tokens"),
        ({"stop_sequences": [1]}, "stop_sequences"),
        ({"stop_sequences": "END"}, "stop_sequences"),
        ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"thinking": {}}, "thinking.type"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
        ({"metadata": {"user_id": 7}}, "metadata.user_id"),
    ],
)
def test_bad_input_is_refused_by_its_place_and_never_quoted(members: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(**{"messages": HELLO, **members})
    assert refused.value.param == param
    assert param in json.loads(DIALECT.error(refused.value))["error"]["message"]
