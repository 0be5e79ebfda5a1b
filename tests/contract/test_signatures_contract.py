"""A client that sends back what it was shown of a tool call, and nothing of the thinking before it."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from cache.errors import CacheFault
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import KEYS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from openai import AsyncOpenAI

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
CLAUDE: Final = "claude-sonnet-4-5"
WEATHER: Final = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ASKED: Final = {"role": "user", "content": 'Use the weather tool for "Oslo"'}
THINKING: Final[dict[str, Any]] = {"tools": [WEATHER], "max_tokens": 4000, "reasoning_effort": "low"}


async def first_turn(client: AsyncOpenAI, model: str = CLAUDE, *, stream: bool = False, **more: Any) -> dict[str, Any]:
    """The assistant's message as a plain client keeps it: content and tool calls."""
    wanted: Any = {"model": model, "messages": [ASKED], **THINKING, **more}
    if not stream:
        message = (await client.chat.completions.create(**wanted)).choices[0].message
        calls = [call.model_dump() for call in message.tool_calls or ()]
        return {"role": "assistant", "content": message.content, "tool_calls": [_plain(call) for call in calls]}
    built: dict[int, dict[str, Any]] = {}
    async for chunk in await client.chat.completions.create(**wanted, stream=True):
        for piece in chunk.choices[0].delta.tool_calls or () if chunk.choices else ():
            call = built.setdefault(piece.index, {"id": piece.id, "name": piece.function.name, "arguments": ""})
            call["arguments"] += piece.function.arguments or ""
    calls = [{"id": call["id"], "function": {k: call[k] for k in ("name", "arguments")}} for call in built.values()]
    return {"role": "assistant", "content": None, "tool_calls": [_plain(call) for call in calls]}


def _plain(call: dict[str, Any]) -> dict[str, Any]:
    function = {name: call["function"][name] for name in ("name", "arguments")}
    return {"id": call["id"], "type": "function", "function": function}


async def second_turn(client: AsyncOpenAI, said: dict[str, Any], model: str = CLAUDE, **more: Any) -> Any:
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "4 degrees"} for call in said["tool_calls"]]
    wanted: Any = {"model": model, "messages": [ASKED, said, *results], **THINKING, **more}
    return await client.chat.completions.create(**wanted)


def sealed_in(body: Any) -> list[str]:
    blocks = [
        block for message in body["messages"] if isinstance(message["content"], list) for block in message["content"]
    ]
    return [block.get("signature") or block.get("data") for block in blocks if "thinking" in block["type"]]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_client_dropped_goes_back_and_nothing_is_refused(
    sabir: Sabir, simulator: Simulator, stream: bool
) -> None:
    client = sabir.client_of("anthropic")
    said = await first_turn(client, stream=stream)
    assert said["tool_calls"]
    assert (await second_turn(client, said)).choices[0].message.content
    first, second = simulator.requests
    assert sealed_in(first.json) == []
    assert len(sealed_in(second.json)) == 1
    assert second.json["thinking"]["type"] == "enabled"


async def test_it_survives_a_restart_and_serves_every_sandbox(start: Start, sabir: Sabir, simulator: Simulator) -> None:
    said = await first_turn(sabir.client_of("anthropic"))
    await sabir.log.records_of(1)
    other = await start(clock=sabir.clock)
    await second_turn(other.client_of("anthropic"), said)
    assert len(sealed_in(simulator.requests[1].json)) == 1


async def test_a_member_of_an_org_has_it_too(start: Start, simulator: Simulator, tmp_path: Path) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("anthropic")])
    client = sabir.openai(await acme.key())
    await second_turn(client, await first_turn(client))
    assert len(sealed_in(simulator.requests[1].json)) == 1


@pytest.mark.parametrize("forgotten", ["another key", "a day later", "never", "no-store", "other arguments"])
async def test_what_is_not_this_callers_call_of_today_finds_nothing(
    sabir: Sabir, simulator: Simulator, forgotten: str
) -> None:
    headers = {"never": {"x-bt-use-cache": "never"}, "no-store": {"cache-control": "no-store"}}.get(forgotten)
    client = sabir.openai(KEYS["anthropic"], headers=headers)
    said = await first_turn(client)
    await sabir.log.records_of(1)
    if forgotten == "another key":
        client = sabir.openai("sk-ant-of-somebody-else")
    elif forgotten == "a day later":
        sabir.clock.now += 86_400
    elif forgotten == "other arguments":
        said["tool_calls"][0]["function"]["arguments"] = '{"city": "Rome"}'
    await second_turn(client, said)
    assert sealed_in(simulator.requests[1].json) == []


