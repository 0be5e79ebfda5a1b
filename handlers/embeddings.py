"""`POST /v1/embeddings`: the way of a chat request, for an answer that has no stream and no chance in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cache.policy import Outcome
from handlers.answer import Whole
from handlers.aside import aside
from handlers.caller import Member
from handlers.calls import keep, note_miss, sent, too_slow
from handlers.course import Course
from handlers.credentials import identified
from handlers.estimates import EmbeddingEstimate
from handlers.headers import cache_headers, cost_headers
from handlers.lookup import Question, directives_of, look_up, note
from handlers.routing import routed
from handlers.serving import served
from handlers.tab import Counted, Tab
from handlers.tags import tag
from providers import embedders, embedding_codec, embedding_estimate
from providers.dialects.openai.embeddings import embeddings_body, parse_embedding_request
from providers.embedding import joined
from providers.errors import UpstreamError
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping, Sequence

    from cache.sealed_cache import Handle, Hit, Miss
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.course import Turn
    from handlers.services import Services
    from handlers.serving import Exchange
    from providers.base import Provider, Target, Translated, UpstreamRequest
    from providers.embedding import EmbeddingProvider, EmbeddingRequest, Embeddings
    from providers.embedding_codec import Stored
    from providers.routing.plan import Plan

# How the vectors travel. They are kept as numbers, and a hit is written as this client wants them.
_TRANSPORT: Final = frozenset({"model", "encoding_format"})

# A client may send thousands of inputs to a provider that takes one at a time. More at once than this would meet its
# limits, and those of the session that all requests share.
_AT_ONCE: Final = 8


async def answer(asked: Asked, services: Services) -> Whole:
    """The answer, or `SabirError`. Its `after` is to be awaited when the last byte has gone."""
    caller = await identified(asked, services)
    wanted = parse_embedding_request(asked.body)
    tag(asked, wanted.model, user=wanted.user)
    directives = directives_of(asked.headers)
    plan = routed(wanted.model, partial(_prefix_of, wanted), caller, asked.headers, services)
    note(asked, plan, stream=False)
    verdict = await look_up(_question(wanted), directives, asked, caller, plan, services=services)
    tab = Tab(EmbeddingEstimate(wanted), int(services.now()))
    exchange: Exchange[Stored, Whole] = EmbeddingExchange(asked, wanted, caller, plan, tab, services)
    return await served(exchange, verdict, directives)


def _prefix_of(wanted: EmbeddingRequest) -> bytes:
    """No provider caches the prompts of embeddings, so nothing has to arrive where the like of it did: any hash will
    do, and this one sends the same request the same way."""
    return sha256(wanted.source.body).digest()


def _question(wanted: EmbeddingRequest) -> Question:
    """The same text has the same vector, today and tomorrow."""
    transport = {"model"} if wanted.native else _TRANSPORT
    body = {name: value for name, value in wanted.source.value.items() if name not in transport}
    return Question(body, embedding_codec.VERSION, deterministic=True)


@dataclass(slots=True)
class _Fetched:
    """What came of one try, which may take several requests: `answers` by their place, `body` of the last."""

    answers: dict[int, Embeddings] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def joined(self) -> Embeddings:
        return joined([self.answers[place] for place in sorted(self.answers)])


@dataclass(frozen=True, slots=True)
class EmbeddingExchange:
    """See `handlers.serving.Exchange`."""

    asked: Asked
    wanted: EmbeddingRequest
    caller: Caller
    plan: Plan
    tab: Tab
    services: Services

    def opened(self, hit: Hit) -> Stored | None:
        try:
            return embedding_codec.decode(hit.entry.payload)
        except embedding_codec.UnreadableEmbeddings:
            return None

    async def replay(self, stored: Stored, hit: Hit) -> Whole:
        self.asked.record.cache = "hit"
        self.tab.replay(self.plan.static, partial(_counted, stored))
        endpoint = self.plan.static.endpoint.name
        headers = {**cache_headers(hit), "x-bt-used-endpoint": endpoint, **self.asked.notes}
        if isinstance(stored, embedding_codec.Verbatim):
            return Whole(200, _json(headers), stored.body)
        return Whole(200, _json(headers), await self._written(stored, self.plan.static.model))

    async def forward(self, miss: Miss) -> Whole:
        note_miss(self.asked, miss)
        self.asked.notes.update(cache_headers(miss))
        course = Course(self.asked, self.caller, self.plan, self.services, translate=self._translated, streamed=False)
        while True:
            turn = await course.turn()
            embedder = embedders.find(turn.target.provider)
            fetched = _Fetched()
            try:
                await self._fetch(course, turn, embedder, fetched)
            except UpstreamError as error:
                self._charge(turn, fetched)
                course.failed(turn, error)
            except asyncio.CancelledError:
                # The client left, or our time is up: the provider has read what it was sent, and charges for it.
                self.tab.add(turn.leg, self._likely)
                raise
            else:
                break
        course.answered(turn)
        self._charge(turn, fetched)
        found = fetched.joined()
        body = fetched.body
        if not embedder.relays(self.wanted):
            body = await self._written(found, turn.leg.model)
        stored = embedding_codec.Verbatim(body) if self.wanted.native else found
        headers = _json(fetched.headers) | cost_headers(self.tab)
        return Whole(200, headers, body, partial(self._keep, miss.handle, turn, stored))

    def _translated(self, _: Provider, target: Target) -> Translated:
        embedder = embedders.find(target.provider)
        return embedder.request(self.wanted.parts(embedder.most(target.model))[0], target)

    async def _fetch(self, course: Course, turn: Turn, embedder: EmbeddingProvider, fetched: _Fetched) -> None:
        """Raises `UpstreamError`; what came before it is in `fetched` all the same, for it is to be paid for."""
        parts = self.wanted.parts(embedder.most(turn.target.model))
        turns = asyncio.Semaphore(_AT_ONCE)

        async def fetch(place: int, request: UpstreamRequest) -> None:
            async with turns:
                body, headers = await self._sent(request, turn, fetched.headers)
                read = partial(embedder.answer, body, headers, parts[place])
                fetched.answers[place] = await aside(read, len(body))
                fetched.body = body

        try:
            async with asyncio.timeout(turn.patience):
                others = (embedder.request(part, turn.target).request for part in parts[1:])
                requests = [turn.request, *(course.traced(other, turn.leg) for other in others)]
                await _together([fetch(place, request) for place, request in enumerate(requests)])
        except TimeoutError:
            raise too_slow(turn) from None

    async def _sent(
        self, request: UpstreamRequest, turn: Turn, headers: dict[str, str]
    ) -> tuple[bytes, Mapping[str, str]]:
        limits = not isinstance(self.caller, Member)
        async with sent(request, turn, self.asked, self.services, headers=headers, limits=limits) as upstream:
            return await upstream.read(), upstream.headers

    async def _written(self, found: Embeddings, model: str) -> bytes:
        write = partial(embeddings_body, found, self.wanted.encoding_format, model)
        return await aside(write, sum(map(len, found.vectors)))

    def _charge(self, turn: Turn, fetched: _Fetched) -> None:
        """Where a host counts nothing, what is likely is what was used."""
        if fetched.answers:
            told = fetched.joined().usage
            self.tab.add(turn.leg, lambda: self._likely() if told is None else Counted(told))

    def _likely(self) -> Counted:
        return Counted(Usage(input=embedding_estimate.tokens(self.wanted)), estimated=True)

    async def _keep(self, handle: Handle | None, turn: Turn, stored: Stored) -> None:
        if handle is None:
            return
        if not self.plan.storable(turn.leg):
            self.asked.record.stored = "stand-in"
            return
        payload = embedding_codec.encode(stored)
        outcome = Outcome(200, complete=True, storable_finish=True, size=len(payload))
        await keep(payload, outcome, handle, self.asked, self.services)


def _counted(stored: Stored) -> Counted | None:
    """What the provider reported when it was asked; of its own form nothing is read."""
    told = None if isinstance(stored, embedding_codec.Verbatim) else stored.usage
    return None if told is None else Counted(told)


async def _together(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """The first failure ends them all, and is what is raised."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _json(headers: Mapping[str, str]) -> dict[str, str]:
    return {**headers, "content-type": "application/json"}
