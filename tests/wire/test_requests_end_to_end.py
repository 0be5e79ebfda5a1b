"""Requests of every host's dialect, recorded and made up, on their way through Sabir to a strict Anthropic.

What Anthropic would refuse is to be refused by Sabir, under the client's own name for it, or not to be sent so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.rig import KEYS, sabir_over
from tests.simulator import Simulator
from tests.simulator.replay import Recording as Played
from tests.simulator.replay import ReplayServer
from tests.wire.messages_stream import events_of, sse
from tests.wire.recordings import Recording, cases

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.contract.rig import Sabir

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODELS: Final = ("claude-haiku-4-5", "claude-opus-4-8", "claude-2.1")


# What the simulator refuses and Anthropic does not: it takes a conversation that the assistant begins since December
# 2024 (github.com/anthropics/anthropic-sdk-typescript/issues/622), and knows the signatures in the recordings.
ONLY_HERE: Final = ('first message must use the "user" role', "Invalid `signature` in `thinking` block")


OWNERS: Final = (("claude", "anthropic"), ("gpt", "openai"), ("sonar", "perplexity"))


class Sent:
    def __init__(self, sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator | None = None) -> None:
        self._sabir = sabir
        self._http = http
        self._simulator = simulator

    @property
    def calls(self) -> int:
        return self._simulator.calls() if self._simulator else 0

    async def ask(self, asked: dict[str, Any]) -> tuple[int, Any]:
        """Status, and the body of an answer that is JSON."""
        key = next((KEYS[provider] for name, provider in OWNERS if name in str(asked["model"])), "any")
        headers = {"authorization": f"Bearer {key}", "x-bt-use-cache": "never"}
        async with self._http.post(self._sabir.completions, json=asked, headers=headers) as answer:
            body = await answer.read()
            return answer.status, json.loads(body) if answer.content_type == "application/json" else body


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sent() -> AsyncIterator[Sent]:
    async with Simulator() as simulator, sabir_over(simulator, {}) as sabir, aiohttp.ClientSession() as http:
        yield Sent(sabir, http, simulator)


def is_request(recording: Recording) -> bool:
    return recording.wire == "openai-chat" and bool((recording.request or {}).get("body"))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("recording", cases(is_request))
async def test_a_recorded_request_is_one_that_anthropic_takes_or_is_refused_by_name(
    sent: Sent, recording: Recording, model: str
) -> None:
    assert recording.request is not None
    written = recording.request["body"]
    asked = dict(written if isinstance(written, dict) else json.loads(written))
    calls = sent.calls
    status, said = await sent.ask({**asked, "model": f"anthropic/{model}"})
    if sent.calls == calls:
        assert (status, said["error"]["type"]) == (400, "invalid_request_error")
        assert said["error"]["param"]
    elif status != 200:
        assert any(reason in said["error"]["message"] for reason in ONLY_HERE), said


# -- requests of no sound mind --------------------------------------------------------------------------------------

WORDS: Final = st.sampled_from(
    [
        "",
        " ",
        "user",
        "assistant",
        "system",
        "tool",
        "text",
        "function",
        "custom",
        "auto",
        "image_url",
        "enabled",
        "\ud800",
    ]
)
LEAVES: Final = st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats(-2, 2) | WORDS | st.text(max_size=4)
MEMBERS: Final = st.sampled_from(
    [
        "type",
        "role",
        "content",
        "text",
        "id",
        "name",
        "function",
        "arguments",
        "url",
        "image_url",
        "data",
        "index",
        "format",
    ]
)
JSON: Final = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(MEMBERS, inner, max_size=4), max_leaves=8
)
SOUND: Final[dict[str, Any]] = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {"url": "https://a"}}],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_details": [{"type": "reasoning.text", "text": "t", "index": 0}],
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "so"},
        {
            "role": "user",
            "content": [{"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}}],
        },
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}],
    "tool_choice": "auto",
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
    "stop": ["END"],
    "max_tokens": 3000,
    "n": 1,
    "thinking": {"type": "disabled"},
    "metadata": {"user_id": "u"},
    "output_config": {"effort": None},
    "betas": ["b"],
    "user": "u",
    "stream": True,
    "stream_options": {"include_usage": True},
}
BESIDE: Final[dict[str, Any]] = {
    "temperature": 0, "top_p": 1, "seed": 1, "logprobs": False, "reasoning_effort": "low", "modalities": ["text"],
    "reasoning": {"max_tokens": 1500, "effort": "low"}, "audio": None, "service_tier": "auto", "functions": [{"name": "g"}],
    "function_call": "auto", "parallel_tool_calls": False, "top_k": 3, "x": {"y": 1}, "system": "s", "top_logprobs": 0,
}  # fmt: skip
CLAUDE: Final = ("anthropic/claude-haiku-4-5", "claude-opus-4-8")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, Any]:
    """The sound request with more members or fewer, and other things in one or two of its places."""
    beside = draw(st.sets(st.sampled_from(sorted(BESIDE)), max_size=2))
    asked: dict[str, Any] = json.loads(json.dumps({**SOUND, **{name: BESIDE[name] for name in beside}}))
    for name in draw(st.sets(st.sampled_from(sorted(SOUND)), max_size=2)):
        del asked[name]
    for _ in range(draw(st.integers(1, 2))):
        *way, last = draw(st.sampled_from(places(asked)[1:]))
        inner: Any = asked
        for key in way:
            inner = inner[key]
        inner[last] = draw(JSON)
    return asked


@pytest.mark.parametrize("model", CLAUDE)
async def test_the_sound_request_is_one(sent: Sent, model: str) -> None:
    assert (await sent.ask({**SOUND, "model": model}))[0] == 200


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def patient() -> AsyncIterator[Patient]:
    async with ReplayServer(Played(200, (), b"")) as upstream, aiohttp.ClientSession() as http:
        env = {f"{provider.upper()}_BASE_URL": upstream.url for _, provider in OWNERS}
        async with sabir_over(None, env) as sabir:
            yield Patient(upstream, Sent(sabir, http))


@dataclass(frozen=True, slots=True)
class Patient:
    """A provider that takes everything: what fails before it is Sabir."""

    upstream: ReplayServer
    sent: Sent

    async def ask(self, asked: dict[str, Any]) -> tuple[int, Any]:
        claude, streamed = "claude" in asked["model"], asked.get("stream") is True
        kind = "text/event-stream" if streamed else "application/json"
        body = (MESSAGE if claude else COMPLETION)[streamed]
        self.upstream.recording = Played(200, (("content-type", kind),), body)
        return await self.sent.ask(asked)


ANSWER: Final[dict[str, Any]] = {
    "id": "m", "type": "message", "role": "assistant", "model": "c", "content": [{"type": "text", "text": "Hi"}],
    "stop_reason": "end_turn", "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
WORD: Final = {"index": 0, "message": {"content": "Hi"}, "delta": {"content": "Hi"}, "finish_reason": "stop"}
CHUNK: Final = json.dumps({"id": "c", "model": "m", "choices": [WORD]}).encode()
MESSAGE: Final = (json.dumps(ANSWER).encode(), sse(*events_of(ANSWER)))
COMPLETION: Final = (CHUNK, b"data: " + CHUNK + b"\n\ndata: [DONE]\n\n")


@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=spoilt(), model=st.sampled_from([*CLAUDE, "claude-2.1", "gpt-4o", "sonar"]))
async def test_no_request_at_all_makes_sabir_fail(patient: Patient, asked: dict[str, Any], model: str) -> None:
    status, said = await patient.ask({**asked, "model": model})
    if status != 200:
        assert (status, said["error"]["type"]) == (400, "invalid_request_error")
        assert said["error"]["param"] or said["error"]["code"] == "invalid_json"
    else:
        assert b"Hi" in said if isinstance(said, bytes) else said["choices"][0]["message"]["content"] == "Hi"
