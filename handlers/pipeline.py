"""A request's way, top to bottom. Each step is one call; the rules behind them live in the layers below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cache.directives import TTL_HEADER, USE_CACHE_HEADER, DirectiveError, parse_directives
from cache.identity import IdentityError, request_identity
from cache.policy import RequestFacts
from cache.sealed_cache import Hit, Miss
from handlers.caller import CacheRoot, Member
from handlers.credentials import identify
from handlers.exchange import Exchange
from handlers.headers import meaningful
from handlers.limits import Allowance, Tab
from handlers.routing import routed, target_of
from providers import codec
from providers.errors import InvalidRequest, NotCached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache.directives import CacheDirectives
    from handlers.answer import Streamed, Whole
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from providers.chat import ChatRequest
    from providers.events import Event
    from providers.jsonwalk import Json
    from providers.routing.plan import Plan

# How the answer travels, not what it says. The model is in the identity as the provider calls it.
_TRANSPORT: Final = frozenset({"stream", "stream_options", "model"})


async def answer(asked: Asked, services: Services) -> Whole | Streamed:
    """The answer, or `SabirError`. Its `after` is to be awaited when the last byte has gone."""
    chat = asked.dialect.parse(asked.body)
    directives = _directives(asked.headers)
    caller = await identify(asked.headers, services)
    plan = routed(chat, caller, asked.headers, services)
    _note(asked, chat, caller, plan)
    root = _cache_root(caller)
    verdict = await services.cache.look_up(
        root.secret,
        _identity(chat, asked, caller, plan, services),
        directives,
        RequestFacts(deterministic=chat.temperature == 0 or chat.seed is not None),
        now=int(services.now()),
        scope=root.scope,
    )
    tab = Tab(chat, int(services.now()))
    exchange = Exchange(asked, chat, caller, plan, tab, services)
    if isinstance(verdict, Hit):
        events = _replayable(verdict)
        if events is not None:
            await _admit_hit(asked, caller, services)
            return exchange.replay(events, verdict)
        unreadable = "the stored events could not be read"
        verdict = Miss("fault", None, may_forward=not directives.only_if_cached, fault=unreadable)
    if not verdict.may_forward:
        raise NotCached("The request asks for a cached answer only, and there is none.")
    await _admit(asked, caller, plan, tab, services)
    return await exchange.forward(verdict)


def _directives(headers: Mapping[str, str]) -> CacheDirectives:
    try:
        return parse_directives(headers.get(USE_CACHE_HEADER), headers.get(TTL_HEADER), headers.get("cache-control"))
    except DirectiveError as fault:
        raise InvalidRequest(f"{fault}.", param=fault.header, code="invalid_header") from None


def _note(asked: Asked, chat: ChatRequest, caller: Caller, plan: Plan) -> None:
    record = asked.record
    record.provider, record.model, record.stream = plan.static.provider, plan.static.model, chat.stream
    if isinstance(caller, Member):
        record.org, record.key = caller.org.org_id, caller.key.key_id


def _cache_root(caller: Caller) -> CacheRoot:
    return caller.cache_root if isinstance(caller, Member) else CacheRoot(caller.secret.reveal().encode())


async def _admit_hit(asked: Asked, caller: Caller, services: Services) -> None:
    if isinstance(caller, Member):
        await Allowance(services.members.limiter, caller, asked, services.now).for_hit()


async def _admit(asked: Asked, caller: Caller, plan: Plan, tab: Tab, services: Services) -> None:
    if isinstance(caller, Member):
        await Allowance(services.members.limiter, caller, asked, services.now).for_miss(plan.legs, tab)


def _identity(chat: ChatRequest, asked: Asked, caller: Caller, plan: Plan, services: Services) -> bytes:
    """What makes two requests the same: all that can change the answer, nothing that only changes its transport."""
    body = {name: value for name, value in chat.source.value.items() if name not in _TRANSPORT}
    leg = plan.static
    target = target_of(leg, leg.endpoint.secret, asked.headers, services, of_org=isinstance(caller, Member))
    parts: dict[str, Json] = {
        "dialect": asked.dialect.wire,
        "endpoint": asked.endpoint,
        "body": body,
        "provider": target.provider,
        "base_url": target.profile.base_url,
        "model": target.model,
        "headers": dict(meaningful(target.profile.headers)),
        "codec": codec.VERSION,
    }
    if isinstance(caller, Member):
        parts["epoch"] = caller.org.cache_epoch
    if plan.virtual is not None and plan.virtual.strategy == "fastest":
        parts["virtual"] = [plan.virtual.name, *(candidate.model for candidate in plan.virtual.candidates)]
    try:
        return request_identity(parts)
    except IdentityError as fault:
        raise InvalidRequest(
            f"We could not read the JSON body of your request: {fault}.", code="invalid_json"
        ) from None


def _replayable(hit: Hit) -> list[Event] | None:
    """The stored events; None where a later or broken release wrote what this one cannot read."""
    try:
        return codec.decode_events(hit.entry.payload)
    except codec.UnreadableEvents:
        return None
