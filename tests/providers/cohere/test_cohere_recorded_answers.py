"""Recorded answers: what they say is read here a second time, plainly.

The recorded body is put together as the message that it is, and the text, calls, plan, thinking, citations, end and
usage of that message must be those that the translator found.
"""

import json
from collections.abc import Callable
from typing import Any

import pytest

from providers.cohere import PROVIDER
from providers.completion import Completion, ReasoningPart, TextPart, ToolCallPart, fold
from providers.errors import UpstreamDown, UpstreamRejected
from providers.events import Failed, ReasoningDelta
from tests.providers.cohere.recording import ANSWERS, CASES, STREAMS, Case, Json, load, needs_recordings

pytestmark = needs_recordings
ReadAll = Callable[..., Any]


def answer_of(case: Case) -> Json:
    if not case.stream:
        return dict(json.loads(case.body))
    answer: Json = {}
    for line in case.body.decode().split("\n"):
        if not line.startswith("data:") or line == "data: [DONE]":
            continue
        event = json.loads(line.removeprefix("data:"))
        delta = event.get("delta", {})
        if event["type"] == "message-start":
            answer = {"id": event["id"], **delta}
        elif event["type"] == "message-end":
            answer |= delta
        elif delta:
            add(answer["message"], event["type"], event.get("index", 0), delta["message"])
    return answer


def add(message: Json, kind: str, index: int, told: Json) -> None:
    match kind:
        case "content-start":
            message["content"].append(told["content"])
        case "content-delta":
            for name, piece in told["content"].items():
                message["content"][index][name] += piece
        case "tool-plan-delta":
            message["tool_plan"] += told["tool_plan"]
        case "tool-call-start":
            message["tool_calls"].append(told["tool_calls"])
        case "tool-call-delta":
            message["tool_calls"][index]["function"]["arguments"] += told["tool_calls"]["function"]["arguments"]
        case "citation-start":
            message["citations"].append(told["citations"])


BROKEN = [path for path in ANSWERS if answer_of(load(path))["finish_reason"] == "ERROR"]
WHOLE = [path for path in ANSWERS if path not in BROKEN]
ENDS = {"COMPLETE": "stop", "STOP_SEQUENCE": "stop", "MAX_TOKENS": "length", "TOOL_CALL": "tool_calls"}


def check(done: Completion, answer: Json) -> None:
    (choice,) = done.choices
    message = answer["message"]
    content = message.get("content", [])
    assert done.started.id == answer["id"]
    assert [part.text for part in choice.parts if isinstance(part, TextPart)] == [
        block["text"] for block in content if block["type"] == "text"
    ]
    plan = [message["tool_plan"]] if message.get("tool_plan") else []
    assert [part.text for part in choice.parts if isinstance(part, ReasoningPart)] == plan + [
        block["thinking"] for block in content if block["type"] == "thinking"
    ]
    assert [
        (part.id, part.name, json.loads(part.arguments)) for part in choice.parts if isinstance(part, ToolCallPart)
    ] == [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls", [])
    ]
    assert choice.finish is not None
    assert choice.finish.reason == ENDS[answer["finish_reason"]]
    assert not choice.message_fields
    assert not done.fields
    check_citations(choice, message)
    check_usage(done, answer["usage"])


def check_citations(choice: Any, message: Json) -> None:
    text = "".join(part.text for part in choice.parts if isinstance(part, TextPart))
    cited = [(citation, source) for citation in message.get("citations", []) for source in citation["sources"]]
    assert [(found.extra["text"], found.extra["source"]) for found in choice.citations] == [
        (citation["text"], source) for citation, source in cited
    ]
    assert all(text[found.start : found.end] == found.extra["text"] for found in choice.citations)


def check_usage(done: Completion, usage: Json) -> None:
    assert done.usage is not None
    assert done.usage.prompt == usage["tokens"]["input_tokens"]
    assert done.usage.completion == usage["tokens"]["output_tokens"]
    assert done.usage.cache_read == usage.get("cached_tokens")
    assert done.usage.extra == {"billed_units": usage["billed_units"]}


@pytest.mark.parametrize("path", WHOLE)
def test_a_recorded_answer_says_what_its_body_says(path: str, read_all: ReadAll) -> None:
    case = load(path)
    if case.stream:
        cut = read_all([case.body])
        assert cut.raised is None
        done = fold(cut.events)
    else:
        done = PROVIDER.response(case.body)
    check(done, answer_of(case))


@pytest.mark.parametrize("path", STREAMS)
def test_a_recorded_stream_gives_the_same_events_byte_by_byte_and_at_every_boundary(
    path: str, read_all: ReadAll
) -> None:
    body = load(path).body
    whole = read_all([body])
    # By their text: a failure is never equal to another.
    assert repr(read_all([body[place : place + 1] for place in range(len(body))])) == repr(whole)
    place = -1
    while (place := body.find(b"\n\n", place + 1)) >= 0:
        for cut in (place + 1, place + 2):
            assert repr(read_all([body[:cut], body[cut:]])) == repr(whole)


@pytest.mark.parametrize("path", [path for path in STREAMS if path in WHOLE])
def test_a_recorded_stream_put_together_is_the_same_answer_whole(
    path: str, read_all: ReadAll, meaning: Callable[[Completion], Any]
) -> None:
    case = load(path)
    streamed = fold(read_all([case.body]).events)
    assert meaning(streamed) == meaning(PROVIDER.response(json.dumps(answer_of(case)).encode()))


@pytest.mark.parametrize("path", BROKEN)
def test_pitfall_19_a_recorded_answer_that_broke_off_ends_in_its_error(path: str, read_all: ReadAll) -> None:
    case = load(path)
    answer = answer_of(case)
    _, *plan, failed = read_all([case.body]).events
    assert "".join(event.text for event in plan if isinstance(event, ReasoningDelta)) == answer["message"]["tool_plan"]
    assert isinstance(failed, Failed)
    assert (failed.error.message, failed.error.code) == (answer["error"], "invalid_tool_generation")
    with pytest.raises(UpstreamDown) as raised:
        PROVIDER.response(json.dumps(answer).encode())
    assert raised.value.message == answer["error"]


@pytest.mark.parametrize("path", [path for path in CASES if path not in ANSWERS])
def test_a_recorded_refusal_keeps_its_status_and_words(path: str) -> None:
    case = load(path)
    told = PROVIDER.error(case.status, {}, case.body)
    assert isinstance(told, UpstreamRejected)
    assert (told.status, told.message) == (case.status, json.loads(case.body)["message"])


def test_there_are_recordings_of_each_kind() -> None:
    assert len(BROKEN) == 2
    assert len(WHOLE) >= 12
