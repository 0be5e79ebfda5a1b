"""Recorded answers: what they say is read here a second time, plainly, out of the response object at their end.

A stream is read by its pieces, and its last event has the whole answer once more: the one is held against the other.
"""

import json
from typing import Any

import pytest

from providers.completion import Completion, ReasoningPart, RefusalPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamAuth, UpstreamProtocolError, UpstreamRejected, UpstreamThrottled
from providers.events import TOOL_CALL_FIELDS, Failed
from tests.providers.reading import read_cut
from tests.providers.responses.recording import (
    ANSWERS,
    CASES,
    STREAMS,
    WHOLE,
    Json,
    answer_of,
    events_of,
    load,
    needs_recordings,
)

pytestmark = needs_recordings

KINDS = {"message", "reasoning", "function_call", "custom_tool_call"}


def of(answer: Json, kind: str) -> list[Json]:
    return [item for item in answer["output"] if item["type"] == kind]


def contents(answer: Json, kind: str) -> list[Json]:
    return [part for item in of(answer, "message") for part in item["content"] if part["type"] == kind]


def thoughts(item: Json) -> list[str]:
    return [part["text"] for member in ("summary", "content") for part in item.get(member) or []]


def check(done: Completion, answer: Json) -> None:
    (choice,) = done.choices
    assert (done.started.id, done.started.model, done.started.created) == (
        answer["id"],
        answer["model"],
        answer["created_at"],
    )
    texts = [part["text"] for part in contents(answer, "output_text") if part["text"]]
    assert [part.text for part in choice.parts if isinstance(part, TextPart)] == texts
    assert [part.text for part in choice.parts if isinstance(part, RefusalPart)] == [
        part["refusal"] for part in contents(answer, "refusal")
    ]
    check_thoughts(choice, answer)
    check_calls(choice, answer)
    check_citations(choice, answer)
    check_end(done, answer)


def check_thoughts(choice: Any, answer: Json) -> None:
    said = [item for item in of(answer, "reasoning") if thoughts(item) or item.get("encrypted_content")]
    parts = [part for part in choice.parts if isinstance(part, ReasoningPart)]
    assert [(part.text, part.data) for part in parts] == [
        ("\n\n".join(thoughts(item)), item.get("encrypted_content") or "") for item in said
    ]
    sealed = [(part, item) for part, item in zip(parts, said, strict=True) if part.data]
    assert all(part.id == item["id"] and part.format.endswith("responses-v1") for part, item in sealed)


def check_calls(choice: Any, answer: Json) -> None:
    calls = of(answer, "function_call")
    found = [part for part in choice.parts if isinstance(part, ToolCallPart)]
    assert [(part.id, part.name, json.loads(part.arguments)) for part in found] == [
        (call["call_id"], call["name"], json.loads(call["arguments"])) for call in calls
    ]
    named = {str(number): call["namespace"] for number, call in enumerate(calls) if "namespace" in call}
    beside = choice.message_fields.get(TOOL_CALL_FIELDS, {})
    assert {number: fields["namespace"] for number, fields in beside.items()} == named
    kept = [item for item in answer["output"] if item["type"] not in KINDS]
    assert choice.message_fields.get("output_items", []) == kept
    phases = [item["phase"] for item in of(answer, "message") if item.get("phase")]
    assert choice.message_fields.get("phase") == (phases[-1] if phases else None)


def check_citations(choice: Any, answer: Json) -> None:
    text = "".join(part.text for part in choice.parts if isinstance(part, TextPart))
    cited = [(part["text"], note) for part in contents(answer, "output_text") for note in part["annotations"]]
    assert [(found.url, found.title) for found in choice.citations] == [
        (note["url"], note["title"]) for _, note in cited
    ]
    for found, (part, note) in zip(choice.citations, cited, strict=True):
        assert text[found.start : found.end] == part[note["start_index"] : note["end_index"]]


