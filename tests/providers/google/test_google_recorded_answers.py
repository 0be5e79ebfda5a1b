"""Recorded answers: what they say is read here a second time, plainly, from the recorded body."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.completion import Choice, Completion, ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamAuth, UpstreamRejected
from providers.google import PROVIDER
from tests.providers.google.recording import ANSWERS, CASES, STREAMS, Case, Json, load, needs_recordings

pytestmark = needs_recordings
ReadAll = Callable[..., Any]


def chunks_of(case: Case) -> list[Json]:
    if not case.stream:
        return [json.loads(case.body)]
    lines = case.body.decode().replace("\r\n", "\n").split("\n")
    return [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]


def whole_of(case: Case) -> Json:
    """All chunks as the one body that Google would have sent."""
    whole: Json = {}
    candidates: dict[int, Json] = {}
    usage: Json = {}
    for chunk in chunks_of(case):
        usage |= chunk.get("usageMetadata", {})
        for candidate in chunk.get("candidates", []):
            index = candidate.get("index", 0)
            known = candidates.setdefault(index, {"content": {"parts": []}, "index": index})
            known["content"]["parts"] += candidate.get("content", {}).get("parts", [])
            known.update({name: value for name, value in candidate.items() if name != "content"})
        whole |= {name: value for name, value in chunk.items() if name != "candidates"}
    return whole | {"candidates": [candidates[index] for index in sorted(candidates)], "usageMetadata": usage}


def parsed(case: Case, read_all: ReadAll) -> Completion:
    if not case.stream:
        return PROVIDER.response(case.body)
    cut = read_all([case.body])
    assert cut.raised is None
    return fold(cut.events)


REASONS = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}


@pytest.mark.parametrize("path", ANSWERS)
def test_a_recorded_answer_says_what_its_body_says(path: str, read_all: ReadAll) -> None:
    case = load(path)
    done, body = parsed(case, read_all), whole_of(case)
    assert (done.started.id, done.started.model) == (body["responseId"], body["modelVersion"])
    assert len(done.choices) == len(body["candidates"])
    for choice, candidate in zip(done.choices, body["candidates"], strict=True):
        check(choice, candidate)
    check_usage(done, body["usageMetadata"], totalled="builtin-tools-stream" not in path)


def check(choice: Choice, candidate: Json) -> None:
    parts = candidate["content"].get("parts", [])
    texts = [part["text"] for part in parts if "text" in part and not part.get("thought")]
    thoughts = [part["text"] for part in parts if part.get("thought")]
    calls = [part["functionCall"] for part in parts if "functionCall" in part]
    assert "".join(part.text for part in choice.parts if isinstance(part, TextPart)) == "".join(texts)
    reasoning = [part for part in choice.parts if isinstance(part, ReasoningPart)]
    assert "".join(part.text for part in reasoning) == "".join(thoughts)
    found = [part for part in choice.parts if isinstance(part, ToolCallPart)]
    assert [(part.name, json.loads(part.arguments)) for part in found] == [
        (call["name"], call["args"]) for call in calls
    ]
    assert [part.id for part in found if not part.id.startswith("call_")] == [
        call["id"] for call in calls if "id" in call
    ]
    assert len({part.id for part in found}) == len(calls)
    words = {"text", "thought", "functionCall"}
    kept = [part for part in parts if not words & part.keys()]
    assert choice.message_fields.get("google_parts", []) == kept
    assert [part.data for part in reasoning if part.data] == [
        part["thoughtSignature"] for part in parts if "thoughtSignature" in part and part not in kept
    ]
    assert choice.finish is not None
    assert choice.finish.reason == ("tool_calls" if calls else REASONS[candidate["finishReason"]])
    grounding = candidate.get("groundingMetadata", {})
    for citation, segment in zip(choice.citations, segments(grounding), strict=False):
        assert (citation.quote, "".join(texts)[citation.start : citation.end]) == (segment, segment)
    used = {number for support in grounding.get("groundingSupports", []) for number in support["groundingChunkIndices"]}
    unused = set(range(len(grounding.get("groundingChunks", [])))) - used
    assert len(choice.citations) == len(segments(grounding)) + len(unused)


def segments(grounding: Json) -> list[str]:
    return [
        support["segment"]["text"]
        for support in grounding.get("groundingSupports", [])
        for _ in support["groundingChunkIndices"]
    ]


def check_usage(done: Completion, counts: Json, *, totalled: bool) -> None:
    """`totalled`: but for one, whose last counts and total leave out the tokens of the answer that others gave."""
    assert done.usage is not None
    assert done.usage.cache_read == counts.get("cachedContentTokenCount")
    assert done.usage.reasoning == counts.get("thoughtsTokenCount")
    answer = counts.get("candidatesTokenCount", 0)
    assert done.usage.completion == answer + counts.get("thoughtsTokenCount", 0)
    if "totalTokenCount" in counts and totalled:
        assert done.usage.prompt + done.usage.completion == counts["totalTokenCount"]
    if "promptTokenCount" in counts:
        assert done.usage.prompt == counts["promptTokenCount"] + counts.get("toolUsePromptTokenCount", 0)
    audio = [detail["tokenCount"] for detail in counts.get("promptTokensDetails", []) if detail["modality"] == "AUDIO"]
    assert done.usage.audio_input == (sum(audio) if audio else None)


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_gives_the_same_events_byte_by_byte_and_at_every_boundary(
    path: str, read_all: ReadAll
) -> None:
    body = load(path).body
    whole = read_all([body])
    assert whole.raised is None
    assert read_all([body[place : place + 1] for place in range(len(body))]) == whole
    place = -1
    while (place := body.find(b"\n", place + 1)) >= 0:
        for cut in (place, place + 1):
            assert read_all([body[:cut], body[cut:]]) == whole


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_put_together_is_the_same_answer_whole(path: str, read_all: ReadAll) -> None:
    case = load(path)
    assert parsed(case, read_all) == PROVIDER.response(json.dumps(whole_of(case)).encode())


@pytest.mark.parametrize("path", [path for path in CASES if path not in ANSWERS])
def test_a_recorded_refusal_keeps_its_words(path: str) -> None:
    case = load(path)
    told = PROVIDER.error(case.status, {}, case.body)
    assert told.message == json.loads(case.body)["error"]["message"]
    assert isinstance(told, UpstreamAuth | UpstreamRejected)
    assert told.status == (401 if "API key" in told.message else 404)
