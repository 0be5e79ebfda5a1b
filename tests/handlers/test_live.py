"""A provider's stream piece by piece, without a network."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from handlers.live import live_pieces, stream_for
from handlers.metering import Meter
from handlers.recorder import Recorder
from providers import registry
from providers.base import Stamp
from providers.dialects import openai
from providers.errors import UpstreamTruncated

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

STAMP = Stamp("id", 0, "model")
CHAT = openai.DIALECT.parse(b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "x"}]}')
LAST = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"whole"},"finish_reason":"stop"}]}'


class Answer:
    """What `Upstream.send` gives, less the network."""

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks
        self.closed = False

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk

    @asynccontextmanager
    async def sent(self) -> AsyncIterator[Any]:
        try:
            yield self
        finally:
            self.closed = True


async def pieces_of(answer: Answer, provider: str) -> tuple[list[bytes], bool]:
    """The bytes for the client, and whether the answer may be kept."""
    encoder = openai.DIALECT.encoder(STAMP, include_usage=False)
    recorder = Recorder(STAMP, limit=10_000)
    stream = stream_for(registry.find(provider), "m", CHAT, encoder)
    pieces = [
        piece.data
        async for piece in live_pieces(answer.sent(), stream, encoder, recorder, meter=Meter(), provider="openai")
    ]
    return pieces, recorder.finished()[1].complete


async def test_a_last_frame_without_its_blank_line_is_not_lost() -> None:
    answer = Answer(LAST)
    assert await pieces_of(answer, "perplexity") == ([LAST + b"\n\n", b"data: [DONE]\n\n"], True)
    assert answer.closed


async def test_frames_of_one_chunk_are_one_piece() -> None:
    pieces, _ = await pieces_of(Answer((LAST + b"\n\n") * 3, LAST + b"\n\n"), "perplexity")
    assert [piece.count(b"data: {") for piece in pieces] == [3, 1, 0]


async def test_pitfall_27_a_stream_that_ends_too_soon_is_a_failure_and_the_provider_is_let_go() -> None:
    answer = Answer(LAST + b"\n\n")
    with pytest.raises(UpstreamTruncated):
        await pieces_of(answer, "openai")
    assert answer.closed


@pytest.mark.parametrize("provider", ["openai", "anthropic", "perplexity"])
async def test_pitfall_40_pieces_that_nobody_wants_any_more_let_the_provider_go(provider: str) -> None:
    first = {
        "openai": LAST + b"\n\n",
        "perplexity": LAST + b"\n\n",
        "anthropic": b'event: message_start\ndata: {"type":"message_start","message":{"id":"1","model":"m",'
        b'"role":"assistant","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}\n\n',
    }[provider]
    answer = Answer(first, b"", b"")
    encoder = openai.DIALECT.encoder(STAMP, include_usage=False)
    stream = stream_for(registry.find(provider), "m", CHAT, encoder)
    pieces = live_pieces(
        answer.sent(), stream, encoder, Recorder(STAMP, limit=10_000), meter=Meter(), provider="openai"
    )
    await anext(pieces)
    assert not answer.closed
    await pieces.aclose()
    assert answer.closed
