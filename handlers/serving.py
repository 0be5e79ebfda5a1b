"""The last steps of every request for an answer: from the cache's verdict to the reply."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from cache.sealed_cache import Hit, Miss
from handlers.content import draft
from handlers.limits import admit, admit_hit
from providers.errors import NotCached

if TYPE_CHECKING:
    from cache.directives import CacheDirectives
    from cache.sealed_cache import Answer
    from handlers.answer import Streamed, Whole
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from handlers.tab import Tab
    from providers.routing.plan import Plan

_Stored = TypeVar("_Stored")
_Reply_co = TypeVar("_Reply_co", bound="Whole | Streamed", covariant=True)


class Exchange(Protocol[_Stored, _Reply_co]):
    """A routed request, and the two ways to its answer. `_Stored`: what an entry of the cache holds for it."""

    @property
    def asked(self) -> Asked: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def plan(self) -> Plan: ...
    @property
    def tab(self) -> Tab: ...
    @property
    def services(self) -> Services: ...

    def opened(self, hit: Hit) -> _Stored | None:
        """None where a later or broken release wrote what this one cannot read."""
        ...

    async def replay(self, stored: _Stored, hit: Hit) -> _Reply_co: ...

    async def forward(self, miss: Miss) -> _Reply_co: ...


async def served(exchange: Exchange[_Stored, _Reply_co], verdict: Answer, directives: CacheDirectives) -> _Reply_co:
    """The answer, within the caller's limits. Raises `SabirError`."""
    draft(exchange.asked, exchange.caller, directives)
    reply = await _answered(exchange, verdict, directives)
    exchange.asked.draft.answer = reply.told
    return reply


async def _answered(exchange: Exchange[_Stored, _Reply_co], verdict: Answer, directives: CacheDirectives) -> _Reply_co:
    asked, caller, services = exchange.asked, exchange.caller, exchange.services
    asked.closing.callback(exchange.tab.note, asked.record)
    if isinstance(verdict, Hit):
        stored = exchange.opened(verdict)
        if stored is not None:
            await admit_hit(asked, caller, services)
            return await exchange.replay(stored, verdict)
        unreadable = "the stored answer could not be read"
        verdict = Miss("fault", None, may_forward=not directives.only_if_cached, fault=unreadable)
    if not verdict.may_forward:
        raise NotCached("The request asks for a cached answer only, and there is none.")
    await admit(asked, caller, exchange.plan, exchange.tab, services)
    return await exchange.forward(verdict)
