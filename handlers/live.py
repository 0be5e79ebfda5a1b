"""A provider's stream on its way to the client: translated or relayed, and recorded as it passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from handlers.answer import MOST_HELD, Piece
from providers.base import RelayedFrame, stream_of, wire_of
from providers.errors import UpstreamProtocolError
from providers.events import Event, Failed, meaningful

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator
    from contextlib import AbstractAsyncContextManager

    from handlers.metering import Meter
    from handlers.recorder import Recorder
    from infra.upstream import UpstreamResponse
    from providers.base import EventEncoder, Provider, RelayingProvider, RelayStream, StreamTranslator
    from providers.chat import ChatRequest


class Translated:
    """A `RelayStream` whose frames are the dialect's own, made from the translator's events."""

    def __init__(self, translator: StreamTranslator, encoder: EventEncoder) -> None:
        self._translator = translator
        self._encoder = encoder

    def feed(self, data: bytes) -> list[RelayedFrame]:
        return self._frames(self._translator.feed(data))

    def close(self) -> list[RelayedFrame]:
        return self._frames(self._translator.close())

    def _frames(self, events: list[Event]) -> list[RelayedFrame]:
        return [
            RelayedFrame(b"" if isinstance(event, Failed) else self._encoder.feed(event), [event]) for event in events
        ]


def stream_for(provider: Provider, model: str, chat: ChatRequest, encoder: EventEncoder) -> RelayStream:
    """Same wire, same bytes: relayed where client and provider speak alike, translated where not."""
    choices = max(1, chat.n or 1)
    if wire_of(provider, model) == chat.source.wire:
        return cast("RelayingProvider", provider).relay(hide_usage=not chat.include_usage, choices=choices)
    return Translated(stream_of(provider, choices), encoder)


async def live_pieces(
    sent: AbstractAsyncContextManager[UpstreamResponse],
    stream: RelayStream,
    encoder: EventEncoder,
    recorder: Recorder,
    *,
    meter: Meter,
    provider: str,
) -> AsyncGenerator[Piece, None]:
    """Pieces for the client, ending with the dialect's end marker. Raises `UpstreamError` where the provider fails.

    A failure that comes in one chunk with good frames is raised after these have gone out. However it ends, and also
    when nobody wants the rest, the provider is let go: an answer to no one is billed all the same.
    """
    async with sent as upstream:
        async for chunk in upstream.chunks():
            for piece in _pieces(stream.feed(chunk), recorder, meter):
                yield piece
        for piece in _pieces(stream.close(), recorder, meter):
            yield piece
    if not meter.began:
        raise UpstreamProtocolError("the provider's stream ended before it said anything", provider=provider)
    recorder.complete()
    yield Piece(encoder.close(), meaningful=True)


async def opening(pieces: AsyncGenerator[Piece, None]) -> list[Piece]:
    """The pieces up to the first meaningful one, which `pieces` goes on after; they are few, or it is taken for one."""
    held: list[Piece] = []
    size = 0
    async for piece in pieces:
        held.append(piece)
        size += len(piece.data)
        if piece.meaningful or size > MOST_HELD:
            break
    return held


def _pieces(frames: list[RelayedFrame], recorder: Recorder, meter: Meter) -> Iterator[Piece]:
    """At most one piece for the frames of one chunk: a write for each would cost more than the translation."""
    sound: list[RelayedFrame] = []
    failed: Failed | None = None
    for frame in frames:
        failed = next((event for event in frame.events if isinstance(event, Failed)), None)
        if failed is not None:
            break
        sound.append(frame)
    events = [event for frame in sound for event in frame.events]
    recorder.record(events)
    meter.read(events)
    data = b"".join([frame.raw for frame in sound])
    if data or events:
        yield Piece(data, any(map(meaningful, events)))
    if failed is not None:
        raise failed.error
