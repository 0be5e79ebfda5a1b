"""A request's way, top to bottom. Each step is one call; the rules behind them live in the layers below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cache.directives import TTL_HEADER, USE_CACHE_HEADER, DirectiveError, parse_directives
from cache.identity import IdentityError, request_identity
from cache.policy import RequestFacts
from cache.sealed_cache import Hit, Miss
from handlers.credentials import key_for, presented_key
from handlers.exchange import Exchange
from handlers.headers import for_provider, meaningful
from providers import catalog, codec, registry
from providers.base import Credential, Profile, Target
from providers.errors import InvalidRequest, NotCached

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache.directives import CacheDirectives
    from handlers.answer import Streamed, Whole
    from handlers.exchange import Asked
    from handlers.services import Services
    from providers.base import Provider
    from providers.chat import ChatRequest
    from providers.events import Event
    from providers.jsonwalk import Json

# How the answer travels, not what it says. The model is in the identity as the provider calls it.
_TRANSPORT: Final = frozenset({"stream", "stream_options", "model"})


async def answer(asked: Asked, services: Services) -> Whole | Streamed:
    """The answer, or `SabirError`. Its `after` is to be awaited when the last byte has gone."""
    chat = asked.dialect.parse(asked.body)
    directives = _directives(asked.headers)
    provider, target = _route(chat, asked, services)
    asked.record.provider, asked.record.model, asked.record.stream = target.provider, target.model, chat.stream
    verdict = await services.cache.look_up(
        target.credential.secret.reveal().encode(),
        _identity(chat, asked, target),
        directives,
        RequestFacts(deterministic=chat.temperature == 0 or chat.seed is not None),
        now=int(services.now()),
    )
    exchange = Exchange(asked, chat, target, provider, services)
    if isinstance(verdict, Hit):
        events = _replayable(verdict)
        if events is not None:
            return exchange.replay(events, verdict)
        unreadable = "the stored events could not be read"
        verdict = Miss("fault", None, may_forward=not directives.only_if_cached, fault=unreadable)
    if not verdict.may_forward:
        raise NotCached("The request asks for a cached answer only, and there is none.")
    return await exchange.forward(verdict)


def _directives(headers: Mapping[str, str]) -> CacheDirectives:
    try:
        return parse_directives(headers.get(USE_CACHE_HEADER), headers.get(TTL_HEADER), headers.get("cache-control"))
    except DirectiveError as fault:
        raise InvalidRequest(f"{fault}.", param=fault.header, code="invalid_header") from None


def _route(chat: ChatRequest, asked: Asked, services: Services) -> tuple[Provider, Target]:
    """The provider that the model belongs to, with the caller's key. Where it is, the operator says, never a client."""
    route = catalog.route(chat.model, registry.AVAILABLE)
    provider = registry.find(route.provider)
    key = key_for(route.provider, presented_key(asked.headers), asked.headers, services.settings)
    base_url = services.settings.base_urls.get(route.provider, provider.base_url)
    profile = Profile(base_url, for_provider(route.provider, asked.headers))
    return provider, Target(route.provider, route.model, Credential(key), profile)


def _identity(chat: ChatRequest, asked: Asked, target: Target) -> bytes:
    """What makes two requests the same: all that can change the answer, nothing that only changes its transport."""
    body = {name: value for name, value in chat.source.value.items() if name not in _TRANSPORT}
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
