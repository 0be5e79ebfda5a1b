"""Whole answers of Cohere, put into neutral words."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.cohere import PROVIDER
from providers.completion import Choice, Completion, ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamDown, UpstreamProtocolError
from providers.events import Citation, Finished, Started
from providers.usage import Usage

Json = dict[str, Any]


def read(message: Json | None = None, **around: Any) -> Completion:
    body = {"id": "x", "message": message or {"role": "assistant"}, "finish_reason": "COMPLETE", **around}
    return PROVIDER.response(json.dumps(body).encode())


def choice_of(message: Json | None = None, **around: Any) -> Choice:
    (choice,) = read(message, **around).choices
    return choice


def call(number: int, arguments: str = "{}") -> Json:
    return {"id": f"c{number}", "type": "function", "function": {"name": f"f{number}", "arguments": arguments}}


def test_an_answer_of_every_kind_of_part() -> None:
    message = {
        "role": "assistant",
        "tool_plan": "first",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
        "tool_calls": [call(1, '{"a":1}'), call(2)],
    }
    done = read(message, finish_reason="TOOL_CALL")
    assert done.started == Started("x")
    assert done.usage is None
    (choice,) = done.choices
    assert choice.parts == (
        ReasoningPart("first", format="cohere-tool-plan-v2"),
        ReasoningPart("hm", format="cohere-thinking-v2"),
        TextPart("so"),
        ToolCallPart("c1", "f1", '{"a":1}'),
        ToolCallPart("c2", "f2", "{}"),
    )
    assert choice.finish == Finished("tool_calls")


def test_pitfall_2_every_parallel_call_of_a_whole_answer_is_kept_in_order() -> None:
    parts = choice_of({"tool_calls": [call(number) for number in range(5)]}).parts
    assert [part.id for part in parts if isinstance(part, ToolCallPart)] == ["c0", "c1", "c2", "c3", "c4"]


def test_pitfall_5_a_call_without_arguments_gets_an_empty_object() -> None:
    assert choice_of({"tool_calls": [call(1, "")]}).parts == (ToolCallPart("c1", "f1", "{}"),)


def test_content_may_be_a_string_and_empty_content_is_none() -> None:
    assert choice_of({"content": "plain"}).parts == (TextPart("plain"),)
    assert choice_of({"content": [{"type": "text", "text": ""}, {"type": "thinking", "thinking": ""}]}).parts == ()


def test_pitfall_9_unknown_blocks_and_members_are_kept() -> None:
    image = {"type": "image", "url": "https://x"}
    done = read({"content": [image, {"type": "text", "text": "a"}], "mood": "good"}, served_by="s", empty=None)
    (choice,) = done.choices
    assert choice.parts == (TextPart("a"),)
    assert choice.message_fields == {"mood": "good", "cohere_content": [image]}
    assert done.fields == {"served_by": "s"}


@pytest.mark.parametrize(
    ("native", "finish"),
    [
        ("COMPLETE", Finished("stop")),
        ("STOP_SEQUENCE", Finished("stop", "STOP_SEQUENCE")),
        ("MAX_TOKENS", Finished("length")),
        ("TOOL_CALL", Finished("tool_calls")),
        ("ERROR_TOXIC", Finished("content_filter", "ERROR_TOXIC")),
        ("ERROR_LIMIT", Finished("length", "ERROR_LIMIT")),
        ("USER_CANCEL", Finished("length", "USER_CANCEL")),
        ("NEW_REASON", Finished("stop", "NEW_REASON", known=False)),
        (None, Finished("stop", known=False)),
        (7, Finished("stop", known=False)),
    ],
)
def test_pitfall_8_every_finish_reason_has_its_place_and_a_new_one_is_a_stop(native: Any, finish: Finished) -> None:
    assert choice_of(finish_reason=native).finish == finish


@pytest.mark.parametrize(
    ("native", "status"), [("ERROR", 502), ("TIMEOUT", 504), ("ERROR_OF_TOMORROW", 502), ("TIMEOUT_TOO", 502)]
)
def test_an_answer_that_broke_off_is_an_error(native: str, status: int) -> None:
    with pytest.raises(UpstreamDown) as raised:
        read({"content": "half"}, finish_reason=native)
    assert (raised.value.status, raised.value.provider, raised.value.retryable) == (status, "cohere", True)
    assert "half" not in raised.value.message


def test_pitfall_17_cached_tokens_are_part_of_the_input_and_what_is_billed_is_kept() -> None:
    billed: Json = {"input_tokens": 10, "output_tokens": 104}
    usage = read(
        usage={"billed_units": billed, "tokens": {"input_tokens": 505, "output_tokens": 107}, "cached_tokens": 448}
    ).usage
    assert usage == Usage(input=57, output=107, cache_read=448, extra={"billed_units": billed})
    assert (usage.prompt, usage.completion) == (505, 107)


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        ({}, None),
        (
            {"billed_units": {"input_tokens": 3, "search_units": 1}},
            Usage(3, extra={"billed_units": {"input_tokens": 3, "search_units": 1}}),
        ),
        ({"tokens": {"input_tokens": 3.0, "output_tokens": 0}, "cached_tokens": 0}, Usage(3, 0, 0)),
        ({"tokens": {"input_tokens": 3}, "cached_tokens": 9}, Usage(0, None, 3)),
        ({"cached_tokens": 9}, Usage(cache_read=9)),
        ({"tokens": {"output_tokens": 2, "image_tokens": 1}}, Usage(None, 2, extra={"tokens": {"image_tokens": 1}})),
        ({"tokens": {"image_tokens": 1}}, Usage(extra={"tokens": {"image_tokens": 1}})),
    ],
)
def test_usage_is_what_was_reported_and_nothing_else(told: Json, usage: Usage | None) -> None:
    assert read(usage=told).usage == usage


def cited(*citations: Json, content: Any = "Say: it is so.") -> tuple[Citation, ...]:
    return choice_of({"content": content, "citations": [*citations]}).citations


def test_a_citation_has_an_entry_for_each_of_its_sources() -> None:
    document: Json = {"type": "document", "id": "d", "document": {"title": "T", "url": "https://x", "snippet": "s"}}
    tool: Json = {"type": "tool", "id": "c1:0", "tool_output": {"content": "1"}}
    told = {"start": 5, "end": 7, "text": "it", "sources": [document, tool], "type": "TEXT_CONTENT"}
    around = {"text": "it", "type": "TEXT_CONTENT"}
    assert cited(told) == (
        Citation("https://x", "T", None, 5, 7, {**around, "source": document}),
        Citation(None, None, None, 5, 7, {**around, "source": tool}),
    )


def test_a_citation_without_sources_is_one() -> None:
    assert cited({"start": 0, "end": 3, "text": "Say", "sources": []}) == (
        Citation(start=0, end=3, extra={"text": "Say"}),
    )
    assert cited({}) == (Citation(),)


def test_offsets_within_a_block_become_offsets_into_the_text() -> None:
    content = [
        {"type": "thinking", "thinking": "hm"},
        {"type": "text", "text": "ab"},
        {"type": "text", "text": "cde"},
    ]
    told = [{"start": 1, "end": 2, "content_index": index} for index in (0, 1, 2, 9)]
    assert [(found.start, found.end) for found in cited(*told, content=content)] == [(1, 2), (1, 2), (3, 4), (1, 2)]


@pytest.mark.parametrize("kind", ["PLAN", "THINKING_CONTENT"])
def test_a_citation_outside_of_the_text_has_no_place_in_it(kind: str) -> None:
    told: Json = {"start": 1, "end": 2, "text": "x", "type": kind}
    assert cited(told) == (Citation(extra=told),)


def test_log_probabilities_get_openais_form_and_lose_nothing() -> None:
    items = [
        {"text": "né", "token_ids": [1], "logprobs": [-0.5]},
        {"text": "ab", "token_ids": [2, 3], "logprobs": [-0.25, -0.5]},
        {"token_ids": [4], "logprobs": ["odd", True, None, 1e308]},
        {"text": "c", "token_ids": []},
    ]
    content = choice_of(logprobs=items).fields["logprobs"]["content"]  # type: ignore[call-overload,index]
    assert content == [
        {
            "token": "né",
            "logprob": -0.5,
            "bytes": [110, 195, 169],
            "top_logprobs": [],
            "token_ids": [1],
            "logprobs": [-0.5],
        },
        {
            "token": "ab",
            "logprob": -0.75,
            "bytes": [97, 98],
            "top_logprobs": [],
            "token_ids": [2, 3],
            "logprobs": [-0.25, -0.5],
        },
        {
            "token": "",
            "logprob": 0.0,
            "bytes": [],
            "top_logprobs": [],
            "token_ids": [4],
            "logprobs": ["odd", True, None, 1e308],
        },
        {"token": "c", "logprob": 0.0, "bytes": [99], "top_logprobs": [], "token_ids": []},
    ]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "Cohere sent an answer that is not valid JSON"),
        (b"[]", "Cohere sent an answer that is the JSON is not an object."),
        (b"{}", "Cohere sent an answer that is no message."),
        (b'{"message": []}', "Cohere sent an answer that is no message."),
    ],
)
def test_a_body_that_is_no_answer_is_a_fault_of_the_protocol(body: bytes, told: str) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        PROVIDER.response(body)
    assert raised.value.message.startswith(told)


@pytest.mark.parametrize(
    ("message", "told"), [("no such luck", "no such luck"), ("", "Cohere answered with an error.")]
)
def test_an_error_in_spite_of_its_status_is_an_error(message: str, told: str) -> None:
    with pytest.raises(UpstreamDown) as raised:
        PROVIDER.response(json.dumps({"id": "x", "message": message}).encode())
    assert (raised.value.status, raised.value.message) == (502, told)


def test_the_name_and_the_address() -> None:
    assert (PROVIDER.name, PROVIDER.wire, PROVIDER.base_url) == ("cohere", "cohere-v2", "https://api.cohere.com")


def test_a_whole_answer_and_its_stream_agree_on_every_kind_of_part(
    streamed: Callable[..., Any], meaning: Callable[[Completion], Any]
) -> None:
    events = streamed(
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "pl"}}},
        {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "an"}}},
        {"type": "content-start", "index": 0, "delta": {"message": {"content": {"type": "thinking", "thinking": "h"}}}},
        {"type": "content-delta", "index": 0, "delta": {"message": {"content": {"thinking": "m"}}}},
        {"type": "content-end", "index": 0},
        {"type": "content-start", "index": 1, "delta": {"message": {"content": {"type": "text", "text": ""}}}},
        {"type": "content-delta", "index": 1, "delta": {"message": {"content": {"text": "so"}}}},
        {
            "type": "citation-start",
            "index": 0,
            "delta": {"message": {"citations": {"start": 0, "end": 2, "content_index": 1}}},
        },
        {"type": "citation-end", "index": 0},
        {"type": "content-end", "index": 1},
        {"type": "tool-call-start", "index": 0, "delta": {"message": {"tool_calls": call(1, "")}}},
        {
            "type": "tool-call-delta",
            "index": 0,
            "delta": {"message": {"tool_calls": {"function": {"arguments": '{"a":1}'}}}},
        },
        {"type": "tool-call-end", "index": 0},
        end={"finish_reason": "TOOL_CALL", "usage": {"tokens": {"input_tokens": 1}}},
    )
    message = {
        "tool_plan": "plan",
        "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "so"}],
        "tool_calls": [call(1, '{"a":1}')],
        "citations": [{"start": 0, "end": 2, "content_index": 1}],
    }
    whole = read(message, id="m", finish_reason="TOOL_CALL", usage={"tokens": {"input_tokens": 1}})
    assert meaning(fold(events)) == meaning(whole)
