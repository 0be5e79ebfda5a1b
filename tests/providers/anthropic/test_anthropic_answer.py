"""What an answer of Anthropic's says, whole or streamed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.anthropic import PROVIDER
from providers.completion import Completion, ReasoningPart, TextPart, ToolCallPart, fold
from providers.events import (
    Citation,
    Event,
    Finished,
    ProviderFields,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

Streamed = Callable[..., list[Event]]
CLAUDE = "anthropic-claude-v1"
TEXT = {"type": "text", "text": ""}


def whole(*content: Any, **members: Any) -> Completion:
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    return PROVIDER.response(json.dumps({**message, "stop_reason": "end_turn", **members}).encode())


def said(text: str) -> dict[str, Any]:
    return {"type": "text_delta", "text": text}


def arguments(text: str) -> dict[str, Any]:
    return {"type": "input_json_delta", "partial_json": text}


def call(call_id: str = "t1", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": arguments}


# -- text, thinking, tools ------------------------------------------------------------------------------------------


def test_text_comes_as_it_is_written(streamed: Streamed) -> None:
    assert streamed((TEXT, said("Hel"), said(""), said("lo"))) == [
        Started("msg_1", "claude-x"),
        TextDelta(0, "Hel"),
        TextDelta(0, "lo"),
        Finished("stop"),
    ]


def test_text_at_the_start_of_a_block_is_not_lost(streamed: Streamed) -> None:
    assert TextDelta(0, "He") in streamed(({"type": "text", "text": "He"}, said("y")))


def test_pitfall_01_parts_count_what_the_client_sees_from_0(streamed: Streamed) -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    events = streamed((search,), (TEXT, said("a")), (call("t1"),), (TEXT,), (call("t2"),))
    parts = [event.part for event in events if isinstance(event, TextDelta | ToolCallStarted)]
    assert parts == [0, 1, 2]


def test_pitfall_02_all_parallel_calls_are_kept(streamed: Streamed) -> None:
    expected = (ToolCallPart("t1", "f", '{"a":1}'), ToolCallPart("t2", "f", "{}"))
    assert whole(call("t1", a=1), call("t2")).choices[0].parts == expected
    events = streamed((call("t1"), arguments('{"a"'), arguments(":1}")), (call("t2"), arguments("")))
    assert fold(events).choices[0].parts == expected


def test_pitfall_05_a_streamed_call_without_arguments_has_an_empty_object_once(streamed: Streamed) -> None:
    assert streamed((call(), arguments(""), arguments("")))[1:3] == [
        ToolCallStarted(0, "t1", "f"),
        ToolCallDelta(0, "{}"),
    ]


def test_arguments_that_come_with_the_start_of_the_block_are_not_lost(streamed: Streamed) -> None:
    assert ToolCallDelta(0, '{"a":"é"}') in streamed((call(a="é"),))


def test_thinking_streams_with_its_signature(streamed: Streamed) -> None:
    thinking = {"type": "thinking", "thinking": "", "signature": ""}
    pieces = {"type": "thinking_delta", "thinking": "hm"}, {"type": "signature_delta", "signature": "sig"}
    assert streamed((thinking, *pieces), (TEXT, said("so")))[1:] == [
        ReasoningDelta(0, format=CLAUDE),
        ReasoningDelta(0, "hm", format=CLAUDE),
        ReasoningDelta(0, signature="sig", format=CLAUDE),
        TextDelta(1, "so"),
        Finished("stop"),
    ]


def test_pitfall_07_empty_signed_and_redacted_thinking_survive(streamed: Streamed) -> None:
    expected = (
        ReasoningPart(signature="s1", format=CLAUDE),
        ReasoningPart(data="zz", format=CLAUDE),
        ReasoningPart(format=CLAUDE),
        TextPart("so"),
    )
    signed = {"type": "thinking", "thinking": "", "signature": "s1"}
    redacted = {"type": "redacted_thinking", "data": "zz"}
    empty = {"type": "thinking", "thinking": ""}
    assert whole(signed, redacted, empty, {"type": "text", "text": "so"}).choices[0].parts == expected
    late = {"type": "signature_delta", "signature": "s1"}
    assert fold(streamed((empty, late), (redacted,), (empty,), (TEXT, said("so")))).choices[0].parts == expected


# -- citations ------------------------------------------------------------------------------------------------------

WEB = {
    "type": "web_search_result_location",
    "url": "https://x",
    "title": "X",
    "cited_text": "q",
    "encrypted_index": "i",
}
PAGE = {"type": "page_location", "document_title": "D", "cited_text": "p", "start_page_number": 1, "file_id": None}


def test_citations_say_which_text_they_are_about(streamed: Streamed) -> None:
    expected = (
        Citation("https://x", "X", "q", 3, 7, {"type": "web_search_result_location", "encrypted_index": "i"}),
        Citation(None, "D", "p", 3, 7, {"type": "page_location", "start_page_number": 1}),
    )
    pieces = (
        {"type": "citations_delta", "citation": WEB},
        said("it "),
        said("i"),
        {"type": "citations_delta", "citation": PAGE},
    )
    events = streamed((TEXT, said("So ")), ({**TEXT, "citations": []}, *pieces))
    assert fold(events).choices[0].citations == expected
    content = {"type": "text", "text": "So "}, {"type": "text", "text": "it i", "citations": [WEB, PAGE]}
    assert whole(*content).choices[0].citations == expected


def test_a_citation_of_no_text_has_no_place() -> None:
    assert whole({"type": "text", "text": "", "citations": [WEB]}).choices[0].citations[0].start is None


# -- blocks without a word ------------------------------------------------------------------------------------------


def test_pitfall_09_server_tools_and_unknown_blocks_are_kept_in_order(streamed: Streamed) -> None:
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [{"type": "web_search_result"}]}
    new = {"type": "hologram", "rays": "abc", "frames": [1, 2], "depth": 2}
    expected = {"anthropic_content": [search, found, new], "anthropic_content_places": [0, 0, 0]}
    assert whole(search, found, new).choices[0].message_fields == expected
    events = streamed(
        ({**search, "input": {}}, arguments('{"query"'), arguments(': "x"}')),
        (found,),
        (
            {"type": "hologram", "rays": "a", "frames": [1]},
            {"type": "hologram_delta", "rays": "bc", "frames": [2], "depth": 1},
            {"type": "hologram_delta", "depth": 2},
        ),
    )
    assert fold(events).choices[0].message_fields == expected


def test_pitfall_09_input_that_is_no_json_is_kept_as_it_came(streamed: Streamed) -> None:
    search: dict[str, Any] = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}}
    kept: dict[str, Any] = {"anthropic_content": [search | {"input": '{"q'}], "anthropic_content_places": [0]}
    assert ProviderFields(kept, "message") in streamed((search, arguments('{"q')))


def test_pitfall_09_unknown_pieces_of_known_blocks_are_passed_over(streamed: Streamed) -> None:
    new: dict[str, Any] = {"type": "shade_delta", "shade": "blue"}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    parts = fold(streamed((TEXT, new, said("a")), (thinking, new), (call(), new))).choices[0].parts
    assert parts == (TextPart("a"), ReasoningPart("hm", "s", format=CLAUDE), ToolCallPart("t1", "f", "{}"))


# -- stop reasons ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "finished"),
    [
        ("end_turn", Finished("stop")),
        ("max_tokens", Finished("length")),
        ("tool_use", Finished("tool_calls")),
        ("stop_sequence", Finished("stop", "stop_sequence")),
        ("pause_turn", Finished("length", "pause_turn")),
        ("compaction", Finished("length", "compaction")),
        ("refusal", Finished("content_filter", "refusal")),
        ("model_context_window_exceeded", Finished("length", "model_context_window_exceeded")),
        ("invented_yesterday", Finished("stop", "invented_yesterday", known=False)),
        (None, Finished("stop", known=False)),
        (7, Finished("stop", known=False)),
    ],
)
def test_pitfall_08_every_stop_reason_has_a_word(streamed: Streamed, native: Any, finished: Finished) -> None:
    assert whole(stop_reason=native).choices[0].finish == finished
    assert streamed(delta={"delta": {"stop_reason": native}})[-1] == finished


def test_what_stopped_the_answer_is_kept_with_the_choice(streamed: Streamed) -> None:
    details = {"type": "refusal", "category": "cyber"}
    stop = {"stop_reason": "refusal", "stop_sequence": "END", "stop_details": details}
    expected = {"stop_sequence": "END", "stop_details": details}
    assert whole(**stop).choices[0].fields == expected
    assert fold(streamed(delta={"delta": stop})).choices[0].fields == expected


def test_members_of_the_message_without_a_word_are_kept(streamed: Streamed) -> None:
    expected = {"provider": "Amazon Bedrock", "container": {"id": "c"}, "context_management": {"applied_edits": []}}
    assert whole(diagnostics=None, **expected).fields == expected
    events = streamed(
        start={"provider": "Amazon Bedrock", "container": None},
        delta={
            "delta": {"stop_reason": "end_turn", "container": {"id": "c"}},
            "context_management": {"applied_edits": []},
        },
    )
    assert fold(events).fields == expected
