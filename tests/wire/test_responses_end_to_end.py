"""Every recorded answer of the Responses API through a running Sabir, to the official SDK of chat completions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from openai import APIStatusError

from tests.providers.responses.recording import CASES, WHOLE, Case, Json, answer_of, load, needs_recordings
from tests.simulator.replay import Recording as Played
from tests.wire.hearing import Heard, assert_within, hear
from tests.wire.through import Through, put_together, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulator.replay import Chunking
    from tests.wire.through import Reply

pytestmark = [needs_recordings, pytest.mark.asyncio(loop_scope="module")]

KINDS: Final = {"message", "reasoning", "function_call"}
WEATHER: Final = {"type": "function", "function": {"name": "weather"}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


def played_of(case: Case) -> Played:
    kind = "text/event-stream" if case.stream else "application/json"
    return Played(case.status, (("content-type", kind),), case.body)


def asked_of(case: Case, *, stream: bool) -> Json:
    model = (case.request or {}).get("model", "gpt-5")
    asked: Json = {
        "model": f"{case.provider.name}/responses/{model}",
        "messages": [{"role": "user", "content": "Hello"}],
    }
    return asked | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def expected_of(answer: Json) -> Heard:
    """The response object as a chat completion, written down plainly."""
    output = answer["output"]
    parts = [part for item in output if item["type"] == "message" for part in item["content"]]
    thinking = [item for item in output if item["type"] == "reasoning"]
    message: Json = {
        "role": "assistant",
        "content": "".join(part["text"] for part in parts if part["type"] == "output_text"),
        "refusal": "".join(part["refusal"] for part in parts if part["type"] == "refusal"),
        "reasoning_content": "".join(
            "\n\n".join(said["text"] for name in ("summary", "content") for said in item.get(name) or [])
            for item in thinking
        ),
        "reasoning_details": [
            {"data": item["encrypted_content"]} for item in thinking if item.get("encrypted_content")
        ],
        "tool_calls": [
            {
                "id": item["call_id"],
                "type": "function",
                "function": {"name": item["name"], "arguments": item["arguments"]},
            }
            | ({"namespace": item["namespace"]} if "namespace" in item else {})
            for item in output
            if item["type"] == "function_call"
        ],
        "output_items": [item for item in output if item["type"] not in KINDS],
    }
    ended = "length" if answer["status"] == "incomplete" else "tool_calls" if message["tool_calls"] else "stop"
    return hear(
        [{"id": answer["id"], "model": answer["model"], "choices": [{"message": message, "finish_reason": ended}]}],
        "message",
    )


def agree(reply: Reply, expected: Heard, answer: Json) -> None:
    assert reply.error is None
    assert reply.dropped is None
    (said,), (choice,) = reply.heard["choices"].values(), expected["choices"].values()
    assert {name: said.get(name) for name in choice} == choice
    assert (reply.heard["id"], reply.heard["model"]) == (expected["id"], expected["model"])
    usage = answer["usage"]
    counted = {"prompt_tokens": usage["input_tokens"], "completion_tokens": usage["output_tokens"]}
    assert_within(counted, reply.heard["usage"])
    notes = [
        n for item in answer["output"] for part in item.get("content") or [] for n in part.get("annotations") or []
    ]
    assert [note["url_citation"]["url"] for note in said.get("annotations", [])] == [note["url"] for note in notes]


@pytest.mark.parametrize("path", WHOLE)
async def test_a_recorded_answer_is_heard_live_and_from_the_cache(through: Through, path: str) -> None:
    case = load(path)
    played, answer = played_of(case), answer_of(case)
    expected = expected_of(answer)
    asked, otherwise = asked_of(case, stream=case.stream), asked_of(case, stream=not case.stream)
    key = through.fresh_key()
    chunking: Chunking = "events" if case.stream else 997
    for each in (chunking, 7 if len(case.body) < 20_000 else 4_001):
        agree(await through.play(played, asked, key=key, cache="never", chunking=each), expected, answer)
    agree(await through.play(played, asked, key=key), expected, answer)
    for body in (asked, otherwise):
        again = await through.play(Played(500, (), b""), body, key=key)
        if answer["status"] == "incomplete":
            assert again.status == 500
            continue
        assert again.verdict == "HIT"
        agree(again, expected, answer)
        if again.chunks and not expected["choices"][0].get("tools"):
            put_together(again.chunks)


@pytest.mark.parametrize("path", [path for path in CASES if path not in WHOLE])
async def test_a_recorded_failure_is_an_error(through: Through, path: str) -> None:
    case = load(path)
    for chunking in ("whole", "events"):
        reply = await through.play(
            played_of(case), asked_of(case, stream=case.stream), key=through.fresh_key(), chunking=chunking
        )
        assert isinstance(reply.error, APIStatusError)
        assert (reply.status or 0) >= 400
        if case.status != 200:
            assert reply.status == case.status


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_of_openai_is_all_that_such_a_model_takes(through: Through, stream: bool) -> None:
    path = "openai/responses/pydantic--openai-responses-test-openai-responses-phase-streamed-on-part-start.01.json"
    case = load(path)
    answer = answer_of(case)
    body = case.body if stream else json.dumps(answer).encode()
    played = Played(200, (("content-type", "text/event-stream" if stream else "application/json"),), body)
    asked = {**asked_of(case, stream=stream), "model": "gpt-5-pro", "reasoning_effort": "high"}
    before = len(through.upstream.requests)
    reply = await through.play(played, asked, key="sk-of-openai", cache="never")
    agree(reply, expected_of(answer), answer)
    seen = (await through.upstream.seen(before + 1))[before]
    assert (seen.path, seen.headers["authorization"]) == ("/responses", "Bearer sk-of-openai")
    sent = json.loads(seen.request.body)
    assert sent["input"] == [{"role": "user", "content": "Hello"}]
    assert (sent["model"], sent["store"], sent["include"]) == ("gpt-5-pro", False, ["reasoning.encrypted_content"])
    assert sent["reasoning"] == {"effort": "high"}


@pytest.mark.parametrize("stream", [False, True])
async def test_pitfall_22_thinking_that_the_client_drops_goes_back_before_its_call(
    through: Through, stream: bool
) -> None:
    path = "openai/responses/pydantic--openai-responses-test-openai-responses-phase-streamed-on-part-start.01.json"
    case = load(path)
    answer = answer_of(case)
    body = case.body if stream else json.dumps(answer).encode()
    played = Played(200, (("content-type", "text/event-stream" if stream else "application/json"),), body)
    key = through.fresh_key()
    asked = {**asked_of(case, stream=stream), "model": "gpt-5-pro", "tools": [WEATHER]}
    await through.play(played, asked, key=key, cache="auto")
    (thinking,) = [item for item in answer["output"] if item["type"] == "reasoning"]
    (call,) = [item for item in answer["output"] if item["type"] == "function_call"]
    kept = {"id": call["call_id"], "type": "function", "function": {name: call[name] for name in ("name", "arguments")}}
    turns = [
        {"role": "assistant", "content": None, "tool_calls": [kept]},
        {"role": "tool", "tool_call_id": call["call_id"], "content": "4 degrees"},
    ]
    before = len(through.upstream.requests)
    await through.play(played, {**asked, "messages": [*asked["messages"], *turns]}, key=key, cache="auto")
    seen = (await through.upstream.seen(before + 1))[before]
    sent: list[Any] = json.loads(seen.request.body)["input"]
    assert sent[1:] == [
        {
            "type": "reasoning",
            "id": thinking["id"],
            "summary": [],
            "encrypted_content": thinking["encrypted_content"],
        },
        {"type": "function_call", "call_id": call["call_id"], **{name: call[name] for name in ("name", "arguments")}},
        {"type": "function_call_output", "call_id": call["call_id"], "output": "4 degrees"},
    ]
