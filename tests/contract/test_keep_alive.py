"""A model that thinks for long: the line is kept alive, and what fails late is told in the stream."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.rig import PROVIDERS, bearer, body_of
from tests.simulator import Hang, Say, StreamError

if TYPE_CHECKING:
    import aiohttp

    from tests.simulator import Simulator

Start = Any

EAGER: Final = {"SABIR_FIRST_EVENT_SECONDS": "0.02", "SABIR_PING_SECONDS": "0.02"}
PING: Final = b": ping\n\n"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_stream_is_kept_alive_by_comments_until_the_model_speaks(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    sabir = await start(EAGER)
    simulator.next(Say("at last"))
    simulator.hold()
    async with http.post(sabir.completions, json=body_of(provider, stream=True), headers=bearer(provider)) as answer:
        assert (answer.status, answer.headers["x-bt-cached"]) == (200, "MISS")
        assert await answer.content.readexactly(2 * len(PING)) == 2 * PING
        simulator.release()
        rest = await answer.content.read()
    assert rest.endswith(b"data: [DONE]\n\n")
    frames = [frame for frame in rest.replace(b"\r\n", b"\n").split(b"\n\n") if frame.startswith(b"data: {")]
    text = "".join(
        (choice["delta"].get("content") or "") for frame in frames for choice in json.loads(frame[6:])["choices"]
    )
    assert text == "at last"
    assert (await sabir.log.last(1)).stored == "stored"


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_failure_after_the_first_comment_is_an_error_in_the_stream(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    sabir = await start(EAGER)
    simulator.next(StreamError(after=0))
    simulator.hold()
    async with http.post(sabir.completions, json=body_of(provider, stream=True), headers=bearer(provider)) as answer:
        assert await answer.content.readexactly(len(PING)) == PING
        simulator.release()
        rest = (await answer.content.read()).replace(PING, b"")
    assert json.loads(rest.removeprefix(b"data: "))["error"]["type"]
    record = await sabir.log.last(1)
    assert (record.status, record.stored) == (200, "incomplete")
    assert record.error


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_the_line_is_kept_alive_for_a_provider_that_has_not_even_sent_its_head(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    sabir = await start(EAGER)
    simulator.next(Hang())
    async with http.post(sabir.completions, json=body_of(provider, stream=True), headers=bearer(provider)) as answer:
        assert (answer.status, answer.headers["x-bt-used-endpoint"]) == (200, provider)
        assert await answer.content.readexactly(2 * len(PING)) == 2 * PING
        answer.close()
    (seen,) = simulator.requests
    await asyncio.wait_for(seen.finished(), 20)
    assert seen.client_gone
    assert (await sabir.log.last(1)).error == "client_gone"


async def test_the_sdk_reads_over_the_comments(start: Start, simulator: Simulator) -> None:
    sabir = await start(EAGER)
    simulator.hold()
    asking = asyncio.create_task(sabir.client_of("openai").chat.completions.create(**body_of("openai", stream=True)))
    stream = await asking  # the status came while the model was still held
    simulator.release()
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


async def test_a_whole_answer_is_waited_for_in_silence(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    sabir = await start(EAGER)
    simulator.hold()
    asking = asyncio.create_task(
        http.post(sabir.completions, json=body_of("openai", stream=False), headers=bearer("openai"))
    )
    await simulator.seen()
    await simulator.gate.reached()
    simulator.release()
    answer = await asking
    assert (answer.status, json.loads(await answer.read())["object"]) == (200, "chat.completion")
