"""Recordings come out of the replay server as they went in, in whatever chunks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.simulator import Recording, ReplayServer

if TYPE_CHECKING:
    import aiohttp

    from tests.simulator.replay import Chunking

WIRE = Path(__file__).parents[3] / "shared" / "wire"
MIXED = Recording(200, (("content-type", "text/event-stream"),), "data: é\n\ndata: 2\r\n\r\nid: 3\n\ndata: 海".encode())


@pytest.mark.parametrize(
    ("chunking", "lengths"),
    [
        ("whole", [31]),
        ("bytes", [1] * 31),
        ("events", [10, 11, 7, 9 - 6]),
        (20, [20, 11]),
    ],
)
async def test_the_same_bytes_come_in_the_chunks_asked_for(
    http: aiohttp.ClientSession, chunking: Chunking, lengths: list[int]
) -> None:
    body = MIXED.body
    async with ReplayServer(MIXED, chunking) as server, http.post(server.url + "/any/path", data=b"{}") as response:
        pieces = [piece async for piece, _ in response.content.iter_chunks() if piece]
        assert ("content-length" in response.headers) == (chunking == "whole")
    assert b"".join(pieces) == body
    if chunking == "events":
        assert pieces == MIXED.events()
        assert [piece[:4] for piece in pieces] == [b"data", b"data", b"id: ", b"data"]
    elif chunking != "whole":
        assert {len(piece) for piece in pieces[:-1]} == {lengths[0]}


async def test_the_request_is_recorded_and_the_recording_may_be_changed(http: aiohttp.ClientSession) -> None:
    async with ReplayServer(MIXED) as server:
        await (await http.post(server.url + "/a", data=b"{}")).read()
        server.recording = Recording(418, (), b"tea")
        async with http.get(server.url + "/b") as response:
            assert (response.status, await response.read()) == (418, b"tea")
        assert [seen.path for seen in await server.seen(2)] == ["/a", "/b"]


@pytest.mark.skipif(not WIRE.exists(), reason="the recorded traffic is not beside this checkout")
async def test_a_recorded_exchange_keeps_its_status_body_and_only_the_headers_that_still_fit(
    http: aiohttp.ClientSession,
) -> None:
    path = WIRE / "anthropic/messages/llm-anthropic--anthropic-test-prompt-with-prefill-and-stop-sequences.json"
    recording = Recording.load(path)
    async with ReplayServer(recording, "events") as server, http.post(server.url) as response:
        assert await response.read() == recording.body
        assert response.headers["request-id"].startswith("req_")
        assert "content-encoding" not in response.headers
    assert len(recording.events()) == recording.body.count(b"\n\n")