def check_end(done: Completion, answer: Json) -> None:
    (choice,) = done.choices
    assert choice.finish is not None
    if answer["status"] == "completed":
        assert choice.finish.reason == ("tool_calls" if of(answer, "function_call") else "stop")
    else:
        assert (answer["incomplete_details"]["reason"], choice.finish.reason) == ("max_output_tokens", "length")
    assert choice.finish.known
    usage = answer["usage"]
    assert done.usage is not None
    assert (done.usage.prompt, done.usage.completion) == (usage["input_tokens"], usage["output_tokens"])
    assert done.usage.cache_read == usage["input_tokens_details"]["cached_tokens"]
    assert done.usage.cache_write == usage["input_tokens_details"].get("cache_write_tokens")
    assert done.usage.reasoning == usage["output_tokens_details"]["reasoning_tokens"]
    assert done.usage.extra.get("cost") == usage.get("cost")
    assert done.usage.extra.get("cost_in_usd_ticks") == usage.get("cost_in_usd_ticks")
    assert done.fields.get("service_tier") == answer["service_tier"]


@pytest.mark.parametrize("path", WHOLE)
def test_a_recorded_answer_says_what_its_body_says(path: str) -> None:
    case = load(path)
    if case.stream:
        cut = read_cut(case.provider, [case.body])
        assert cut.raised is None
        done = fold(cut.events)
    else:
        done = case.provider.response(case.body)
    check(done, answer_of(case))


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_gives_the_same_events_byte_by_byte_and_at_every_boundary(path: str) -> None:
    case = load(path)
    body = case.body
    whole = read_cut(case.provider, [body])
    # By their text: a failure is never equal to another.
    assert repr(read_cut(case.provider, [body[place : place + 1] for place in range(len(body))])) == repr(whole)
    place = -1
    while (place := body.find(b"\n\n", place + 1)) >= 0:
        for cut in (place + 1, place + 2):
            assert repr(read_cut(case.provider, [body[:cut], body[cut:]])) == repr(whole)


@pytest.mark.parametrize("path", [path for path in STREAMS if path in WHOLE])
def test_a_recorded_stream_put_together_is_the_same_answer_whole(path: str) -> None:
    case = load(path)
    streamed = fold(read_cut(case.provider, [case.body]).events)
    assert streamed == case.provider.response(json.dumps(answer_of(case)).encode())


@pytest.mark.parametrize("path", [path for path in STREAMS if path in WHOLE])
def test_a_recorded_stream_that_says_everything_at_its_end_alone_is_the_same_answer(path: str) -> None:
    case = load(path)
    *_, last = events_of(case)
    end = {**last, "response": answer_of(case)}
    cut = read_cut(case.provider, [b"data: " + json.dumps(end).encode() + b"\n\n"])
    assert fold(cut.events) == fold(read_cut(case.provider, [case.body]).events)


@pytest.mark.parametrize("path", [path for path in STREAMS if path in WHOLE])
def test_a_recorded_stream_without_its_end_is_cut_off(path: str) -> None:
    case = load(path)
    cut = read_cut(case.provider, [case.body[: case.body.rindex(b"data: {")]])
    assert type(cut.raised).__name__ == "UpstreamTruncated"


@pytest.mark.parametrize("path", [path for path in ANSWERS if path not in WHOLE])
def test_pitfall_19_a_recorded_answer_that_failed_ends_in_its_error(path: str) -> None:
    case = load(path)
    if not case.stream:  # asked for in the background, which never happens here
        with pytest.raises(UpstreamProtocolError):
            case.provider.response(case.body)
        return
    *_, failed = read_cut(case.provider, [case.body]).events
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, UpstreamThrottled)
    assert failed.error.code == "insufficient_quota"
    with pytest.raises(UpstreamThrottled):
        case.provider.response(json.dumps(answer_of(case)).encode())


@pytest.mark.parametrize("path", [path for path in CASES if path not in ANSWERS])
def test_a_recorded_refusal_keeps_its_status_and_words(path: str) -> None:
    case = load(path)
    told = case.provider.error(case.status, {}, case.body)
    assert type(told) is (UpstreamAuth if case.status == 401 else UpstreamRejected)
    assert told.status == case.status
    said = json.loads(case.body)["error"]
    assert told.message.startswith((said if isinstance(said, str) else said["message"])[:20])


def test_there_are_recordings_of_each_kind() -> None:
    assert len(CASES) >= 45
    assert len(WHOLE) >= 39
    assert {load(path).provider.name for path in WHOLE} >= {"openai", "azure", "deepseek", "openrouter", "xai"}
