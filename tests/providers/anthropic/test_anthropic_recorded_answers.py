"""Recorded answers: what they say is read here a second time, plainly.

The recorded body is put together as the message that it is, and the text, calls, thinking, citations, stop and usage of
that message must be those that the translator found.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.anthropic import PROVIDER
from providers.completion import Completion, ReasoningPart, TextPart, ToolCallPart, fold
from tests.providers.anthropic.recording import ANSWERS, CASES, STREAMS, Case, Json, load, needs_recordings

pytestmark = needs_recordings
ReadAll = Callable[..., Any]


def message_of(case: Case) -> Json:
    if not case.stream:
        return dict(json.loads(case.body))
    message: Json = {}
    for line in case.body.decode().split("\n"):
        if not line.startswith("data:") or line == "data: [DONE]":
            continue
        event = json.loads(line.removeprefix("data:"))
        match event["type"]:
            case "message_start":
                message = event["message"] | {"content": []}
            case "content_block_start":
                message["content"].append(event["content_block"] | {"json": ""})
            case "content_block_delta":
                add(message["content"][event["index"]], event["delta"])
            case "message_delta":
                message |= event["delta"]
                message["usage"] |= {name: count for name, count in event["usage"].items() if count is not None}
    for block in message["content"]:
        if block["json"]:
            block["input"] = json.loads(block["json"])
        del block["json"]
    return message


def add(block: Json, delta: Json) -> None:
    match delta["type"]:
        case "text_delta":
            block["text"] += delta["text"]
        case "thinking_delta":
            block["thinking"] += delta["thinking"]
        case "signature_delta":
            block["signature"] = delta["signature"]
        case "input_json_delta":
            block["json"] += delta["partial_json"]
        case "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta["citation"]]


def of_kind(message: Json, *kinds: str) -> list[Json]:
    return [block for block in message["content"] if block["type"] in kinds]


STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tool_calls",
    "pause_turn": "length",
    "refusal": "content_filter",
}


def check(done: Completion, message: Json) -> None:
    (choice,) = done.choices
    assert (done.started.id, done.started.model) == (message["id"], message["model"])
    assert [part.text for part in choice.parts if isinstance(part, TextPart)] == [
        block["text"] for block in of_kind(message, "text") if block["text"]
    ]
    assert [
        (part.id, part.name, json.loads(part.arguments)) for part in choice.parts if isinstance(part, ToolCallPart)
    ] == [(block["id"], block["name"], block["input"]) for block in of_kind(message, "tool_use")]
    assert [(part.text, part.signature, part.data) for part in choice.parts if isinstance(part, ReasoningPart)] == [
        (block.get("thinking", ""), block.get("signature", ""), block.get("data", ""))
        for block in of_kind(message, "thinking", "redacted_thinking")
    ]
    words = "text", "tool_use", "thinking", "redacted_thinking"
    kept = [block for block in message["content"] if block["type"] not in words]
    assert choice.message_fields.get("anthropic_content", []) == kept
    assert choice.finish is not None
    assert choice.finish.reason == STOPS[message["stop_reason"]]
    check_citations(choice, message)
    check_usage(done, message["usage"])


def check_citations(choice: Any, message: Json) -> None:
    text = "".join(block["text"] for block in of_kind(message, "text"))
    cited = [
        (citation, block["text"]) for block in of_kind(message, "text") for citation in block.get("citations") or ()
    ]
    assert [(found.url, found.title, found.quote, text[found.start : found.end]) for found in choice.citations] == [
        (source.get("url"), source.get("title", source.get("document_title")), source["cited_text"], said)
        for source, said in cited
    ]


def check_usage(done: Completion, counts: Json) -> None:
    assert done.usage is not None
    assert done.usage.completion == counts["output_tokens"]
    cached = (counts.get("cache_read_input_tokens") or 0) + (counts.get("cache_creation_input_tokens") or 0)
    assert done.usage.prompt == counts["input_tokens"] + cached
    assert done.usage.reasoning == (counts.get("output_tokens_details") or {}).get("thinking_tokens")
    assert done.usage.extra.get("server_tool_use") == counts.get("server_tool_use")
    assert done.usage.extra.get("cache_creation") == counts.get("cache_creation")


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
    place = -1
    while (place := body.find(b"\n\n", place + 1)) >= 0:
        for cut in (place + 1, place + 2):
            assert read_all([body[:cut], body[cut:]]) == whole


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_put_together_is_the_same_answer_whole(
    path: str, read_all: ReadAll, meaning: Callable[[Completion], Any]
) -> None:
    case = load(path)
    streamed = fold(read_all([case.body]).events)
    whole = PROVIDER.response(json.dumps(message_of(case) | {"type": "message"}).encode())
    assert meaning(streamed) == meaning(whole)


@pytest.mark.parametrize("path", [path for path in CASES if path not in ANSWERS])
def test_a_recorded_refusal_keeps_its_status_and_words(path: str) -> None:
    case = load(path)
    told = PROVIDER.error(case.status, {}, case.body)
    assert (told.status, told.message) == (case.status, json.loads(case.body)["error"]["message"])
