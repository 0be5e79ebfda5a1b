"""Every recorded exchange through a running Sabir: what the official SDK hears is what the recorded bytes say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from openai import APIStatusError

from providers.registry import find, names
from tests.simulator.replay import Recording as Played
from tests.wire.hearing import assert_within, chunks_of, finishes, hear
from tests.wire.messages_hearing import hear_message
from tests.wire.recordings import FOLDER, Recording, cases
from tests.wire.through import PLAIN_HOST, Through, put_together, sabir_before_a_replay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.simulator.replay import Chunking
    from tests.wire.hearing import Heard
    from tests.wire.through import Reply

pytestmark = pytest.mark.asyncio(loop_scope="module")

WIRES: Final = {"openai-chat", "anthropic-messages"}
ENDS: Final[dict[str | None, str]] = {"eos": "stop"}
STORABLE: Final = {"stop", "tool_calls", "function_call"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def through() -> AsyncIterator[Through]:
    async with sabir_before_a_replay() as running:
        yield running


def provider_of(recording: Recording) -> str:
    if recording.wire == "anthropic-messages":
        return "anthropic"
    known = recording.provider in names() and find(recording.provider).wire == recording.wire
    return recording.provider if known else PLAIN_HOST


def asked_of(recording: Recording, *, stream: bool) -> dict[str, Any]:
    """The recorded request, where it is one of this dialect; else any."""
    recorded = (recording.request or {}).get("body") if recording.wire == "openai-chat" else None
    written = json.loads(recorded) if isinstance(recorded, str) and recorded else recorded
    asked: dict[str, Any] = dict(written or {"messages": [{"role": "user", "content": "Hello"}]})
    asked["model"] = f"{provider_of(recording)}/{asked.get('model', 'claude-sonnet-4-5')}"
    for name in ("stream", "stream_options"):
        asked.pop(name, None)
    return asked | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def expected_of(recording: Recording) -> Heard:
    if recording.wire == "anthropic-messages":
        return hear_message(recording.body, streamed=recording.streamed)
    if recording.streamed:
        chunks = chunks_of(recording.body)
        sound = next((at for at, chunk in enumerate(chunks) if chunk.get("error")), len(chunks))
        return hear(chunks[:sound], "delta")
    return hear([json.loads(recording.body)], "message")


def error_in(recording: Recording) -> Any:
    """The error that a body of status 200 holds."""
    said = chunks_of(recording.body) if recording.streamed else [json.loads(recording.body)]
    return next((body["error"] for body in said if body.get("error")), None)


def chunking_of(recording: Recording) -> Chunking:
    """Beside "whole", one other: each byte for the small, each event for the others, or odd sizes in between."""
    size = len(recording.body)
    if size < 1500:
        return "bytes"
    return "events" if recording.streamed and size % 2 else 7 if size < 20_000 else 997


def agree(reply: Reply, expected: Heard, recording: Recording) -> None:
    """`expected` is all there. What a hit or a translation says beyond it are counts and ids that went without saying."""
    heard = reply.heard
    assert reply.error is None
    assert heard["choices"].keys() == expected["choices"].keys()
    form = by_value if recording.wire == "anthropic-messages" else dict
    for index, written in expected["choices"].items():
        said, choice = form(heard["choices"][index]), form(written)
        word = choice.get("finish_reason")
        assert said.get("finish_reason") in (word, ENDS.get(word))
        unlike = ("finish_reason", "function_call") if recording.provider == "snowflake" else ("finish_reason",)
        assert {key: said.get(key) for key in choice if key not in unlike} == {
            key: value for key, value in choice.items() if key not in unlike
        }
    assert_within(expected.get("usage") or {}, heard.get("usage") or {})
    beside = ("choices", "usage", "x_groq")
    assert {key: value for key, value in heard.items() if key in expected and key not in beside} == {
        key: value for key, value in expected.items() if key not in beside
    }


def by_value(choice: Heard) -> Heard:
    """Arguments as JSON: whole, Anthropic gives an object, and not how it is written."""
    tools = [{**call, "arguments": json.loads(call["arguments"])} for call in choice.get("tools", [])]
    return {**choice, "tools": tools} if tools else choice


@pytest.mark.parametrize(
    "recording", cases(lambda each: each.wire in WIRES and each.status == 200 and not error_in(each))
)
async def test_a_recorded_answer_is_heard_live_and_from_the_cache(through: Through, recording: Recording) -> None:
    played, expected = Played.load(FOLDER / recording.path), expected_of(recording)
    asked = asked_of(recording, stream=recording.streamed)
    otherwise = asked_of(recording, stream=not recording.streamed)
    key = through.fresh_key()

    cut = await through.play(played, asked, key=key, cache="never", chunking=chunking_of(recording))
    live = await through.play(played, asked, key=key)
    assert (cut.verdict, live.verdict) == ("MISS", "MISS")
    for reply in (cut, live):
        agree(reply, expected, recording)

    again = await through.play(Played(500, (), b""), asked, key=key)
    other = await through.play(Played(500, (), b""), otherwise, key=key)
    words = finishes(expected)
    if words and all(word in STORABLE or word in ENDS for word in words):
        assert (again.verdict, other.verdict) == ("HIT", "HIT")
        for reply in (again, other):
            agree(reply, expected, recording)
            if reply.chunks and "tools" not in expected["choices"].get(0, {}):
                put_together(reply.chunks)
    else:
        assert (again.status, other.status) == (500, 500)


@pytest.mark.parametrize("recording", cases(lambda each: each.wire in WIRES and each.status != 200))
async def test_a_recorded_refusal_is_heard_with_its_status_and_words(through: Through, recording: Recording) -> None:
    played, asked = Played.load(FOLDER / recording.path), asked_of(recording, stream=recording.stream)
    key = through.fresh_key()
    for chunking in ("whole", chunking_of(recording)):
        reply = await through.play(played, asked, key=key, chunking=chunking)
        assert isinstance(reply.error, APIStatusError)
        assert reply.status == recording.status
        said = json.loads(recording.body)
        inner = said.get("error", said)
        words = inner if isinstance(inner, str) else inner.get("message") or said.get("detail")
        if isinstance(words, str) and "*" not in words:
            assert reply.error.message.endswith(words) or words in str(reply.error.body)


@pytest.mark.parametrize(
    "recording", cases(lambda each: each.wire in WIRES and each.status == 200 and bool(error_in(each)))
)
async def test_an_error_in_a_recorded_answer_of_status_200_is_an_error(through: Through, recording: Recording) -> None:
    played, asked = Played.load(FOLDER / recording.path), asked_of(recording, stream=recording.streamed)
    expected, key = expected_of(recording), through.fresh_key()
    for chunking in ("whole", "events", 7):
        reply = await through.play(played, asked, key=key, chunking=chunking)
        assert reply.error is not None
        begun = any(choice.keys() - {"role"} for choice in expected["choices"].values())
        if begun and recording.streamed:
            assert reply.status == 200
            assert reply.heard["choices"] == expected["choices"]
        else:
            assert (reply.status or 0) >= 400
