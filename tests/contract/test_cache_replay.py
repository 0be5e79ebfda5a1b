"""A hit says all that the first answer said, whole or streamed, whichever of the two the first one was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.rig import KEYS

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

WEATHER: Final[Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ALWAYS: Final = {"x-bt-use-cache": "always"}


def asking(model: str, text: str, **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **more}


CASES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "openai-text": ("openai", asking("gpt-4o", "Write 12 words")),
    "openai-tools": ("openai", asking("gpt-4o", "get weather in Oslo and Rome", tools=[WEATHER])),
    "openai-choices": ("openai", asking("gpt-4o", "Say it", n=3)),
    "openai-logprobs": ("openai", asking("gpt-4o", "Say it", logprobs=True, top_logprobs=1)),
    "openai-refusal": ("openai", asking("gpt-4o", "please refuse")),
    "openai-thinker": ("openai", asking("o3-mini", "Say it")),
    "anthropic-text": ("anthropic", asking("claude-haiku-4-5", "Write 12 words")),
    "anthropic-tools": ("anthropic", asking("claude-haiku-4-5", "get weather in Oslo and Rome", tools=[WEATHER])),
    "anthropic-thinker": (
        "anthropic",
        asking(
            "claude-sonnet-4-5",
            "get weather in Oslo and Rome",
            tools=[WEATHER],
            reasoning_effort="low",
            max_tokens=8000,
        ),
    ),
    "anthropic-redacted": (
        "anthropic",
        asking(
            "claude-sonnet-4-5",
            "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING",
            reasoning_effort="low",
            max_tokens=8000,
        ),
    ),
    "perplexity-text": ("perplexity", asking("sonar", "Write 12 words")),
    "perplexity-thinker": ("perplexity", asking("sonar-reasoning", "Say it")),
}


class Said:
    """An answer, whole or streamed, in one form: what a careful client makes of it."""

    def __init__(self) -> None:
        self.top: dict[str, Any] = {}
        self.choices: dict[int, dict[str, Any]] = {}
        self.usage: Any = None
        self.frames = 0

    @classmethod
    def whole(cls, body: bytes) -> Said:
        said = cls()
        said._hear(json.loads(body), "message")
        return said

    @classmethod
    def streamed(cls, body: bytes) -> Said:
        said = cls()
        frames = [frame.strip() for frame in body.replace(b"\r\n", b"\n").split(b"\n\n") if frame.strip()]
        assert frames[-1] == b"data: [DONE]"
        for frame in frames[:-1]:
            assert frame.startswith(b"data: {")
            said._hear(json.loads(frame[len("data: ") :]), "delta")
            said.frames += 1
        return said

    def _hear(self, body: dict[str, Any], kind: str) -> None:
        for choice in body.pop("choices"):
            self._choice(self.choices.setdefault(choice["index"], {"calls": {}}), choice, choice[kind])
        usage = body.pop("usage", None)
        self.usage = usage or self.usage
        # `object` differs by nature, `obfuscation` is noise, and null says no more than absence does.
        noise = ("object", "obfuscation")
        self.top |= {name: value for name, value in body.items() if name not in noise and value is not None}

    def _choice(self, so_far: dict[str, Any], choice: dict[str, Any], message: dict[str, Any]) -> None:
        for name in ("content", "refusal", "reasoning_content"):
            if message.get(name):
                so_far[name] = so_far.get(name, "") + message[name]
        for name in ("annotations", "reasoning_details"):
            if message.get(name):
                so_far[name] = so_far.get(name, []) + message[name]
        for number, piece in enumerate(message.get("tool_calls") or []):
            call = so_far["calls"].setdefault(piece.get("index", number), {"id": "", "name": "", "arguments": ""})
            call["id"] += piece.get("id") or ""
            call["name"] += piece["function"].get("name") or ""
            call["arguments"] += piece["function"].get("arguments") or ""
        if choice.get("logprobs"):
            so_far["logprobs"] = so_far.get("logprobs", []) + choice["logprobs"]["content"]
        for name in ("finish_reason", "native_finish_reason"):
            if choice.get(name):
                so_far[name] = choice[name]


async def fetched(
    sabir: Sabir, http: aiohttp.ClientSession, case: str, *, stream: bool, number: int
) -> tuple[str, bytes]:
    provider, asked = CASES[case]
    transport = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    headers = {"authorization": f"Bearer {KEYS[provider]}", **ALWAYS}
    async with http.post(sabir.completions, json=asked | transport, headers=headers) as answer:
        body = await answer.read()
        assert answer.status == 200, body
        await sabir.log.records_of(number)
        return answer.headers["x-bt-cached"], body


@pytest.mark.parametrize("live", ["whole", "stream"])
@pytest.mark.parametrize("replayed", ["whole", "stream"])
@pytest.mark.parametrize("case", CASES)
async def test_pitfall_32_a_hit_says_what_the_first_answer_said(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, case: str, live: str, replayed: str
) -> None:
    first_verdict, first = await fetched(sabir, http, case, stream=live == "stream", number=1)
    second_verdict, second = await fetched(sabir, http, case, stream=replayed == "stream", number=2)
    assert (first_verdict, second_verdict) == ("MISS", "HIT")
    assert simulator.calls() == 1

    said = Said.streamed(first) if live == "stream" else Said.whole(first)
    again = Said.streamed(second) if replayed == "stream" else Said.whole(second)
    assert said.choices == again.choices
    assert said.usage == again.usage
    assert said.top == again.top
    assert all(choice["finish_reason"] for choice in again.choices.values())


@pytest.mark.parametrize("case", CASES)
async def test_pitfall_32_a_stream_replayed_from_a_stream_has_its_pieces(
    sabir: Sabir, http: aiohttp.ClientSession, case: str
) -> None:
    first = Said.streamed((await fetched(sabir, http, case, stream=True, number=1))[1])
    again = Said.streamed((await fetched(sabir, http, case, stream=True, number=2))[1])
    # Not as one lump (which a client that counts chunks would take for a stall), give or take the frames that say nothing.
    assert again.frames >= first.frames - 3 > 0


async def test_perplexitys_sources_are_in_a_hit(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    await fetched(sabir, http, "perplexity-text", stream=True, number=1)
    for stream in (False, True):
        verdict, body = await fetched(sabir, http, "perplexity-text", stream=stream, number=2)
        assert verdict == "HIT"
        said = Said.streamed(body) if stream else Said.whole(body)
        assert [source["title"] for source in said.top["search_results"]] == [
            "Proxy server - Wikipedia",
            "RFC 9110: HTTP Semantics",
        ]
        assert said.top["citations"] == [source["url"] for source in said.top["search_results"]]
        assert said.usage["cost"]["request_cost"] == 0.005


async def test_a_replayed_stream_has_usage_only_when_it_is_asked_for(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    await fetched(sabir, http, "openai-text", stream=True, number=1)
    provider, asked = CASES["openai-text"]
    headers = {"authorization": f"Bearer {KEYS[provider]}", **ALWAYS}
    async with http.post(sabir.completions, json=asked | {"stream": True}, headers=headers) as answer:
        assert answer.headers["x-bt-cached"] == "HIT"
        assert b'"usage"' not in await answer.read()


async def test_a_hit_keeps_the_identity_of_the_first_answer(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    """`id`, `created` and `model` are what the provider said, so that a client's own records agree."""
    first = json.loads((await fetched(sabir, http, "anthropic-text", stream=False, number=1))[1])
    sabir.clock.now += 1000
    again = json.loads((await fetched(sabir, http, "anthropic-text", stream=False, number=2))[1])
    assert [first[name] for name in ("id", "created", "model")] == [again[name] for name in ("id", "created", "model")]
