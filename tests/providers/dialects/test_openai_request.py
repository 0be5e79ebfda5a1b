"""The client's request, read: every role, form and member, and errors that name the place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.chat import (
    Assistant,
    Audio,
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
    Refusal,
    System,
    Text,
    ToolCall,
    ToolResult,
    UnknownPart,
    Url,
    User,
)
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject

HELLO = [{"role": "user", "content": "hello"}]


def parse(**members: Any) -> ChatRequest:
    return DIALECT.parse(json.dumps({"model": "gpt-4", "messages": HELLO, **members}).encode())


def message(**members: Any) -> Any:
    return parse(messages=[members]).messages[0]


def refused(**members: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        parse(**members)
    return caught.value


def test_the_smallest_request() -> None:
    body = b'{"model":"gpt-4","messages":[{"role":"user","content":"hello"}]}'
    chat = DIALECT.parse(body)
    assert (chat.model, chat.messages) == ("gpt-4", (User((Text("hello"),)),))
    assert chat.source.body == body
    assert (chat.source.wire, chat.source.value["model"]) == ("openai-chat", "gpt-4")
    assert (chat.stream, chat.include_usage, chat.temperature, chat.extra) == (False, False, None, {})


def test_pitfall_23_falsy_values_are_values() -> None:
    chat = parse(temperature=0, top_p=0, seed=0, n=0, stop=[], frequency_penalty=0, max_tokens=0, logprobs=False)
    assert (chat.temperature, chat.top_p, chat.seed, chat.n, chat.stop) == (0, 0, 0, 0, ())
    assert (chat.frequency_penalty, chat.max_tokens, chat.logprobs) == (0, 0, False)


@pytest.mark.parametrize(("said", "wanted"), [(True, True), (5, True), (0, False), (None, None)])
def test_logprobs_may_be_a_number_as_together_takes_it(said: Any, wanted: bool | None) -> None:
    assert parse(logprobs=said).logprobs is wanted


def test_null_counts_as_absent() -> None:
    chat = parse(temperature=None, stop=None, tools=None, stream=None, user=None, tool_choice=None, store=None)
    assert (chat.temperature, chat.stop, chat.tools, chat.stream, chat.user, chat.tool_choice) == (
        None,
        None,
        (),
        False,
        None,
        None,
    )
    assert chat.extra == {}


def test_the_newer_limit_counts_where_both_are_given() -> None:
    assert parse(max_tokens=5).max_tokens == 5
    assert parse(max_tokens=5, max_completion_tokens=7).max_tokens == 7


@pytest.mark.parametrize(("stop", "read"), [("a", ("a",)), (["a", "b"], ("a", "b"))])
def test_stop_is_a_string_or_a_list(stop: Any, read: tuple[str, ...]) -> None:
    assert parse(stop=stop).stop == read


def test_pitfall_24_system_messages_keep_their_number_place_and_parts() -> None:
    chat = parse(
        messages=[
            {"role": "system", "content": "one"},
            {"role": "developer", "content": [{"type": "text", "text": "two", "cache_control": {"type": "ephemeral"}}]},
            {"role": "user", "content": "hi", "name": "ann"},
            {"role": "system", "content": "three", "name": "ops"},
        ]
    )
    assert chat.messages == (
        System((Text("one"),)),
        System((Text("two", {"type": "ephemeral"}),)),
        User((Text("hi"),), "ann"),
        System((Text("three"),), "ops"),
    )


@pytest.mark.parametrize(
    ("part", "read"),
    [
        ({"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}}, Image(Url("https://x/y.png"), "low")),
        ({"type": "image_url", "image_url": "https://x/y.png"}, Image(Url("https://x/y.png"))),
        ({"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}, Image(Inline("image/png", "QUJD"))),
        ({"type": "image_url", "image_url": {"url": "data:;base64,QUJD"}}, Image(Inline("", "QUJD"))),
        ({"type": "image_url", "image_url": {"url": "data:image/svg+xml,%3Csvg"}}, Image(Url("data:image/svg+xml,%3Csvg"))),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(FileId("file-1"))),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;name=a;base64,JVBE"}},
            Document(Inline("application/pdf", "JVBE"), "a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "JVBE"}}, Document(Inline("", "JVBE"))),
        ({"type": "file", "file": {"file_data": "https://x/a.pdf"}}, Document(Url("https://x/a.pdf"))),
        ({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}, Audio("UklG", "wav")),
        ({"type": "refusal", "refusal": "no"}, Refusal("no")),
        ({"type": "hologram", "x": 1}, UnknownPart("hologram", "messages[0].content[0]")),
        ({"type": "input_audio", "input_audio": "UklG"}, UnknownPart("input_audio", "messages[0].content[0]")),
    ],
)  # fmt: skip
def test_every_kind_of_content_part(part: dict[str, Any], read: object) -> None:
    assert message(role="user", content=[part]).content == (read,)


def test_an_answer_with_tool_calls_and_their_results() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
    bare = {"id": "c2", "function": {"name": "g"}, "cache_control": {"type": "ephemeral"}}
    custom = {"id": "c3", "type": "custom", "custom": {"name": "h", "input": "x"}}
    chat = parse(
        messages=[
            {"role": "assistant", "content": None, "tool_calls": [call, bare, custom], "refusal": "no"},
            {"role": "tool", "tool_call_id": "c1", "content": "42"},
            {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "43"}], "is_error": True},
        ]
    )
    assert chat.messages == (
        Assistant(
            (Refusal("no"),),
            (),
            (
                ToolCall("c1", "f", '{"a":1}'),
                ToolCall("c2", "g", "", cache={"type": "ephemeral"}),
                ToolCall("c3", "h", "x", "custom"),
            ),
        ),
        ToolResult("c1", (Text("42"),)),
        ToolResult("c2", (Text("43"),), is_error=True),
    )


def test_the_function_calls_of_2023_get_an_id_that_joins_call_and_result() -> None:
    chat = parse(
        messages=[
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "", "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"},
            {"role": "assistant", "content": "", "function_call": {"name": "f"}},
            {"role": "function", "name": "f", "content": "2"},
        ],
        functions=[{"name": "f", "parameters": {"type": "object"}}],
        function_call={"name": "f"},
    )
    ids = [made.call_id for made in chat.messages if isinstance(made, ToolResult)]
    calls = [made.tool_calls[0].id for made in chat.messages if isinstance(made, Assistant)]
    assert ids == calls == ["function_call_1", "function_call_3"]
    assert chat.tools == (FunctionTool("f", None, {"type": "object"}),)
    assert chat.tool_choice == NamedTool("f")
    assert parse(function_call="none").tool_choice == "none"


def test_reasoning_comes_back_from_every_shape_that_clients_keep_it_in() -> None:
    details = [
        {"type": "reasoning.text", "text": "I th", "index": 0, "format": "anthropic-claude-v1"},
        {"type": "reasoning.text", "text": "ink", "signature": "sig", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "id": "rs_1", "index": 1},
        {"type": "reasoning.encrypted", "data": "uvw", "index": 1},
        {"type": "reasoning.summary", "summary": "in short"},
    ]
    assert message(role="assistant", content="", reasoning_details=details, reasoning_content="I think").reasoning == (
        Reasoning("I think", "sig", "", "anthropic-claude-v1"),
        Reasoning(data="xyz", id="rs_1"),
        Reasoning(data="uvw"),
        Reasoning("in short"),
    )
    blocks = [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "d"}]
    assert message(role="assistant", content="", thinking_blocks=blocks).reasoning == (
        Reasoning("t", "s", "", "anthropic-claude-v1"),
        Reasoning("", "", "d", "anthropic-claude-v1"),
    )
    assert message(role="assistant", content="", reasoning_content="plain").reasoning == (Reasoning("plain"),)
    assert message(role="assistant", content="", reasoning="plain").reasoning == (Reasoning("plain"),)
    assert message(role="assistant", content="").reasoning == ()


def test_tools_choice_and_format() -> None:
    schema: JsonObject = {"type": "object", "properties": {}}
    chat = parse(
        tools=[
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": schema, "strict": True}},
            {"type": "function", "function": {"name": "g"}, "cache_control": {"type": "ephemeral"}},
            {"type": "web_search_20250305", "name": "web_search"},
        ],
        tool_choice={"type": "function", "function": {"name": "f"}},
        parallel_tool_calls=False,
        response_format={"type": "json_schema", "json_schema": {"name": "out", "schema": schema, "strict": True}},
    )
    assert chat.tools == (
        FunctionTool("f", "d", schema, strict=True),
        FunctionTool("g", cache={"type": "ephemeral"}),
        NativeTool("web_search_20250305", {"type": "web_search_20250305", "name": "web_search"}),
    )
    assert chat.tool_choice == NamedTool("f")
    assert chat.parallel_tool_calls is False
    assert chat.response_format == JsonSchema("out", schema, strict=True)


@pytest.mark.parametrize(
    ("choice", "read"),
    [("auto", "auto"), ("none", "none"), ("required", "required"), ("any", "required"),
     ({"type": "allowed_tools", "allowed_tools": {}}, NativeChoice("allowed_tools"))],
)  # fmt: skip
def test_tool_choice_modes(choice: Any, read: object) -> None:
    assert parse(tool_choice=choice).tool_choice == read


@pytest.mark.parametrize(
    ("shape", "read"),
    [({"type": "text"}, "text"), ({"type": "json_object"}, "json_object"), ({"type": "grammar"}, NativeFormat("grammar")),
     ({"type": "json_schema", "json_schema": {}}, JsonSchema("response", {}))],
)  # fmt: skip
def test_response_formats(shape: Any, read: object) -> None:
    assert parse(response_format=shape).response_format == read


def test_reasoning_effort_and_budget() -> None:
    assert parse(reasoning_effort="high").reasoning_effort == "high"
    both = parse(reasoning={"effort": "low", "max_tokens": 2048})
    assert (both.reasoning_effort, both.reasoning_budget, both.extra) == ("low", 2048, {})
    assert parse(reasoning={"max_tokens": 1024}).reasoning_budget == 1024
    future = parse(reasoning_effort="heroic")
    assert (future.reasoning_effort, future.extra) == (None, {"reasoning_effort": "heroic"})
    assert parse(reasoning="yes").extra == {"reasoning": "yes"}


def test_members_of_tomorrow_are_kept() -> None:
    assert parse(holograms={"n": 1}, store=True).extra == {"holograms": {"n": 1}, "store": True}


def test_usage_in_a_stream_is_only_for_streams() -> None:
    assert parse(stream=True, stream_options={"include_usage": True}).include_usage
    assert not parse(stream=True, stream_options={}).include_usage
    assert refused(stream_options={"include_usage": True}).param == "stream_options"


@pytest.mark.parametrize(
    ("members", "param", "code"),
    [
        ({"model": None}, "model", "missing_required_parameter"),
        ({"model": 4}, "model", "invalid_type"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": []}, "messages", "invalid_value"),
        ({"messages": "hi"}, "messages", "invalid_type"),
        ({"messages": ["hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [None]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url", "missing_required_parameter"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "type": "spell"}]}]}, "messages[0].tool_calls[0].type", "invalid_value"),
        ({"temperature": "0"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"seed": 1.5}, "seed", "invalid_type"),
        ({"stream": "yes"}, "stream", "invalid_type"),
        ({"stop": 1}, "stop", "invalid_type"),
        ({"stop": [1]}, "stop", "invalid_value"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
        ({"tool_choice": "always"}, "tool_choice", "invalid_value"),
        ({"tool_choice": 1}, "tool_choice", "invalid_type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema", "missing_required_parameter"),
        ({"metadata": []}, "metadata", "invalid_type"),
    ],
)  # fmt: skip
def test_a_bad_member_is_named(members: dict[str, Any], param: str, code: str) -> None:
    error = refused(**members)
    assert (error.status, error.type, error.param, error.code) == (400, "invalid_request_error", param, code)
    assert param in error.message


def test_a_whole_float_is_an_integer() -> None:
    assert parse(max_tokens=16.0).max_tokens == 16


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"null", b'{"model": NaN}', b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.parse(body)
    assert caught.value.code == "invalid_json"


def test_no_error_quotes_the_prompt() -> None:
    with pytest.raises(InvalidRequest) as caught:
        DIALECT.parse(b'{"model":"gpt-4","messages":[{"role":"user","content":"attack at dawn"}')
    assert "dawn" not in caught.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    ["messages", "tools", "tool_choice", "response_format", "stop", "reasoning", "stream_options", "n", "function_call"]
)


@given(st.dictionaries(MEMBERS, JSON))
def test_whatever_stands_where_it_is_read_or_refused_by_name(members: dict[str, Any]) -> None:
    try:
        parse(**members)
    except InvalidRequest as error:
        assert error.param


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["role", "content", "tool_calls", "reasoning_details", "name"]),
            JSON | st.sampled_from(["user", "assistant", "tool", "system", "function"]),
        )
    )
)
def test_whatever_the_messages_hold_is_read_or_refused_by_name(messages: list[Any]) -> None:
    try:
        parse(messages=messages)
    except InvalidRequest as error:
        assert error.param


def test_a_cache_mark_on_a_tool_message_is_one_mark() -> None:
    mark: JsonObject = {"type": "ephemeral"}
    assert message(role="tool", tool_call_id="c", content="x", cache_control=mark) == ToolResult(
        "c", (Text("x"),), cache=mark
    )
    assert message(role="user", content="x", cache_control=mark) == User((Text("x", mark),))
