"""Recorded answers: what they say is read here a second time, plainly, with Amazon's own parser for the frames."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.bedrock import PROVIDER
from providers.completion import Choice, Completion, ReasoningPart, TextPart, ToolCallPart, fold
from providers.events import Failed
from tests.providers.bedrock.recording import (
    ANSWERS,
    CASES,
    REFUSED_ELSEWHERE,
    STREAMS,
    Case,
    Json,
    events_of,
    load,
    needs_recordings,
    shapes,
)

pytestmark = needs_recordings
ReadAll = Callable[..., Any]


def message_of(case: Case) -> Json:
    """The body of a stream as Converse would have given it whole."""
    if not case.stream:
        return dict(json.loads(case.body))
    blocks: dict[int, Json] = {}
    whole: Json = {}
    for name, event, _ in events_of(case.body):
        event.pop("p", None)
        match name:
            case "contentBlockStart":
                call = event["start"]["toolUse"]
                blocks[event["contentBlockIndex"]] = {"toolUse": {**call, "input": ""}}
            case "contentBlockDelta":
                add(blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
            case "messageStop" | "metadata":
                whole |= event
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        if "citations" in block:
            cited = {"content": [{"text": block.pop("text")}], "citations": block.pop("citations")}
            block["citationsContent"] = cited
    content = [block for _, block in sorted(blocks.items())]
    return {"output": {"message": {"role": "assistant", "content": content}}, **whole}


def add(block: Json, delta: Json) -> None:
    match delta:
        case {"text": said}:
            block["text"] = block.get("text", "") + said
        case {"citation": citation}:
            block.setdefault("citations", []).append(citation)
        case {"toolUse": {"input": said}}:
            block["toolUse"]["input"] += said
        case {"reasoningContent": {"redactedContent": blob}}:
            assert "reasoningContent" not in block
            block["reasoningContent"] = {"redactedContent": blob}


def text_of(block: Json) -> str:
    if "citationsContent" in block:
        return "".join(piece["text"] for piece in block["citationsContent"]["content"])
    return str(block.get("text", ""))


def is_call(block: Json) -> bool:
    return block.get("toolUse", {}).get("type", "tool_use") == "tool_use" and "toolUse" in block


def thought_of(block: Json) -> tuple[str, str, str]:
    thought = block["reasoningContent"]
    told = thought.get("reasoningText", {})
    return (
        told.get("text", ""),
        told.get("signature", ""),
        base64.b64decode(thought.get("redactedContent", "")).decode(),
    )


STOPS = {
    "end_turn": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
}


def check(done: Completion, body: Json) -> None:
    (choice,) = done.choices
    blocks = body["output"]["message"]["content"]
    assert [part.text for part in choice.parts if isinstance(part, TextPart)] == [
        text_of(block) for block in blocks if text_of(block)
    ]
    assert [
        (part.id, part.name, json.loads(part.arguments)) for part in choice.parts if isinstance(part, ToolCallPart)
    ] == [(call["toolUseId"], call["name"], call["input"]) for call in (b["toolUse"] for b in blocks if is_call(b))]
    assert [(part.text, part.signature, part.data) for part in choice.parts if isinstance(part, ReasoningPart)] == [
        thought_of(block) for block in blocks if block.get("reasoningContent")
    ]
    words = {"text", "citationsContent", "reasoningContent"}
    kept = [block for block in blocks if not (words & block.keys() or is_call(block))]
    assert choice.message_fields.get("bedrock_content", []) == kept
    assert choice.finish is not None
    assert choice.finish.reason == STOPS[body["stopReason"]]
    assert done.fields == {name: body[name] for name in ("metrics", "trace") if name in body}
    check_citations(choice, blocks)
    check_usage(done, body["usage"])


def check_citations(choice: Choice, blocks: list[Json]) -> None:
    text = "".join(text_of(block) for block in blocks)
    cited = [
        (source, text_of(block))
        for block in blocks
        for source in block.get("citationsContent", {}).get("citations", ())
    ]
    assert [(found.title, found.quote, text[found.start : found.end], found.extra) for found in choice.citations] == [
        (source["title"], source["sourceContent"][0]["text"], said, {"location": source["location"]})
        for source, said in cited
    ]


def check_usage(done: Completion, counts: Json) -> None:
    assert done.usage is not None
    assert done.usage.completion == counts["outputTokens"]
    assert done.usage.prompt + done.usage.completion == counts["totalTokens"]
    assert done.usage.cache_read == counts.get("cacheReadInputTokens")
    assert done.usage.cache_write == counts.get("cacheWriteInputTokens")
    assert done.usage.extra == {}


def test_every_recording_of_converse_is_here() -> None:
    assert (len(CASES), len(STREAMS)) == (21, 6)


@pytest.mark.parametrize("path", ANSWERS)
def test_a_recorded_answer_says_what_its_body_says(path: str, read_all: ReadAll) -> None:
    case = load(path)
    if case.stream:
        cut = read_all([case.body])
        assert cut.raised is None
        done = fold(cut.events)
    else:
        done = PROVIDER.response(case.body)
    check(done, message_of(case))


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_gives_the_same_events_byte_by_byte_and_at_every_boundary(
    path: str, read_all: ReadAll
) -> None:
    body = load(path).body
    whole = read_all([body])
    assert read_all([body[place : place + 1] for place in range(len(body))]) == whole
    for _, _, end in events_of(body):
        for cut in (end - 1, end, end + 11, end + 12):
            assert read_all([body[:cut], body[cut:]]) == whole


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_cut_anywhere_is_truncated(path: str, read_all: ReadAll) -> None:
    body = load(path).body
    for end in range(len(body)):
        assert getattr(read_all([body[:end]]).raised, "code", None) == "upstream_truncated"


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_put_together_is_the_same_answer_whole(
    path: str, read_all: ReadAll, meaning: Callable[[Completion], Any]
) -> None:
    case = load(path)
    streamed = fold(read_all([case.body]).events)
    whole = PROVIDER.response(json.dumps(message_of(case)).encode())
    assert meaning(streamed) == meaning(whole)


CODES = {400: None, 403: "access_denied", 404: "model_not_found"}


@pytest.mark.parametrize("path", [*(path for path in CASES if path not in ANSWERS), *REFUSED_ELSEWHERE])
def test_a_recorded_refusal_keeps_its_status_and_words(path: str) -> None:
    case = load(path)
    told = PROVIDER.error(case.status, case.headers, case.body)
    assert (told.status, told.message) == (case.status, json.loads(case.body)["message"])
    assert told.code == CODES[case.status]


@pytest.mark.parametrize("shape", [shape for shape in shapes() if "body_base64" in shape])
def test_a_documented_failure_inside_a_stream_ends_it_as_one(shape: Json, read_all: ReadAll) -> None:
    cut = read_all([base64.b64decode(shape["body_base64"])])
    assert cut.raised is None
    assert isinstance(cut.events[-1], Failed)
    error = cut.events[-1].error
    assert "shape of a" in error.message
    assert error.status in {400, 424, 429, 500, 503}
    assert error.retryable == (error.status != 400)
