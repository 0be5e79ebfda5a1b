"""A streamed answer in Anthropic's dialect: pitfall 21 and its neighbours, each rule by itself."""

from __future__ import annotations

from typing import Any

import pytest

from providers.dialects.anthropic import DIALECT
from providers.dialects.anthropic.writers import KeptWriter
from providers.errors import UpstreamDown
from providers.events import (
    KEPT_BLOCKS,
    KEPT_PLACES,
    TOOL_CALL_FIELDS,
    Citation,
    Event,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from providers.usage import Usage
from tests.providers.dialects.messages import (
    STAMP,
    checked,
    deltas,
    frames,
    heard,
    meaning,
    read_whole,
    streamed,
    whole,
)

STARTED = Started("m1", "some-model", 7)
STOP = Finished("stop")
CLAUDE = "anthropic-claude-v1"


def starts(stream: bytes) -> list[dict[str, Any]]:
    return [frame["content_block"] for frame in checked(stream) if frame["type"] == "content_block_start"]


def same_both_ways(*events: Event) -> dict[str, Any]:
    told = meaning(heard(streamed(*events)))
    assert told == meaning(read_whole(*events))
    return told


def test_pitfall_21_there_is_one_message_start_with_the_usage_so_far() -> None:
    begun = UsageReported(Usage(input=9, output=1, cache_read=4, cache_write=0))
    end = UsageReported(Usage(output=12))
    said = checked(streamed(STARTED, begun, TextDelta(0, "a"), TextDelta(0, "b"), STOP, end))
    message = said[0]["message"]
    assert (message["id"], message["model"], message["role"], message["content"]) == (
        "m1",
        "some-model",
        "assistant",
        [],
    )
    assert message["usage"] == {
        "input_tokens": 9, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4,
    }  # fmt: skip
    assert said[-2]["usage"]["output_tokens"] == 12
    assert said[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}


def test_pitfall_21_the_name_of_an_event_stands_before_its_data() -> None:
    stream = streamed(STARTED, TextDelta(0, "a\nb"), STOP)
    for frame in stream.decode().removesuffix("\n\n").split("\n\n"):
        name, data = frame.split("\n")
        assert name.startswith("event: ")
        assert data.startswith("data: {")


def test_pitfall_21_no_token_is_lost_where_one_block_follows_another() -> None:
    events: list[Event] = [
        STARTED, ReasoningDelta(0, "think"), TextDelta(1, "first"), TextDelta(1, " word"), ToolCallStarted(2, "t", "f"),
        ToolCallDelta(2, '{"a"'), ToolCallDelta(2, ":1}"), TextDelta(3, "last"), Finished("tool_calls"),
    ]  # fmt: skip
    assert [block["type"] for block in starts(streamed(*events))] == ["thinking", "text", "tool_use", "text"]
    pieces = [piece for piece in deltas(streamed(*events)) if piece[1] != "signature_delta"]
    assert pieces == [
        (0, "thinking_delta", "think"),
        (1, "text_delta", "first"),
        (1, "text_delta", " word"),
        (2, "input_json_delta", '{"a"'),
        (2, "input_json_delta", ":1}"),
        (3, "text_delta", "last"),
    ]


def test_pitfall_21_each_piece_goes_out_when_it_comes() -> None:
    encoder = DIALECT.encoder(STAMP, include_usage=True)
    assert encoder.feed(STARTED) == b""
    assert b"message_start" in (first := encoder.feed(TextDelta(0, "first")))
    assert b'"first"' in first
    assert b'"second"' in encoder.feed(TextDelta(0, "second"))
    assert encoder.feed(ToolCallStarted(1, "t", "f")).count(b"content_block_stop") == 2  # name and type
    assert b'"t"' in encoder.feed(ToolCallDelta(1, '{"a":'))


def test_pitfall_21_calls_that_come_by_turns_are_blocks_one_after_another() -> None:
    events: list[Event] = [
        STARTED, ToolCallStarted(0, "t0", "f"), ToolCallStarted(1, "t1", "g"), ToolCallDelta(1, '{"b":'),
        ToolCallDelta(0, '{"a":'), ToolCallStarted(2, "t2", "h"), ToolCallDelta(1, "2}"), ToolCallDelta(0, '"}"}'),
        ToolCallDelta(2, "{}"), Finished("tool_calls"),
    ]  # fmt: skip
    stream = streamed(*events)
    assert [block["id"] for block in starts(stream)] == ["t0", "t1", "t2"]
    assert [(index, said) for index, _, said in deltas(stream)] == [
        (0, '{"a":'), (0, '"}"}'), (1, '{"b":'), (1, "2}"), (2, "{}"),
    ]  # fmt: skip
    content: Any = same_both_ways(*events)["content"]
    assert [block["input"] for block in content] == [{"a": "}"}, {"b": 2}, {}]


def test_pitfall_21_a_call_whose_arguments_never_end_holds_back_only_to_the_end() -> None:
    stream = streamed(STARTED, ToolCallStarted(0, "t0", "f"), ToolCallDelta(0, '{"a": "b'), TextDelta(1, "x"), STOP)
    assert [said for _, _, said in deltas(stream)] == ['{"a": "b', "x"]


@pytest.mark.parametrize("pieces", [[], [""], [" "], ["{", "}"]])
def test_pitfall_05_a_call_without_arguments_has_the_empty_object(pieces: list[str]) -> None:
    events: list[Event] = [ToolCallStarted(0, "t", "f"), *(ToolCallDelta(0, piece) for piece in pieces)]
    stream = streamed(STARTED, *events, Finished("tool_calls"))
    assert "".join(said for _, _, said in deltas(stream)).strip() == "{}"
    assert same_both_ways(STARTED, *events, Finished("tool_calls"))["content"][0]["input"] == {}


def test_arguments_that_are_no_object_are_kept_as_anthropic_says() -> None:
    bad: list[Event] = [ToolCallStarted(0, "t", "f"), ToolCallDelta(0, '{"a": 1')]
    assert whole(STARTED, *bad, Finished("length"))["content"][0]["input"] == {"INVALID_JSON": '{"a": 1'}
    free: list[Event] = [ToolCallStarted(0, "t", "f", "custom"), ToolCallDelta(0, "ls "), ToolCallDelta(0, "-l")]
    assert same_both_ways(STARTED, *free, Finished("tool_calls"))["content"][0]["input"] == {"input": "ls -l"}


def test_pieces_behind_the_end_of_a_call_are_no_block() -> None:
    call: list[Event] = [ToolCallStarted(0, "t", "f"), ToolCallDelta(0, "{}")]
    assert len(starts(streamed(STARTED, *call, TextDelta(1, "x"), ToolCallDelta(0, "\n"), STOP))) == 2


def test_a_call_without_an_id_gets_one_that_stays() -> None:
    events: list[Event] = [
        STARTED,
        ToolCallStarted(0, "", "f"),
        ToolCallDelta(0, "{}"),
        ToolCallStarted(1, "", "g"),
        STOP,
    ]
    content: Any = same_both_ways(*events)["content"]
    assert [block["id"] for block in content] == ["toolu_msg_stamped_0", "toolu_msg_stamped_1"]


def test_pitfall_07_signed_redacted_and_empty_thinking_survive() -> None:
    events: list[Event] = [
        STARTED, ReasoningDelta(0, "hm", format=CLAUDE), ReasoningDelta(0, "", "si"), ReasoningDelta(0, "", "gn"),
        ReasoningDelta(1, data="sealed", format=CLAUDE), ReasoningDelta(2, "", "only", format=CLAUDE),
        ReasoningDelta(3, format=CLAUDE), ReasoningDelta(4), TextDelta(5, "x"), STOP,
    ]  # fmt: skip
    assert same_both_ways(*events)["content"][:-1] == [
        {"type": "thinking", "thinking": "hm", "signature": "sign"},
        {"type": "redacted_thinking", "data": "sealed"},
        {"type": "thinking", "thinking": "", "signature": "only"},
        {"type": "thinking", "thinking": "", "signature": ""},
    ]


def test_pitfall_09_blocks_of_anthropics_own_keep_their_place() -> None:
    search: dict[str, Any] = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
    found: dict[str, Any] = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
    events: list[Event] = [
        STARTED, TextDelta(0, "before"), ProviderFields({KEPT_BLOCKS: [search], KEPT_PLACES: [1]}, "message"),
        ProviderFields({KEPT_BLOCKS: [found], KEPT_PLACES: [1]}, "message"), TextDelta(1, "after"),
        Citation("https://x.org", "X", "q", 6, 11, {"type": "web_search_result_location", "encrypted_index": "e"}), STOP,
    ]  # fmt: skip
    content: Any = same_both_ways(*events)["content"]
    assert content[1:3] == [search, found]
    assert [block["type"] for block in content] == ["text", "server_tool_use", "web_search_tool_result", "text"]
    assert content[3]["citations"] == [
        {"type": "web_search_result_location", "cited_text": "q", "title": "X", "url": "https://x.org",
         "encrypted_index": "e"}
    ]  # fmt: skip


def test_members_of_a_call_stand_in_its_block_and_late_ones_beside_the_message() -> None:
    caller: dict[str, Any] = {"caller": {"type": "code_execution_20250825", "tool_id": "s"}}
    call: list[Event] = [ToolCallStarted(0, "t", "f"), ProviderFields({TOOL_CALL_FIELDS: {"0": caller}}, "message")]
    events: list[Event] = [STARTED, *call, ToolCallDelta(0, "{}"), Finished("tool_calls")]
    assert same_both_ways(*events)["content"][0]["caller"] == caller["caller"]
    late = ProviderFields({TOOL_CALL_FIELDS: {"0": {"x": 1}, "7": 2}, "audio": {"id": "a"}}, "message")
    told = checked(streamed(*events[:-1], late, events[-1]))[-2]
    assert (told[TOOL_CALL_FIELDS], told["audio"]) == ({"0": {"x": 1}, "7": 2}, {"id": "a"})


def test_citations_stand_with_the_text_before_them() -> None:
    page = Citation("https://x.org", "X", None, 0, 1, {"n": 1})
    place = Citation(None, "Book", "words", 0, 1, {"type": "page_location", "document_index": 0})
    other = Citation(None, "Note", None, 0, 1)
    content: Any = same_both_ways(STARTED, TextDelta(0, "a"), page, place, other, TextDelta(1, "b"), STOP)["content"]
    assert content[0]["citations"] == [
        {"type": "web_search_result_location", "cited_text": "", "title": "X", "url": "https://x.org",
         "encrypted_index": "", "n": 1},
        {"type": "page_location", "cited_text": "words", "document_title": "Book", "document_index": 0},
        {"type": "citation", "cited_text": "", "title": "Note"},
    ]  # fmt: skip
    lone = checked(streamed(STARTED, ToolCallStarted(0, "t", "f"), page, STOP))
    assert [frame["content_block"]["type"] for frame in lone if "content_block" in frame] == ["tool_use", "text"]


@pytest.mark.parametrize(
    ("finish", "fields", "reason", "sequence"),
    [
        (Finished("stop"), {}, "end_turn", None),
        (Finished("length"), {}, "max_tokens", None),
        (Finished("tool_calls"), {}, "tool_use", None),
        (Finished("function_call"), {}, "tool_use", None),
        (Finished("content_filter"), {}, "refusal", None),
        (Finished("stop", "stop_sequence"), {"stop_sequence": "END"}, "stop_sequence", "END"),
        (Finished("stop"), {"matched_stop": "END"}, "stop_sequence", "END"),
        (Finished("stop"), {"matched_stop": 128001}, "end_turn", None),
        (Finished("stop"), {"stop_reason": "###"}, "stop_sequence", "###"),
        (Finished("length", "pause_turn"), {}, "pause_turn", None),
        (Finished("length", "model_context_window_exceeded"), {}, "model_context_window_exceeded", None),
        (Finished("length", "OTHER"), {}, "max_tokens", None),
        (Finished("stop", "brand_new", known=False), {}, "end_turn", None),
    ],
)
def test_pitfall_08_why_it_stopped(finish: Finished, fields: dict[str, Any], reason: str, sequence: str | None) -> None:
    beside = [ProviderFields(fields, "choice")] if fields else []
    told = same_both_ways(STARTED, TextDelta(0, "a"), *beside, finish)
    assert (told["stop_reason"], told["stop_sequence"]) == (reason, sequence)


def test_a_refusal_is_text_and_the_reason() -> None:
    told: Any = same_both_ways(STARTED, RefusalDelta(0, "I will not."), STOP)
    assert told["content"] == [{"type": "text", "text": "I will not."}]
    assert told["stop_reason"] == "refusal"


def test_an_answer_that_gives_no_reason_gives_none() -> None:
    told: Any = same_both_ways(Started(), TextDelta(0, "a"))
    assert (told["stop_reason"], told["id"], told["model"]) == (None, "msg_stamped", "asked-for")


@pytest.mark.parametrize("events", [[STARTED, STOP], [STARTED, TextDelta(0, ""), STOP], [STARTED]])
def test_an_answer_without_content_is_a_message_without_blocks(events: list[Event]) -> None:
    assert same_both_ways(*events)["content"] == []


def test_pitfall_17_cached_tokens_stand_beside_the_input_and_thinking_is_output() -> None:
    usage = Usage(5, 6, 7, 8, 9, 1, 2, {"service_tier": "standard"})
    assert whole(STARTED, TextDelta(0, "a"), STOP, UsageReported(usage))["usage"] == {
        "input_tokens": 6, "output_tokens": 17, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 8,
        "output_tokens_details": {"thinking_tokens": 9}, "service_tier": "standard",
    }  # fmt: skip


def test_pitfall_19_a_failure_is_an_error_event_and_no_end() -> None:
    encoder = DIALECT.encoder(STAMP, include_usage=True)
    stream = encoder.feed(STARTED) + encoder.feed(TextDelta(0, "a"))
    stream += encoder.feed(Failed(UpstreamDown("Overloaded", status=529)))
    said = frames(stream)
    assert said[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    assert "message_stop" not in [frame["type"] for frame in said]


def test_what_has_no_word_in_a_message_stands_beside_it() -> None:
    early, late = (
        ProviderFields({"system_fingerprint": "fp"}),
        ProviderFields({"search_results": [1], "container": {"id": "c"}}),
    )
    events: list[Event] = [STARTED, early, TextDelta(0, "a"), late, STOP]
    said = checked(streamed(*events))
    assert said[0]["message"]["system_fingerprint"] == "fp"
    assert (said[-2]["search_results"], said[-2]["delta"]["container"]) == ([1], {"id": "c"})
    told = whole(*events)
    assert (told["system_fingerprint"], told["search_results"], told["container"]) == ("fp", [1], {"id": "c"})


def test_another_choice_is_nothing_that_a_message_could_hold() -> None:
    other: list[Event] = [TextDelta(0, "b", 1), Finished("length", choice=1), ProviderFields({"x": 1}, "message", 1)]
    assert streamed(STARTED, TextDelta(0, "a"), *other, STOP) == streamed(STARTED, TextDelta(0, "a"), STOP)


def test_after_a_relayed_stream_nothing_is_left_to_say() -> None:
    assert DIALECT.encoder(STAMP, include_usage=True).close() == b""


def test_an_event_of_another_kind_than_its_part_began_with_is_passed_over() -> None:
    assert len(starts(streamed(STARTED, ReasoningDelta(0, "hm"), TextDelta(0, "x"), STOP))) == 1
    assert KeptWriter({"type": "new"}).say(TextDelta(0, "x")) == []
