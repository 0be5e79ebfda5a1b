"""Signed thinking for clients that drop it: kept after an answer with tool calls, put back with the next turn.

docs/signatures.md says what is kept, where and for how long. Nothing here can fail or hold up a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from handlers.caller import cache_root_of
from providers import registry
from providers.signatures import (
    NOTHING,
    Missing,
    Replay,
    Signed,
    decode_signed,
    encode_signed,
    missing,
    put_back,
    replay_of,
    signed_calls,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cache.directives import CacheDirectives
    from cache.sidecar import Note
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from providers.base import Provider
    from providers.chat import ChatRequest
    from providers.events import Event
    from providers.routing.plan import Plan
    from providers.routing.serving import Leg


@dataclass(frozen=True, slots=True)
class Signatures:
    """Of one request. `off`: its caller wants nothing read and nothing kept."""

    asked: Asked
    caller: Caller
    services: Services
    off: bool

    async def found(self, chat: ChatRequest, plan: Plan) -> tuple[tuple[Missing, Signed], ...]:
        """What the client left out of `chat` and may have to go back. The store is asked only where that can be."""
        if self.off or chat.reasoning_effort == "none" or not _taken_back(plan):
            return ()
        wanted = missing(chat)
        if not wanted:
            return ()
        root = cache_root_of(self.caller)
        names = [call.name for call in wanted]
        now = int(self.services.now())
        notes = await self.services.sidecar.find(root.secret, names, now=now, scope=root.scope)
        self.asked.record.cache_fault = notes.fault or self.asked.record.cache_fault
        read = (None if payload is None else decode_signed(payload) for payload in notes.payloads)
        return tuple((call, signed) for call, signed in zip(wanted, read, strict=True) if signed is not None)

    def keep(self, events: Iterable[Event], chat: ChatRequest, leg: Leg) -> None:
        """From now on this process knows them, and after the last byte the store; only what somebody takes back."""
        if self.off or _replay_of(leg) == NOTHING:
            return
        root = cache_root_of(self.caller)
        for name, signed in signed_calls(events, chat, leg.model):
            note = self.services.sidecar.hold(root.secret, name, encode_signed(signed), scope=root.scope)
            if note is not None:
                self.asked.closing.push_async_callback(partial(self._put, note))

    async def _put(self, note: Note) -> None:
        fault = await self.services.sidecar.put(note, now=int(self.services.now()))
        self.asked.record.cache_fault = fault or self.asked.record.cache_fault


def signatures_of(asked: Asked, caller: Caller, directives: CacheDirectives, services: Services) -> Signatures:
    """Who wants nothing kept (`x-bt-use-cache: never`, `no-store`) sends its signatures back itself."""
    return Signatures(asked, caller, services, off=directives.mode == "never" or directives.no_store)


def completed(
    chat: ChatRequest, found: tuple[tuple[Missing, Signed], ...], provider: Provider, model: str
) -> ChatRequest:
    """`chat` with what this provider takes back for this model."""
    return put_back(chat, found, replay_of(provider, model), model) if found else chat


def _taken_back(plan: Plan) -> bool:
    return any(_replay_of(leg) != NOTHING for leg in plan.legs)


def _replay_of(leg: Leg) -> Replay:
    return replay_of(registry.speaking(leg.provider, leg.wire), leg.model)
