"""A routed request and its answer: replayed from the cache, or fetched from the provider and recorded."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from cache.sealed_cache import Hit, Miss, Stored
from handlers.answer import Piece, Streamed, Whole
from handlers.headers import cache_headers, dropped_names, for_client
from handlers.live import live_pieces, stream_for
from handlers.recorder import Recorder
from providers.base import Stamp
from providers.completion import fold, unfold
from providers.errors import UpstreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping

    from cache.sealed_cache import Handle
    from handlers.record import RequestRecord
    from handlers.services import Services
    from infra.upstream import UpstreamResponse
    from providers.base import Dialect, EventEncoder, Provider, Target, UpstreamRequest
    from providers.chat import ChatRequest
    from providers.events import Event


# 206 and 204 are no whole answers, and no provider says a completion with another 2xx.
_ANSWERED: Final = frozenset({200, 201})


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came in: `headers` with lower-case names, `body` decompressed, `endpoint` less its prefix."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    endpoint: str
    dialect: Dialect
    record: RequestRecord


@dataclass(frozen=True, slots=True)
class Exchange:
    """What replaying and forwarding have in common."""

    asked: Asked
    chat: ChatRequest
    target: Target
    provider: Provider
    services: Services

    def replay(self, events: list[Event], hit: Hit) -> Whole | Streamed:
        """The stored events, through the same encoder as live ones."""
        self.asked.record.cache = "hit"
        headers = self._headers(hit)
        if not self.chat.stream:
            return Whole(200, _json(headers), self.asked.dialect.completion(fold(events), self._stamp()))
        encoder = self._encoder(self._stamp())
        pieces = _replayed([encoder.feed(event) for event in events], encoder.close())
        return Streamed(headers, pieces, encoder, self.services.settings.timeouts)

    async def forward(self, miss: Miss) -> Whole | Streamed:
        """Ask the provider. Raises `SabirError`; a stream is asked for, and fails, when its first piece is wanted."""
        self.asked.record.cache, self.asked.record.cache_fault = miss.reason, miss.fault or None
        translated = self.provider.request(self.chat, self.target)
        dropped = dropped_names(translated.dropped)
        self.asked.record.dropped = dropped
        headers = self._headers(miss, dropped)
        if self.chat.stream:
            return self._streamed(translated.request, headers, miss.handle)
        return await self._whole(translated.request, headers, miss.handle)

    @asynccontextmanager
    async def _sent(self, request: UpstreamRequest, headers: dict[str, str]) -> AsyncIterator[UpstreamResponse]:
        """The provider's answer, let go however it ends; what the client may see of its headers joins `headers`."""
        upstream = await self.services.upstream.send(request, self.target.provider)
        try:
            if upstream.status not in _ANSWERED:
                raise self.provider.error(upstream.status, upstream.headers, await upstream.read_error())
            headers |= {**for_client(upstream.headers), **headers}
            yield upstream
        except UpstreamError as error:
            error.redact(self.target.credential.secret)
            raise
        finally:
            upstream.close()

    async def _whole(self, request: UpstreamRequest, headers: dict[str, str], handle: Handle | None) -> Whole:
        async with self._sent(request, headers) as upstream:
            body = await upstream.read()
            done = self.provider.response(body)
        stamp = self._stamp()
        recorder = self._recorder(stamp)
        recorder.record(unfold(done))
        recorder.complete()
        if self.provider.wire != self.chat.source.wire:
            body = self.asked.dialect.completion(done, stamp)
        return Whole(200, _json(headers), body, self._keep(handle, recorder))

    def _streamed(self, request: UpstreamRequest, headers: dict[str, str], handle: Handle | None) -> Streamed:
        """Nothing is sent yet: a provider may think before it sends its head, and the line is kept alive then too."""
        stamp = self._stamp()
        encoder = self._encoder(stamp)
        recorder = self._recorder(stamp)
        stream = stream_for(self.provider, self.chat, encoder)
        pieces = live_pieces(self._sent(request, headers), stream, encoder, recorder)
        return Streamed(headers, pieces, encoder, self.services.settings.timeouts, self._keep(handle, recorder))

    def _keep(self, handle: Handle | None, recorder: Recorder) -> Callable[[], Awaitable[None]]:
        async def keep() -> None:
            if handle is None:
                return
            payload, outcome = recorder.finished()
            kept = await self.services.cache.put(handle, payload, outcome, now=int(self.services.now()))
            if isinstance(kept, Stored):
                self.asked.record.stored = "stored"
            else:
                self.asked.record.stored = kept.reason
                self.asked.record.cache_fault = kept.fault or self.asked.record.cache_fault

        return keep

    def _encoder(self, stamp: Stamp) -> EventEncoder:
        return self.asked.dialect.encoder(stamp, include_usage=self.chat.include_usage)

    def _recorder(self, stamp: Stamp) -> Recorder:
        return Recorder(stamp, limit=self.services.settings.max_recorded)

    def _stamp(self) -> Stamp:
        return Stamp(f"chatcmpl-{self.asked.record.request_id}", int(self.services.now()), self.target.model)

    def _headers(self, verdict: Hit | Miss, dropped: tuple[str, ...] = ()) -> dict[str, str]:
        headers = {**cache_headers(verdict), "x-bt-used-endpoint": self.target.provider}
        return {**headers, "x-sabir-dropped-params": ", ".join(dropped)} if dropped else headers


async def _replayed(frames: list[bytes], end: bytes) -> AsyncGenerator[Piece, None]:
    """A hit in one write: its frames are apart, as the client's parser wants them, but nobody waits between them."""
    yield Piece(b"".join([*frames, end]), meaningful=True)


def _json(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "content-type": "application/json"}
