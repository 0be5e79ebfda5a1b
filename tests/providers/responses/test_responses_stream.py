"""A streamed answer, event by event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from providers.completion import ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamDown, UpstreamProtocolError, UpstreamRejected, UpstreamThrottled, UpstreamTruncated
from providers.events import (
    TOOL_CALL_FIELDS,
    Citation,
    Failed,
    Finished,
    ProviderFields,
    ReasoningDelta,
    RefusalDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.events import Event

Json = dict[str, Any]
Streamed = "Callable[..., list[Event]]"


def added(index: int, **item: Any) -> Json:
    return {"type": "response.output_item.added", "output_index": index, "item": item}


def done(index: int, **item: Any) -> Json:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def piece(kind: str, delta: str, index: int = 0, **more: Any) -> Json:
    return {"type": f"response.{kind}.delta", "output_index": index, "delta": delta, **more}


def end(status: str, **response: Any) -> Json:
    return {"type": f"response.{status}", "response": {"status": status, **response}}


CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f"}


def test_text_comes_piece_by_piece_and_once(streamed: Callable[..., list[Event]]) -> None:
    whole = {"type": "output_text", "text": "Bonjour", "annotations": []}
    assert streamed(
        added(0, type="message"),
        piece("output_text", "Bon", content_index=0),
        piece("output_text", "jour", content_index=0),
        {"type": "response.output_text.done", "output_index": 0, "content_index": 0, "text": "Bonjour"},
        done(0, type="message", content=[whole]),
    ) == [Started("resp_1", "m", 5), TextDelta(0, "Bon"), TextDelta(0, "jour"), Finished("stop")]


def test_what_no_piece_has_said_is_said_at_the_end_of_the_item(streamed: Callable[..., list[Event]]) -> None:
    assert streamed(
        piece("output_text", "Bon"),
        piece("refusal", "N", 1),
        done(0, type="message", content=[{"type": "output_text", "text": "Bonjour"}]),
        done(1, type="message", content=[{"type": "refusal", "refusal": "Non"}]),
        done(2, **CALL, arguments='{"x":1}'),
    )[1:] == [
        TextDelta(0, "Bon"),
        RefusalDelta(1, "N"),
        TextDelta(0, "jour"),
        RefusalDelta(1, "on"),
        ToolCallStarted(2, "call_1", "f"),
        ToolCallDelta(2, '{"x":1}'),
        Finished("tool_calls"),
    ]


def test_pitfall_22_a_call_is_known_by_its_call_id_and_keeps_the_text_beside_it(
    streamed: Callable[..., list[Event]],
) -> None:
    events = streamed(
        piece("output_text", "I will look."),
        done(0, type="message", content=[{"type": "output_text", "text": "I will look."}]),
        added(1, **CALL, arguments=""),
        added(2, **{**CALL, "id": "fc_2", "call_id": "call_2"}, arguments=""),
        piece("function_call_arguments", '{"a":', 1, item_id="fc_1"),
        piece("function_call_arguments", "{}", 2, item_id="fc_2"),
        piece("function_call_arguments", "1}", 1, item_id="fc_1"),
        done(1, **CALL, arguments='{"a":1}'),
        done(2, **{**CALL, "id": "fc_2", "call_id": "call_2"}, arguments="{}"),
    )
    (choice,) = fold(events).choices
    assert choice.parts == (
        TextPart("I will look."),
        ToolCallPart("call_1", "f", '{"a":1}'),
        ToolCallPart("call_2", "f", "{}"),
    )
    assert choice.finish == Finished("tool_calls")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("max_output_tokens", Finished("length")),
        ("content_filter", Finished("content_filter")),
        ("steered", Finished("length", "steered", known=False)),
        (None, Finished("length", known=False)),
    ],
)
def test_pitfall_22_an_incomplete_answer_is_not_a_stop(
    streamed: Callable[..., list[Event]], reason: str | None, finish: Finished
) -> None:
    *_, last = streamed(
        piece("output_text", "Bon"), end=end("incomplete", incomplete_details=reason and {"reason": reason})
    )
    assert last == finish


def test_pitfall_05_a_function_without_arguments_has_an_empty_object(streamed: Callable[..., list[Event]]) -> None:
    events = streamed(added(0, **CALL), done(0, **CALL, arguments=""))
    assert [event for event in events if isinstance(event, ToolCallDelta)] == [ToolCallDelta(0, "{}")]
    # An answer that is cut off by its limit may leave the item without an end.
    assert ToolCallDelta(0, "{}") in streamed(added(0, **CALL), end=end("incomplete"))


def test_a_custom_tool_gets_free_text_and_a_namespace_stays_with_its_call(streamed: Callable[..., list[Event]]) -> None:
    custom = {"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sh"}
    events = streamed(
        added(0, **CALL, namespace="tools"),
        done(0, **CALL, namespace="tools", arguments="{}"),
        added(1, **custom, input=""),
        piece("custom_tool_call_input", "ls", 1),
        done(1, **custom, input="ls"),
        added(2, **{**custom, "call_id": "call_3"}),
        done(2, **{**custom, "call_id": "call_3"}, input=""),
    )
    (choice,) = fold(events).choices
    assert choice.parts[1:] == (
        ToolCallPart("call_2", "sh", "ls", "custom"),
        ToolCallPart("call_3", "sh", "", "custom"),
    )
    assert choice.message_fields == {TOOL_CALL_FIELDS: {"0": {"namespace": "tools"}}}


def test_summaries_stand_below_each_other_and_what_is_sealed_follows(streamed: Callable[..., list[Event]]) -> None:
    summary = [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}]
    events = streamed(
        added(0, type="reasoning", id="rs_1", summary=[], encrypted_content="part"),
        piece("reasoning_summary_text", "Fi", summary_index=0),
        piece("reasoning_summary_text", "rst.", summary_index=0),
        piece("reasoning_summary_text", "", summary_index=1),
        piece("reasoning_summary_text", "Th", summary_index=1),
        done(0, type="reasoning", id="rs_1", summary=summary, encrypted_content="sealed"),
    )
    assert events[1:-1] == [
        ReasoningDelta(0, "Fi"),
        ReasoningDelta(0, "rst."),
        ReasoningDelta(0, "\n\nTh"),
        ReasoningDelta(0, "en."),
        ReasoningDelta(0, data="sealed", format="openai-responses-v1", id="rs_1"),
    ]


def test_thinking_that_is_shown_is_text_and_an_item_may_say_whose_it_is(streamed: Callable[..., list[Event]]) -> None:
    shown = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]}
    events = streamed(
        added(0, type="reasoning"),
        piece("reasoning_text", "h", content_index=0),
        done(0, **shown),
        done(1, type="reasoning", id="rs_2", summary=[]),
        done(2, type="reasoning", encrypted_content="x", format="xai-responses-v1"),
        provider="openrouter",
    )
    (choice,) = fold(events).choices
    assert choice.parts == (ReasoningPart("hm"), ReasoningPart(data="x", format="xai-responses-v1"))


def test_what_is_sealed_in_the_response_object_alone_is_kept_too(streamed: Callable[..., list[Event]]) -> None:
    shown: Json = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]}
    events = streamed(
        done(0, **shown),
        done(1, **CALL, arguments="{}"),
        end=end("completed", output=[{**shown, "encrypted_content": "sealed"}, {**CALL, "arguments": "{}"}]),
    )
    assert events[1:-1] == [
        ReasoningDelta(0, "hm"),
        ToolCallStarted(1, "call_1", "f"),
        ToolCallDelta(1, "{}"),
        ReasoningDelta(2, data="sealed", format="openai-responses-v1", id="rs_1"),
    ]


def test_citations_count_in_the_text_of_the_whole_answer(streamed: Callable[..., list[Event]]) -> None:
    page = {"type": "url_citation", "url": "u", "title": "t", "start_index": 1, "end_index": 2}
    file = {"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3}
    events = streamed(
        done(0, type="message", content=[{"type": "output_text", "text": "ab"}]),
        piece("output_text", "cde", 1),
        {"type": "response.output_text.annotation.added", "output_index": 1, "content_index": 0, "annotation": page},
        done(1, type="message", content=[{"type": "output_text", "text": "cde", "annotations": [page, file]}]),
    )
    assert [event for event in events if isinstance(event, Citation)] == [
        Citation("u", "t", start=3, end=4),
        Citation(extra={"type": "file_citation", "file_id": "file_1", "filename": "a.pdf", "index": 3}),
    ]


def test_log_probabilities_are_said_once_in_the_form_of_chat_completions(
    streamed: Callable[..., list[Event]],
) -> None:
    token = {"token": "a", "logprob": -0.1, "top_logprobs": []}
    events = streamed(
        piece("output_text", "a", logprobs=[token]),
        done(0, type="message", content=[{"type": "output_text", "text": "a", "logprobs": [token]}]),
        done(1, type="message", content=[{"type": "output_text", "text": "b", "logprobs": [token]}]),
    )
    (choice,) = fold(events).choices
    assert choice.fields == {"logprobs": {"content": [token, token]}}


def test_items_of_other_kinds_are_kept_as_they_are_at_their_end(streamed: Callable[..., list[Event]]) -> None:
    search: Json = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "q"}}
    image: Json = {"type": "image_generation_call", "id": "ig_1", "status": "generating"}
    events = streamed(
        added(0, type="web_search_call", id="ws_1", status="in_progress"),
        {"type": "response.web_search_call.searching", "output_index": 0},
        done(0, **search),
        added(1, **image),
        {"type": "response.image_generation_call.partial_image", "output_index": 1, "partial_image_b64": "aGk="},
        {"type": "response.of.tomorrow", "output_index": 9},
        done(2),
    )
    assert [event for event in events if isinstance(event, ProviderFields)] == [
        ProviderFields({"output_items": [search]}, "message"),
        ProviderFields({"output_items": [image]}, "message"),
    ]


def test_the_phase_of_the_last_message_and_what_is_news_stand_at_the_end(streamed: Callable[..., list[Event]]) -> None:
    events = streamed(
        done(0, type="message", phase="commentary", content=[]),
        done(1, type="message", phase="final_answer", content=[{"type": "output_text", "text": "a"}]),
        done(2, type="message", content=[]),
        end=end(
            "completed", service_tier="flex", tools=[{}], temperature=1.0, moderation=None, usage={"input_tokens": 3}
        ),
    )
    assert events[2:4] == [
        ProviderFields({"phase": "final_answer"}, "message"),
        ProviderFields({"service_tier": "flex"}),
    ]
    answer = fold(events)
    assert answer.usage is not None
    assert answer.usage.prompt == 3


@pytest.mark.parametrize(
    ("event", "kind", "status"),
    [
        (end("failed", error={"code": "server_error", "message": "because"}), UpstreamDown, 500),
        (end("failed", error={"code": "rate_limit_exceeded", "message": "because"}), UpstreamThrottled, 429),
        (end("failed", error={"code": "invalid_prompt", "message": "because"}), UpstreamRejected, 400),
        (end("failed"), UpstreamDown, 502),
        (end("cancelled"), UpstreamDown, 502),
        ({"type": "error", "code": "server_error", "message": "because", "param": None}, UpstreamDown, 500),
        ({"type": "error", "error": {"type": "too_many_requests", "message": "because"}}, UpstreamThrottled, 429),
        ({"error": {"message": "because", "code": 503}}, UpstreamDown, 503),
        ({"error": "because"}, UpstreamDown, 502),
    ],
)
def test_pitfall_19_a_failure_is_no_end(
    streamed: Callable[..., list[Event]], event: Json, kind: type[Exception], status: int
) -> None:
    *begun, last = streamed(piece("output_text", "Bon"), event)
    assert begun == [Started("resp_1", "m", 5), TextDelta(0, "Bon")]
    assert isinstance(last, Failed)
    assert (type(last.error), last.error.status, last.error.provider) == (kind, status, "openai")
    assert "because" in last.error.message or "ended its answer" in last.error.message


def test_a_stream_without_its_end_is_cut_off(sse: Callable[..., bytes], read_all: Callable[..., Any]) -> None:
    body = sse({"type": "response.created", "response": {}}, piece("output_text", "Bon")) + b"data: [DONE]\n\n"
    cut = read_all([body])
    assert cut.events == [Started(), TextDelta(0, "Bon")]
    assert isinstance(cut.raised, UpstreamTruncated)
    assert cut.raised.provider == "openai"


def test_what_is_no_stream_of_this_wire_is_an_error(sse: Callable[..., bytes], read_all: Callable[..., Any]) -> None:
    for body in (sse({"id": "c1", "choices": []}), b"<html>", b"data: [DONE]\n\n"):
        assert isinstance(read_all([body]).raised, UpstreamProtocolError)


def test_a_piece_of_a_call_that_nobody_began_is_an_error(streamed: Callable[..., list[Event]]) -> None:
    with pytest.raises(UpstreamProtocolError):
        streamed(added(0, type="message"), piece("function_call_arguments", "{}"))
    with pytest.raises(UpstreamProtocolError):
        streamed(added(0, **CALL), piece("output_text", "a"))


def test_an_item_in_the_place_of_an_open_one_ends_it(streamed: Callable[..., list[Event]]) -> None:
    events = streamed(added(0, **CALL), added(0, **{**CALL, "call_id": "call_2"}), done(0, arguments='{"a":1}'))
    (choice,) = fold(events).choices
    assert choice.parts == (ToolCallPart("call_1", "f", "{}"), ToolCallPart("call_2", "f", '{"a":1}'))


def test_an_answer_of_too_many_parts_is_an_error(
    streamed: Callable[..., list[Event]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("providers.openai.responses.position.MAX_PARTS", 2)
    with pytest.raises(UpstreamProtocolError):
        streamed(*(piece("output_text", "a", index) for index in range(3)))
