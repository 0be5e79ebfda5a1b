"""The answer to an OpenAI client: whole, in chunks, and both the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.base import Stamp
from providers.completion import Choice, Completion, ReasoningPart, RefusalPart, TextPart, ToolCallPart, fold, unfold
from providers.dialects.openai import DIALECT
from providers.errors import InvalidRequest, UpstreamThrottled
from providers.events import (
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.jsonwalk import JsonObject

STAMP = Stamp("chatcmpl-1", 1700000000, "claude-2")


def frames(events: Iterable[Event], *, include_usage: bool = False, close: bool = True) -> list[Any]:
    encoder = DIALECT.encoder(STAMP, include_usage=include_usage)
    raw = b"".join(encoder.feed(event) for event in events) + (encoder.close() if close else b"")
    assert raw.endswith(b"\n\n")
    lines = raw.removesuffix(b"\n\n").split(b"\n\n")
    assert all(line.startswith(b"data: ") for line in lines)
    if close:
        assert lines.pop() == b"data: [DONE]"
    return [json.loads(line.removeprefix(b"data: ")) for line in lines]


def deltas(events: Iterable[Event]) -> list[Any]:
    return [choice["delta"] for frame in frames(events) for choice in frame["choices"]]


def whole(done: Completion) -> Any:
    return json.loads(DIALECT.completion(done, STAMP))


def test_text_in_chunks() -> None:
    got = frames([Started(), TextDelta(0, "Hel"), TextDelta(0, "lo"), Finished("stop")])
    assert got[0] == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "claude-2",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}, "finish_reason": None}],
    }
    assert [frame["choices"][0]["delta"] for frame in got[1:]] == [{"content": "lo"}, {}]
    assert got[-1]["choices"][0]["finish_reason"] == "stop"


def test_the_providers_own_identity_is_kept() -> None:
    got = frames([Started("id-7", "claude-2.1", 5), TextDelta(0, "x")])[0]
    assert (got["id"], got["model"], got["created"]) == ("id-7", "claude-2.1", 5)


def test_pitfall_01_tool_calls_are_counted_from_0_whatever_stands_before_them() -> None:
    got = deltas(
        [
            ReasoningDelta(0, "hm"),
            TextDelta(1, "Let me see."),
            ToolCallStarted(2, "a", "f"),
            ToolCallDelta(2, '{"x":'),
            ToolCallStarted(3, "b", "g"),
            ToolCallDelta(3, "{}"),
            ToolCallDelta(2, "1}"),
        ]
    )
    calls = [call for delta in got for call in delta.get("tool_calls", [])]
    assert [call["index"] for call in calls] == [0, 0, 1, 1, 0]
    assert calls[0] == {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    assert calls[1] == {"index": 0, "function": {"arguments": '{"x":'}}


def test_custom_tool_calls_keep_their_shape() -> None:
    calls = [d["tool_calls"][0] for d in deltas([ToolCallStarted(0, "a", "sql", "custom"), ToolCallDelta(0, "SELECT")])]
    assert calls[0] == {"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": ""}}
    assert calls[1] == {"index": 0, "custom": {"input": "SELECT"}}
    done = Completion(Started(), (Choice(0, (ToolCallPart("a", "sql", "SELECT", "custom"),), Finished("tool_calls")),))
    message = whole(done)["choices"][0]["message"]
    assert message["tool_calls"] == [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}}]


def test_pitfall_25_the_first_chunk_of_each_choice_says_the_role() -> None:
    got = deltas([TextDelta(0, "a"), TextDelta(0, "b", choice=1), TextDelta(0, "c")])
    assert [delta.get("role") for delta in got] == ["assistant", "assistant", None]


def test_pitfall_16_usage_is_one_chunk_with_no_choices_after_the_finish_and_only_if_asked_for() -> None:
    events: list[Event] = [
        TextDelta(0, "a"),
        UsageReported(Usage(input=3)),
        UsageReported(Usage(output=2)),
        Finished("stop"),
    ]
    assert all("usage" not in frame for frame in frames(events))
    got = frames(events, include_usage=True)
    assert [frame["usage"] for frame in got[:-1]] == [None, None]
    assert got[-1]["choices"] == []
    assert got[-1]["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert frames([TextDelta(0, "a")], include_usage=True)[-1]["choices"] != []


def test_pitfall_07_thinking_comes_as_text_with_its_signed_block_beside_it() -> None:
    events: list[Event] = [
        ReasoningDelta(0, "I ", format="anthropic-claude-v1"),
        ReasoningDelta(0, "think", id="r1"),
        ReasoningDelta(0, signature="sig"),
        ReasoningDelta(1, data="opaque"),
        ReasoningDelta(2, signature="only"),
        ReasoningDelta(3, "unsigned"),
        TextDelta(4, "so"),
    ]
    signed = {
        "type": "reasoning.text",
        "text": "I think",
        "signature": "sig",
        "id": "r1",
        "format": "anthropic-claude-v1",
    }
    details = [
        {**signed, "index": 0},
        {"type": "reasoning.encrypted", "data": "opaque", "index": 1},
        {"type": "reasoning.text", "text": "", "signature": "only", "index": 2},
    ]
    got = deltas(events)
    assert [detail for delta in got for detail in delta.get("reasoning_details", [])] == details
    assert "".join(delta.get("reasoning_content", "") for delta in got) == "I thinkunsigned"
    message = whole(fold(events))["choices"][0]["message"]
    assert message["reasoning_details"] == details
    assert message["reasoning_content"] == "I thinkunsigned"


def test_a_thought_still_open_at_the_end_is_not_lost() -> None:
    got = deltas([ReasoningDelta(0, "x", "sig")])
    assert got[-1]["reasoning_details"][0]["signature"] == "sig"


def test_citations_become_annotations() -> None:
    events: list[Event] = [
        TextDelta(0, "a"),
        Citation("https://x", "X", "quote", 0, 1, {"content": "c"}),
        Citation(None, "doc.pdf", "quote", extra={"document_index": 0}),
    ]
    url, document = (delta["annotations"][0] for delta in deltas(events)[1:])
    assert url == {
        "index": 0,
        "type": "url_citation",
        "url_citation": {
            "url": "https://x", "title": "X", "cited_text": "quote", "start_index": 0, "end_index": 1, "content": "c",
        },
    }  # fmt: skip
    assert document["type"] == "document_citation"
    assert document["document_citation"] == {"title": "doc.pdf", "cited_text": "quote", "document_index": 0}
    assert (url.pop("index"), document.pop("index")) == (0, 1)
    assert whole(fold(events))["choices"][0]["message"]["annotations"] == [url, document]


def test_fields_without_a_word_stay_where_they_were() -> None:
    events: list[Event] = [
        ProviderFields({"search_results": [1]}),
        TextDelta(0, "a"),
        ProviderFields({"logprobs": {"content": [{"token": "a"}]}}, "choice"),
        ProviderFields({"audio": {"id": "au", "transcript": "a"}}, "message"),
        ProviderFields({"system_fingerprint": "fp"}),
        Finished("stop"),
    ]
    got = frames(events)
    assert got[0]["search_results"] == [1]
    assert got[1]["choices"][0]["logprobs"] == {"content": [{"token": "a"}]}
    assert got[2]["choices"][0]["delta"] == {"audio": {"id": "au", "transcript": "a"}}
    assert got[3]["system_fingerprint"] == "fp"
    body = whole(fold(events))
    assert (body["search_results"], body["system_fingerprint"]) == ([1], "fp")
    assert body["choices"][0]["logprobs"] == {"content": [{"token": "a"}]}
    assert body["choices"][0]["message"]["audio"] == {"id": "au", "transcript": "a"}


def test_fields_that_come_last_have_a_chunk_of_their_own() -> None:
    got = frames([TextDelta(0, "a"), ProviderFields({"citations": ["u"]})])
    assert (got[-1]["choices"], got[-1]["citations"]) == ([], ["u"])


def test_refusals_and_several_choices() -> None:
    events: list[Event] = [
        RefusalDelta(0, "I ca"),
        RefusalDelta(0, "n't", choice=0),
        TextDelta(0, "ok", choice=1),
        Finished("stop"),
        Finished("length", choice=1),
    ]
    assert [d.get("refusal") for d in deltas(events)[:2]] == ["I ca", "n't"]
    first, second = whole(fold(events))["choices"]
    assert (first["message"]["refusal"], first["message"]["content"]) == ("I can't", None)
    assert (second["message"]["content"], second["finish_reason"]) == ("ok", "length")


def test_a_native_finish_reason_is_said_beside_openais() -> None:
    got = frames([Finished("length", "model_context_window_exceeded")])[0]["choices"][0]
    assert (got["finish_reason"], got["native_finish_reason"]) == ("length", "model_context_window_exceeded")


def test_an_empty_whole_answer_still_has_a_message() -> None:
    body = whole(Completion(Started(), (Choice(0),)))
    assert body["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": None, "refusal": None},
        "logprobs": None,
        "finish_reason": None,
    }


def test_pitfall_17_usage_totals_contain_their_details() -> None:
    usage = Usage(10, 20, 5, 2, 7, 1, 3, {"cost": 0.1, "prompt_tokens_details": {"image_tokens": 4}})
    body = whole(Completion(Started(), (Choice(0, (TextPart("a"),)),), usage))["usage"]
    assert body == {
        "prompt_tokens": 18,
        "completion_tokens": 30,
        "total_tokens": 48,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2, "audio_tokens": 1, "image_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 7, "audio_tokens": 3},
        "cost": 0.1,
    }


def test_pitfall_19_a_failure_in_the_stream_is_an_error_frame_and_no_end() -> None:
    got = frames([TextDelta(0, "a"), Failed(UpstreamThrottled("slow down", provider="openai"))], close=False)
    assert got[-1] == {
        "error": {"message": "slow down", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"}
    }


def test_errors_are_openais_object() -> None:
    body = json.loads(DIALECT.error(InvalidRequest("bad", param="model", code="invalid_type")))
    assert body == {
        "error": {"message": "bad", "type": "invalid_request_error", "param": "model", "code": "invalid_type"}
    }


@pytest.mark.parametrize("letters", ["naïve 中文 🙂", "line\u2028sep", "lone \ud83d"])
def test_pitfall_18_any_text_survives(letters: str) -> None:
    assert deltas([TextDelta(0, letters)])[0]["content"] == letters


def test_pitfall_32_a_replayed_whole_answer_streams_with_its_whole_structure() -> None:
    done = Completion(
        Started("i", "m", 1),
        (
            Choice(
                0,
                (
                    ReasoningPart("why " * 20, "sig", format="anthropic-claude-v1"),
                    TextPart("word " * 30),
                    ToolCallPart("t", "f", '{"a": 1}'),
                    RefusalPart("no"),
                ),
                Finished("tool_calls"),
            ),
        ),
        Usage(1, 2),
    )
    got = frames(unfold(done), include_usage=True)
    text = [c["delta"]["content"] for f in got for c in f["choices"] if "content" in c["delta"]]
    assert len(text) > 3
    assert "".join(text) == "word " * 30
    assert got[-1]["usage"]["total_tokens"] == 3
    assert any("reasoning_details" in c["delta"] for f in got for c in f["choices"])
    assert any("tool_calls" in c["delta"] for f in got for c in f["choices"])


def test_annotations_of_other_kinds_stand_beside_the_citations() -> None:
    other: JsonObject = {"type": "file_citation", "file_citation": {"file_id": "f"}}
    events: list[Event] = [
        TextDelta(0, "a"),
        Citation("https://x"),
        ProviderFields({"annotations": [other]}, "message"),
    ]
    assert whole(fold(events))["choices"][0]["message"]["annotations"] == [
        other,
        {"type": "url_citation", "url_citation": {"url": "https://x"}},
    ]
