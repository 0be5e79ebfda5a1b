"""What must never be stored, and what outlives a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.rig import KEYS, PROVIDERS, Clock, asked, serve_process
from tests.simulator import Cut, NoEndMark, Reset, Say, StreamError

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from handlers.services import Services
    from tests.contract.rig import Sabir
    from tests.simulator import Fault, Simulator

Start = Any


BROKEN_OFF: Final[dict[str, Fault]] = {
    "truncated": NoEndMark(),
    "cut": Cut(after=4),
    "reset": Reset(after=4),
}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_26_an_error_in_the_stream_is_not_stored(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str
) -> None:
    simulator.next(StreamError(after=4))
    verdict, _, body = await asked(sabir, http, provider, stream=True)
    assert verdict == "MISS"
    assert b'"error"' in body
    assert sabir.log.records[-1].stored == "incomplete"
    assert (await asked(sabir, http, provider))[0] == "MISS"
    assert (await asked(sabir, http, provider))[0] == "HIT"


@pytest.mark.parametrize("fault", BROKEN_OFF)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_pitfall_27_a_truncated_stream_is_not_stored(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str, fault: str
) -> None:
    simulator.next(BROKEN_OFF[fault])
    _, _, body = await asked(sabir, http, provider, stream=True)
    assert b"[DONE]" not in body
    assert sabir.log.records[-1].stored in ("incomplete", None)
    verdict, _, body = await asked(sabir, http, provider, stream=True)
    assert verdict == "MISS"
    assert body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize(
    ("provider", "finish"),
    [("openai", "length"), ("openai", "content_filter"), ("anthropic", "max_tokens"), ("anthropic", "refusal"),
     ("anthropic", "model_context_window_exceeded"), ("perplexity", "length")],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_cut_short_or_taken_away_is_not_stored(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, provider: str, finish: str, stream: bool
) -> None:
    simulator.next(Say("half an ans", finish=finish))
    await asked(sabir, http, provider, stream=stream)
    assert sabir.log.records[-1].stored == "finish"
    assert (await asked(sabir, http, provider, stream=stream))[0] == "MISS"


async def test_an_answer_over_the_limit_is_not_stored_and_reaches_the_client_whole(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    def small(services: Services) -> Services:
        return replace(services, settings=replace(services.settings, max_recorded=500))

    sabir = await start(change=small)
    for stream in (False, True):
        simulator.next(Say("long " * 400))
        verdict, _, body = await asked(sabir, http, stream=stream)
        assert verdict == "MISS"
        assert body.count(b"long") == 400
        assert sabir.log.records[-1].stored == "too-large"


async def stored(cache_file: Path, entries: int) -> None:
    """Waits until another process has written so many entries: only the file can tell."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.closing(sqlite3.connect(cache_file)) as connection, contextlib.suppress(sqlite3.Error):
                if connection.execute("SELECT count(*) FROM entries").fetchone()[0] >= entries:
                    return
            await asyncio.sleep(0.01)


# --- what outlives a process ------------------------------------------------------------------------------------------


async def test_an_entry_survives_a_restart(start: Start, simulator: Simulator, http: aiohttp.ClientSession) -> None:
    clock = Clock()
    before = await start(clock=clock)
    first = await asked(before, http)
    clock.now += 30
    after = await start(clock=clock)
    again = await asked(after, http)
    assert (first[0], again[0]) == ("MISS", "HIT")
    assert json.loads(again[2])["choices"][0]["message"]["content"] in first[2].decode()
    assert simulator.calls() == 1


@pytest.mark.slow
async def test_two_processes_share_one_cache_file(
    simulator: Simulator, http: aiohttp.ClientSession, cache_file: Path
) -> None:
    headers = {"authorization": f"Bearer {KEYS['openai']}"}
    args = ("--cache", str(cache_file), "--quiet")
    env = {**simulator.environment(), "SABIR_CACHE_READ_MS": "10000"}
    async with serve_process(*args, env=env) as (one, _), serve_process(*args, env=env) as (other, _):
        verdicts = []
        for number, (left, right) in enumerate([(one, other), (other, one)] * 2):
            body = {"model": "gpt-4", "messages": [{"role": "user", "content": f"Say {number}"}], "temperature": 0}
            for url in (left, right, left):
                async with http.post(f"{url}/chat/completions", json=body, headers=headers) as answer:
                    await answer.read()
                    verdicts.append(answer.headers["x-bt-cached"])
                await stored(cache_file, number + 1)
        assert verdicts == ["MISS", "HIT", "HIT"] * 4
    assert simulator.calls() == 4
