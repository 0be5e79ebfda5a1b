"""A routed request and its answer: replayed from the cache, or fetched from a provider and recorded."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from handlers.answer import Piece, Streamed, Whole
from handlers.caller import Member
from handlers.calls import keep, note_miss, sent, too_slow
from handlers.course import Course
from handlers.headers import cache_headers, cost_headers
from handlers.live import live_pieces, opening, stream_for
from handlers.metering import Meter
from handlers.recorder import Recorder
from handlers.sidecar import completed
from handlers.tab import Counted
from handlers.tags import model_name
from providers import codec, estimate
from providers.base import Stamp, wire_of
from providers.completion import fold, unfold
from providers.errors import UpstreamError
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from cache.sealed_cache import Handle, Hit, Miss
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.course import Turn
    from handlers.services import Services
    from handlers.sidecar import Signatures
    from handlers.tab import Tab
    from infra.upstream import UpstreamResponse
    from providers.base import EventEncoder, Provider, RelayingProvider, Target, Translated
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.events import Event
    from providers.routing.plan import Plan


@dataclass(slots=True)
class _Attempt:
    """One try's own view of the answer: nothing of a try that failed may show in the next one."""

    turn: Turn
    encoder: EventEncoder
    recorder: Recorder
    meter: Meter


@dataclass(slots=True)
class _UnderWay:
    """The try that the client hears, or will."""

    attempt: _Attempt

    def encode(self, event: Event) -> bytes:
        return self.attempt.encoder.feed(event)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What replaying and forwarding have in common. `tab`: what the request runs up, for its limits."""

    asked: Asked
    chat: ChatRequest
    caller: Caller
    plan: Plan
    tab: Tab
    services: Services
    signatures: Signatures

    def opened(self, hit: Hit) -> list[Event] | None:
        """The stored events; None where a later or broken release wrote what this one cannot read."""
        try:
            return codec.decode_events(hit.entry.payload)
        except codec.UnreadableEvents:
            return None

    async def replay(self, events: list[Event], hit: Hit) -> Whole | Streamed:
        """The stored events, through the same encoder as live ones."""
        self._note_hit(events)
        self.signatures.keep(events, self.chat, self.plan.static)
        endpoint = self.plan.static.endpoint.name
        headers = {**cache_headers(hit), "x-bt-used-endpoint": endpoint, **self.asked.notes}
        stamp = self._stamp(self.plan.static.model)
        if not self.chat.stream:
            return Whole(200, _json(headers), self.asked.dialect.completion(fold(events), stamp))
        encoder = self._encoder(stamp)
        pieces = _replayed([encoder.feed(event) for event in events], encoder.close())
        times, told = self.services.settings.timeouts, partial(self._told, events, stamp)
        return Streamed(headers, pieces, encoder.content_type, encoder.feed, times, told=told)

    async def forward(self, miss: Miss) -> Whole | Streamed:
        """Ask the providers. Raises `SabirError`; a stream is asked for, and fails, when its first piece is wanted.

        What the request itself forbids is known before: the first try is made ready at once.
        """
        note_miss(self.asked, miss)
        self.asked.notes.update(cache_headers(miss))
        found = await self.signatures.found(self.chat, self.plan)

        def translated(provider: Provider, target: Target) -> Translated:
            return provider.request(completed(self.chat, found, provider, target.model), target)

        course = Course(
            self.asked, self.caller, self.plan, self.services, translate=translated, streamed=self.chat.stream
        )
        turn = await course.turn()
        if self.chat.stream:
            return self._streamed(course, turn, miss.handle)
        return await self._whole(course, turn, miss.handle)

    async def _whole(self, course: Course, turn: Turn, handle: Handle | None) -> Whole:
        while True:
            attempt = self._attempt(turn)
            headers: dict[str, str] = {}
            try:
                body, done = await self._fetched(turn, headers)
            except UpstreamError as error:
                course.failed(turn, error)
                turn = await course.turn()
            except asyncio.CancelledError:
                self._charge_unheard(turn)
                raise
            else:
                break
        course.answered(turn)
        events = unfold(done)
        attempt.recorder.record(events)
        attempt.recorder.complete()
        attempt.meter.read(events)
        self.signatures.keep(events, self.chat, turn.leg)
        self._charge(attempt)
        if wire_of(turn.provider, turn.leg.model) != self.chat.source.wire:
            body = self.asked.dialect.completion(done, self._stamp(turn.leg.model))
        else:
            body = cast("RelayingProvider", turn.provider).relayed(body, done)
        headers |= cost_headers(self.tab)
        return Whole(200, _json(headers), body, self._keep(handle, attempt))

    async def _fetched(self, turn: Turn, headers: dict[str, str]) -> tuple[bytes, Completion]:
        try:
            async with asyncio.timeout(turn.patience):
                async with self._sent(turn, headers) as upstream:
                    body = await upstream.read()
                    return body, turn.provider.response(body)
        except TimeoutError:
            raise too_slow(turn) from None

    def _streamed(self, course: Course, turn: Turn, handle: Handle | None) -> Streamed:
        """Nothing is sent yet: a provider may think before it sends its head, and the line is kept alive then too."""
        under_way = _UnderWay(self._attempt(turn))
        headers = dict(self.asked.notes)

        async def kept() -> None:
            await self._keep(handle, under_way.attempt)()

        def told() -> bytes | None:
            recorder, model = under_way.attempt.recorder, under_way.attempt.turn.leg.model
            return None if recorder.overlong else self._told(recorder.events, self._stamp(model))

        return Streamed(
            headers,
            self._pieces(course, under_way, headers),
            under_way.attempt.encoder.content_type,
            under_way.encode,
            self.services.settings.timeouts,
            kept,
            told,
        )

    async def _pieces(
        self, course: Course, under_way: _UnderWay, headers: dict[str, str]
    ) -> AsyncGenerator[Piece, None]:
        """Of the first try that gets as far as a meaningful piece; what the others said the client never sees."""
        while True:
            attempt = under_way.attempt
            async with aclosing(self._live(attempt, headers)) as live:
                try:
                    first = await _opening(live, attempt.turn)
                except UpstreamError as error:
                    self._charge(attempt)
                    course.failed(attempt.turn, error)
                    under_way.attempt = self._attempt(await course.turn())
                    continue
                except asyncio.CancelledError:
                    self._charge_unheard(attempt.turn)
                    raise
                course.answered(attempt.turn)
                try:
                    for piece in first:
                        yield piece
                    async for piece in live:
                        yield piece
                except UpstreamError as error:
                    course.broken(attempt.turn, error)
                    raise
                finally:
                    self.signatures.keep(attempt.recorder.events, self.chat, attempt.turn.leg)
                    self._charge(attempt)
                return

    def _live(self, attempt: _Attempt, headers: dict[str, str]) -> AsyncGenerator[Piece, None]:
        headers.clear()
        headers.update(self.asked.notes)
        stream = stream_for(attempt.turn.provider, attempt.turn.leg.model, self.chat, attempt.encoder)
        return live_pieces(
            self._sent(attempt.turn, headers),
            stream,
            attempt.encoder,
            attempt.recorder,
            meter=attempt.meter,
            provider=attempt.turn.leg.provider,
        )

    def _sent(self, turn: Turn, headers: dict[str, str]) -> AbstractAsyncContextManager[UpstreamResponse]:
        limits = not isinstance(self.caller, Member)
        return sent(turn.request, turn, self.asked, self.services, headers=headers, limits=limits)

    def _attempt(self, turn: Turn) -> _Attempt:
        stamp = self._stamp(turn.leg.model)
        recorder = Recorder(stamp, limit=self.services.settings.max_recorded)
        return _Attempt(turn, self._encoder(stamp), recorder, Meter())

    def _charge(self, attempt: _Attempt) -> None:
        record, meter = self.asked.record, attempt.meter
        record.finish_reason, record.response_model = meter.finish, self._named(meter.model)
        self.tab.add(attempt.turn.leg, partial(meter.usage, self.chat))

    def _charge_unheard(self, turn: Turn) -> None:
        """The client left before the answer began: the provider has read the prompt and charges for it."""
        likely = partial(estimate.input_tokens, self.chat)
        self.tab.add(turn.leg, lambda: Counted(Usage(input=likely(), output=0), estimated=True))

    def _note_hit(self, events: list[Event]) -> None:
        record, meter = self.asked.record, Meter()
        meter.read(events)
        record.cache, record.finish_reason, record.response_model = "hit", meter.finish, self._named(meter.model)
        if self.chat.stream:
            record.first_token_ms = self.asked.timing.ms
        self.tab.replay(self.plan.static, meter.replayed)

    def _named(self, model: str | None) -> str | None:
        return None if model is None else model_name(model, self.asked)

    def _told(self, events: Sequence[Event], stamp: Stamp) -> bytes:
        """What a stream came to; nothing where it did not begin."""
        return self.asked.dialect.completion(fold(events), stamp) if events else b""

    def _keep(self, handle: Handle | None, attempt: _Attempt) -> Callable[[], Awaitable[None]]:
        async def kept() -> None:
            if handle is None:
                return
            if not self.plan.storable(attempt.turn.leg):
                self.asked.record.stored = "stand-in"
                return
            payload, outcome = attempt.recorder.finished()
            await keep(payload, outcome, handle, self.asked, self.services)

        return kept

    def _encoder(self, stamp: Stamp) -> EventEncoder:
        return self.asked.dialect.encoder(stamp, include_usage=self.chat.include_usage)

    def _stamp(self, model: str) -> Stamp:
        return Stamp(f"{self.asked.dialect.id_prefix}{self.asked.record.request_id}", int(self.services.now()), model)


async def _opening(live: AsyncGenerator[Piece, None], turn: Turn) -> list[Piece]:
    """What comes up to the first meaningful piece, in time."""
    try:
        async with asyncio.timeout(turn.patience):
            return await opening(live)
    except TimeoutError:
        raise too_slow(turn) from None


async def _replayed(frames: list[bytes], end: bytes) -> AsyncGenerator[Piece, None]:
    """A hit in one write: its frames are apart, as the client's parser wants them, but nobody waits between them."""
    yield Piece(b"".join([*frames, end]), meaningful=True)


def _json(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "content-type": "application/json"}