async def test_what_the_client_sends_back_itself_is_what_goes(sabir: Sabir, simulator: Simulator) -> None:
    client = sabir.client_of("anthropic")
    wanted: Any = {"model": CLAUDE, "messages": [ASKED], **THINKING}
    message = (await client.chat.completions.create(**wanted)).choices[0].message
    whole = message.model_dump(exclude_none=True)
    await second_turn(client, whole)
    assert len(sealed_in(simulator.requests[1].json)) == 1


async def test_a_store_that_is_out_is_no_ones_trouble(sabir: Sabir, simulator: Simulator) -> None:
    class Out:
        async def get(self, *_: Any, **__: Any) -> Any:
            raise CacheFault("out")

        put = get

    client = sabir.client_of("anthropic")
    said = await first_turn(client)
    await sabir.log.records_of(1)
    sidecar: Any = sabir.services.sidecar
    sidecar._store = Out()
    assert (await second_turn(client, said)).choices[0].message.content
    assert (await sabir.log.last(2)).cache_fault == "out"
    assert sealed_in(simulator.requests[1].json) == []


async def test_a_host_of_the_clients_own_wire_gets_the_clients_own_bytes(sabir: Sabir, simulator: Simulator) -> None:
    client = sabir.client_of("openai")
    said = {"role": "assistant", "content": None, "tool_calls": [_plain({"id": "call_1", "function": {"name": "weather", "arguments": "{}"}})]}  # fmt: skip
    await client.chat.completions.create(
        model="gpt-4",
        messages=[ASKED, said, {"role": "tool", "tool_call_id": "call_1", "content": "x"}],  # type: ignore[list-item]
    )
    assert simulator.requests[0].json["messages"][1] == said
    assert sabir.services.sidecar.counters.absent == 0, "the store was not asked"


async def test_what_nobody_takes_back_is_not_kept(start: Start) -> None:
    """OpenRouter's own wire is the client's: its signed details reach the client, whose matter they are."""
    detail = {"type": "reasoning.text", "text": "hm", "signature": "c2lnbmVk", "format": "anthropic-claude-v1"}
    call = _plain({"id": "call_1", "function": {"name": "weather", "arguments": "{}"}})
    message = {"role": "assistant", "content": None, "tool_calls": [call], "reasoning_details": [detail]}
    body = {"id": "x", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(body)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        sabir = await start({"OPENROUTER_BASE_URL": f"http://127.0.0.1:{server.port}"})
        said = await first_turn(sabir.openai("sk-or-v1-of-a-test"), "openrouter/anthropic/claude-sonnet-4.5")
        assert said["tool_calls"][0]["id"] == "call_1"
        await sabir.log.records_of(1)
    assert sabir.services.sidecar.counters.kept == 0


# --- Gemini, which refuses a call whose signature is lost (ai.google.dev/gemini-api/docs/thought-signatures) ------


@asynccontextmanager
async def gemini(seen: list[Any]) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        body = await request.json()
        seen.append(body)
        for content in body["contents"]:
            for part in content["parts"]:
                if "functionCall" in part and part.get("thoughtSignature") != "c2lnbmVk":
                    error = {"code": 400, "message": "Function call is missing a thought_signature", "status": "INVALID_ARGUMENT"}  # fmt: skip
                    return web.json_response({"error": error}, status=400)
        called = {"functionCall": {"name": "weather", "args": {"city": "Oslo"}}, "thoughtSignature": "c2lnbmVk"}
        part = {"text": "4 degrees"} if len(body["contents"]) > 1 else called
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        return web.json_response({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1}})

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}"


async def test_geminis_signature_returns_with_its_call(start: Start) -> None:
    seen: list[Any] = []
    async with gemini(seen) as url:
        sabir = await start({"GOOGLE_BASE_URL": url})
        client = sabir.openai("AIzaSyKeyOfATest")
        said = await first_turn(client, "gemini-3-pro-preview")
        answer = await second_turn(client, said, "gemini-3-pro-preview")
    assert answer.choices[0].message.content == "4 degrees"
    assert json.dumps(seen[1]).count("c2lnbmVk") == 1
