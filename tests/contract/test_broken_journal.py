"""A store of records or an exporter that is down, slow or full changes nothing for the client."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from handlers.journal import Journal
from tests.contract.rig import BEARER, GOOD, Records

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import aiohttp

    from handlers.services import Services
    from infra.requests.record import RequestRecord
    from infra.requests.sink import Sink
    from tests.contract.rig import Sabir

Start = Any
PATIENCE = 20.0


class Down:
    async def keep(self, record: RequestRecord) -> None:
        raise ConnectionRefusedError

    async def close(self) -> None:
        return None


class Stuck(Down):
    """Takes nothing until it is let go."""

    def __init__(self) -> None:
        self.held: asyncio.Queue[RequestRecord] = asyncio.Queue()
        self.go = asyncio.Event()

    async def keep(self, record: RequestRecord) -> None:
        self.held.put_nowait(record)
        await self.go.wait()


class Full(Down):
    async def keep(self, record: RequestRecord) -> None:
        raise OSError(28, "No space left on device")


async def started(
    start: Start, env: Mapping[str, str] | None = None, *, patience: float = PATIENCE, **sinks: Sink
) -> tuple[Sabir, Records]:
    log = Records()

    def with_sinks(services: Services) -> Services:
        return replace(services, journal=Journal(log, sinks, patience))

    return await start(env, change=with_sinks), log


async def ask(sabir: Sabir, http: aiohttp.ClientSession, **more: Any) -> tuple[int, dict[str, str], bytes]:
    async with http.post(sabir.completions, json={**GOOD, **more}, headers=BEARER) as answer:
        body = await answer.read()
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, body


def alike(heard: tuple[int, dict[str, str], bytes]) -> tuple[int, dict[str, str], Any]:
    """Without what no two answers have in common: ids and times."""
    status, headers, body = heard
    passing = {"server-timing", "x-request-id", "x-upstream-request-id", "content-length", "openai-processing-ms"}
    frames = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(b"data: {")]
    said = [json.loads(each) for each in (frames or [body])]
    kept = {name: value for name, value in headers.items() if name not in passing}
    return status, kept, [{**answer, "id": "", "created": 0} for answer in said]


REQUESTS: list[dict[str, Any]] = [
    {},
    {"stream": True},
    {"seed": 1},
    {"seed": 1},
    {"temperature": "hot"},
    {"model": "nobodys"},
]


@pytest.mark.parametrize("sink", [Down(), Full()], ids=["down", "full"])
async def test_the_client_hears_the_same_whatever_became_of_the_record(
    start: Start, http: aiohttp.ClientSession, tmp_path: Path, sink: Sink
) -> None:
    good, _ = await started(start)
    heard = [await ask(good, http, **more) for more in REQUESTS]
    bad, log = await started(start, {"SABIR_CACHE_PATH": str(tmp_path / "other.db")}, broken=sink)
    again = [await ask(bad, http, **more) for more in REQUESTS]
    assert [alike(each) for each in again] == [alike(each) for each in heard]
    assert [status for status, _, _ in heard] == [200, 200, 200, 200, 400, 404]
    records = await log.records_of(len(REQUESTS))
    assert [record.unkept for record in records] == [("broken",)] * len(REQUESTS)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_sink_that_takes_its_time_holds_up_no_answer_and_no_other_request(
    start: Start, http: aiohttp.ClientSession, stream: bool
) -> None:
    """All of it is out before the sink is even done, and the next one is served on the same connection."""
    stuck = Stuck()
    sabir, log = await started(start, stuck=stuck)
    for _ in range(3):
        status, _, body = await asyncio.wait_for(ask(sabir, http, stream=stream), PATIENCE)
        assert status == 200
        assert body.endswith(b"data: [DONE]\n\n") if stream else json.loads(body)["choices"]
        held = await asyncio.wait_for(stuck.held.get(), PATIENCE)
        assert held.total_ms is not None
    assert log.records == []
    stuck.go.set()
    assert [record.unkept for record in await log.records_of(3)] == [(), (), ()]


async def test_a_sink_that_never_ends_is_given_up(start: Start, http: aiohttp.ClientSession) -> None:
    sabir, log = await started(start, patience=0.05, stuck=Stuck())
    await ask(sabir, http)
    assert (await log.last(1)).unkept == ("stuck",)
