"""Whole answers, and what their members become; the same rules hold for chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.completion import Choice, Completion, RefusalPart, TextPart, fold, unfold
from providers.errors import SabirError, UpstreamDown, UpstreamError, UpstreamProtocolError, UpstreamRejected
from providers.events import Citation, Failed, Finished, ProviderFields, Started, UsageReported
from providers.openai import PROVIDER
from providers.openai.host import Host
from providers.usage import Usage
from tests.providers.openai.chunks import DONE, answered, chunk, events_of, sse, streamed, whole


def test_an_ordinary_answer() -> None:
    done = whole({"role": "assistant", "content": "hi"}, usage={"prompt_tokens": 1, "completion_tokens": 2})
    assert done.started == Started("c1", "m", 7)
    assert done.choices[0].parts == (TextPart("hi"),)
    assert done.choices[0].finish == Finished("stop")
    assert done.usage == Usage(input=1, output=2)


@pytest.mark.parametrize(
    "message",
    [{}, {"content": None}, {"content": ""}, {"content": []}, {"content": 7}, {"content": [7, None]}, {"content": {}}],
)
def test_an_answer_without_text_has_no_part(message: dict[str, Any]) -> None:
    assert whole(message).choices[0].parts == ()


def test_content_may_be_a_list_of_parts() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://x"}}
    content = [{"type": "text", "text": "a"}, "b", {"text": "c"}, {"type": "refusal", "refusal": "no"}, image]
    done = whole({"content": content})
    assert done.choices[0].parts == (TextPart("abc"), RefusalPart("no"))
    assert done.choices[0].message_fields == {"content_parts": [image]}


def test_a_refusal_is_kept_apart_from_text() -> None:
    assert whole({"content": None, "refusal": "no"}).choices[0].parts == (RefusalPart("no"),)
    done = streamed(chunk({"refusal": "n"}), chunk({"refusal": "o", "content": None}))
    assert done.choices[0].parts == (RefusalPart("no"),)


def test_a_url_citation_is_a_citation_and_nothing_of_it_is_lost() -> None:
    nested = {
        "type": "url_citation",
        "note": 1,
        "url_citation": {"url": "u", "title": "t", "start_index": 1, "end_index": 2, "content": "quoted"},
    }
    flat = {"type": "url_citation", "url": "u", "start_index": "one"}
    other = {"type": "file", "file": {"hash": "h"}}
    done = whole({"content": "x", "annotations": [nested, flat, other]})
    assert done.choices[0].citations == (
        Citation("u", "t", None, 1, 2, {"note": 1, "content": "quoted"}),
        Citation("u", extra={"start_index": "one"}),
    )
    assert done.choices[0].message_fields == {"annotations": [other]}


def test_members_without_a_word_are_kept_where_they_stood() -> None:
    body = {
        "id": "c1",
        "choices": [{"index": 0, "message": {"content": "x", "new": 1, "padding": "…"}, "logprobs": {"content": []}}],
        "system_fingerprint": "fp",
        "citations": [],
        "nothing": None,
        "obfuscation": "xxxx",
        "p": "xxxx",
    }
    done = answered(body)
    assert done.fields == {"system_fingerprint": "fp", "citations": []}
    assert done.choices[0].fields == {"logprobs": {"content": []}}
    assert done.choices[0].message_fields == {"new": 1}
    assert done.choices[0].finish is None


def test_null_and_absent_everything_is_an_empty_answer() -> None:
    for choice in ({}, {"index": None, "message": None, "delta": None, "finish_reason": None, "logprobs": None}):
        done = answered({"id": None, "choices": [choice], "usage": None, "error": None})
        assert done.started == Started()
        assert [each.index for each in done.choices] == [0]
        assert done.choices[0].parts == ()
    assert answered({"choices": []}) == Completion(Started(), ())
    assert streamed({"choices": [{}]}, {"choices": None}, {}) == Completion(Started(), (Choice(0),))
    assert streamed({"choices": None}, {}) == Completion(Started(), ())


def test_choices_that_are_all_numbered_zero_are_counted() -> None:
    choice = {"index": 0, "message": {"content": "x"}}
    assert [each.index for each in answered({"choices": [choice, choice]}).choices] == [0, 1]


@pytest.mark.parametrize(
    ("word", "native", "finish"),
    [
        ("stop", None, Finished("stop")),
        ("length", "length", Finished("length", "length")),
        ("stop", "end_turn", Finished("stop", "end_turn")),
        ("eos", None, Finished("stop", "eos")),
        ("MAX_TOKENS", None, Finished("length", "MAX_TOKENS")),
        ("model_length", None, Finished("length", "model_length")),
        ("sensitive", None, Finished("content_filter", "sensitive")),
        ("tool_use", None, Finished("tool_calls", "tool_use")),
        ("invented_tomorrow", None, Finished("stop", "invented_tomorrow", known=False)),
    ],
)
def test_a_finish_reason_is_one_of_five_and_keeps_its_own_word_pitfall_08(
    word: str, native: str | None, finish: Finished
) -> None:
    assert streamed(chunk({"content": "x"}, word, native_finish_reason=native)).choices[0].finish == finish


def test_a_finish_reason_said_twice_is_said_once() -> None:
    events = events_of(sse(chunk(finish="stop"), chunk(finish="stop"), chunk(finish="length")) + DONE)
    assert [event for event in events if isinstance(event, Finished)] == [Finished("stop"), Finished("length")]


@pytest.mark.parametrize("word", ["error", "insufficient_system_resource", "network_error", "abort"])
def test_an_answer_that_the_host_broke_off_has_failed_pitfall_19(word: str) -> None:
    with pytest.raises(UpstreamDown, match="broke off"):
        whole({"content": "half"}, word)
    events = events_of(sse(chunk({"content": "half"}, word)) + DONE)
    assert isinstance(events[-1], Failed)
    assert events[-1].error.provider == "host"


# -- errors inside a 200 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"error": {"message": "no", "code": 429}}, 429, "rate_limit_exceeded"),
        ({"error": {"message": "no", "code": "content_filter", "status": 400, "type": None}}, 400, "content_filter"),
        ({"error": "overloaded", "error_type": "overloaded_error"}, 503, None),
        ({"object": "error", "message": "no", "type": "BadRequestError", "code": 400}, 400, None),
        ({"error": {"message": "no"}, "choices": []}, 502, None),
        ({"choices": [{"error": {"message": "no", "code": 402}, "message": {"content": "half"}}]}, 402, None),
    ],
)
def test_an_error_in_spite_of_its_status_is_raised(body: dict[str, Any], status: int, code: str | None) -> None:
    with pytest.raises(UpstreamError) as raised:
        answered(body)
    assert (raised.value.status, raised.value.code, raised.value.provider) == (status, code, "host")


def test_white_space_before_the_answer_is_no_fault() -> None:
    """DeepSeek and OpenRouter send empty lines while a model thinks."""
    assert PROVIDER.response(b"\n\n  \n" + json.dumps({"choices": []}).encode()).choices == ()


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b'{"choices":{}}', b'{"id":"x"}', b"\xff", b'{"choices":[NaN]}']
)
def test_anything_else_is_not_a_completion(body: bytes) -> None:
    with pytest.raises(UpstreamProtocolError) as raised:
        PROVIDER.response(body)
    assert raised.value.provider == "openai"
    assert raised.value.status == 502


# -- across chunks --------------------------------------------------------------------------------------------------


def test_what_every_chunk_repeats_is_said_once_and_changes_are_said() -> None:
    first, second, third = (
        {**chunk({"content": "x"}), "provider": "P", "citations": list("ab"[:count])} for count in (1, 1, 2)
    )
    events = events_of(sse(first, second, third) + DONE)
    fields = [event.fields for event in events if isinstance(event, ProviderFields)]
    assert fields == [{"provider": "P", "citations": ["a"]}, {"citations": ["a", "b"]}]


def test_an_object_said_in_two_halves_is_whole() -> None:
    events = sse({**chunk(), "x_groq": {"id": "r", "seed": 1}}, {**chunk(), "x_groq": {"id": "r", "usage": 2}}) + DONE
    assert fold(events_of(events)).fields == {"x_groq": {"id": "r", "seed": 1, "usage": 2}}


def test_an_object_that_grows_with_every_chunk_is_no_longer_said_in_full() -> None:
    frames = [{**chunk(), "x_new": {f"part{number}": number}} for number in range(300)]
    events = [event for event in events_of(sse(*frames) + DONE) if isinstance(event, ProviderFields)]
    said = [event.fields.get("x_new") for event in events]
    sizes = [len(value) for value in said if isinstance(value, dict)]
    assert max(sizes) == 101
    assert sizes[-1] == 1


def test_lists_of_a_choice_grow_and_its_repeated_values_do_not() -> None:
    token = {"content": [{"token": "x", "logprob": 0.0}]}
    body = sse(*(chunk({"content": "x"}, logprobs=token, filters={"hate": {"safe": True}}) for _ in range(2))) + DONE
    events = events_of(body)
    done = fold(events)
    assert done.choices[0].fields == {
        "logprobs": {"content": token["content"] * 2},
        "filters": {"hate": {"safe": True}},
    }
    assert sum("filters" in event.fields for event in events if isinstance(event, ProviderFields)) == 1


def test_audio_comes_in_pieces() -> None:
    done = streamed(
        chunk({"audio": {"id": "a", "transcript": "Hel"}}),
        chunk({"audio": {"data": "QUJD"}}),
        chunk({"audio": {"transcript": "lo", "data": "REVG"}}),
        chunk({"audio": {"expires_at": 9}}),
    )
    assert done.choices[0].message_fields == {
        "audio": {"id": "a", "transcript": "Hello", "data": "QUJDREVG", "expires_at": 9}
    }


def test_a_first_chunk_without_id_and_choices_waits_for_the_start() -> None:
    filters = {"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1]}
    events = events_of(sse(filters, chunk({"content": "x"})) + DONE)
    assert events[:2] == [Started("c1", "m", 7), ProviderFields({"prompt_filter_results": [1]})]
    assert events_of(sse(filters) + DONE) == [Started(), ProviderFields({"prompt_filter_results": [1]})]


def test_usage_that_is_reported_in_every_chunk_is_reported_when_it_changes_pitfall_17() -> None:
    reports = ({**chunk(), "usage": {"prompt_tokens": 3, "completion_tokens": count}} for count in (1, 1, 2))
    events = events_of(sse(*reports) + DONE)
    usages = [event.usage for event in events if isinstance(event, UsageReported)]
    assert usages == [Usage(input=3, output=1), Usage(input=3, output=2)]


def test_usage_may_stand_in_the_hosts_own_member() -> None:
    last = {**chunk(finish="stop"), "x_host": {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}}
    host = Host(name="host", base_url="https://x", usage_under="x_host")
    assert streamed(last, host=host).usage == Usage(input=3, output=1)
    assert streamed(last).usage is None


def test_usage_alone_starts_the_answer() -> None:
    events = events_of(sse({"usage": {"prompt_tokens": 3}, "choices": []}) + DONE)
    assert events == [Started(), UsageReported(Usage(input=3))]


def test_a_repeated_message_beside_the_delta_is_not_read() -> None:
    first = chunk({"content": "a"}, message={"content": "a"})
    second = chunk({"content": "b"}, message={"content": "ab"})
    assert streamed(first, second).choices[0].parts == (TextPart("ab"),)


# -- anything -------------------------------------------------------------------------------------------------------

names = st.sampled_from([
    "id", "model", "created", "choices", "index", "delta", "message", "content", "type", "text", "thinking", "refusal",
    "reasoning", "reasoning_details", "tool_calls", "function", "custom", "name", "arguments", "input", "function_call",
    "finish_reason", "native_finish_reason", "logprobs", "annotations", "url_citation", "usage", "prompt_tokens",
    "completion_tokens", "prompt_tokens_details", "error", "code", "status", "metadata", "raw", "detail", "loc", "msg",
    "object", "signature", "data", "format", "role", "new",
])  # fmt: skip
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-1, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [
            "",
            "x",
            "stop",
            "error",
            "text",
            "thinking",
            "refusal",
            "url_citation",
            "reasoning.text",
            "reasoning.encrypted",
            "custom",
        ]
    )
)
anything: st.SearchStrategy[Any] = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=25
)
answers = st.fixed_dictionaries({"choices": st.lists(st.dictionaries(names, anything, max_size=5), max_size=3)}) | (
    st.dictionaries(names, anything, max_size=6)
)


@given(answers)
def test_any_json_is_an_answer_or_one_of_our_errors(body: Any) -> None:
    try:
        done = answered(body)
    except SabirError as error:
        assert 400 <= error.status <= 599
        return
    assert fold(unfold(done)) == done


@given(st.binary(max_size=80))
def test_any_bytes_are_an_answer_or_one_of_our_errors(body: bytes) -> None:
    with pytest.raises(UpstreamError):
        PROVIDER.response(body)


@given(st.lists(answers, max_size=4))
def test_any_json_chunks_are_events_or_one_of_our_errors(chunks: list[Any]) -> None:
    events = events_of(sse(*chunks) + DONE)
    if events and isinstance(events[-1], Failed):
        with pytest.raises(UpstreamError):
            fold(events)
        return
    assert not any(isinstance(event, Failed) for event in events)
    done = fold(events)
    assert fold(unfold(done)) == done


def test_a_rejected_error_in_a_choice_keeps_the_text_before_it() -> None:
    events = events_of(sse(chunk({"content": "half"}, error={"message": "no", "code": 400})) + DONE)
    assert [type(event).__name__ for event in events] == ["Started", "TextDelta", "Failed"]
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, UpstreamRejected)
