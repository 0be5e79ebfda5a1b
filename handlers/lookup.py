"""Whether a request has been answered before: what makes two the same, and in whose cache one looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cache.directives import TTL_HEADER, USE_CACHE_HEADER, DirectiveError, parse_directives
from cache.identity import IdentityError, request_identity
from cache.policy import RequestFacts
from handlers.caller import Member, cache_root_of
from handlers.headers import meaningful
from handlers.routing import target_of
from handlers.tags import model_name
from providers.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cache.directives import CacheDirectives
    from cache.sealed_cache import Answer
    from handlers.asked import Asked
    from handlers.caller import Caller
    from handlers.services import Services
    from providers.jsonwalk import Json
    from providers.routing.plan import Plan


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, as far as the answer depends on it.

    `body`: without what only changes how the answer travels, and without the model, which is in the identity as the
    provider calls it. `codec`: the version of what is stored. `deterministic`: asked again, it is answered alike.
    """

    body: Mapping[str, Json]
    codec: str
    deterministic: bool


def note(asked: Asked, plan: Plan, *, stream: bool) -> None:
    """For the log: by whom it would be answered if nothing went wrong."""
    record = asked.record
    record.provider, record.stream = plan.static.provider, stream
    record.model = model_name(plan.static.model, asked)


def directives_of(headers: Mapping[str, str]) -> CacheDirectives:
    """Raises `InvalidRequest`."""
    try:
        return parse_directives(headers.get(USE_CACHE_HEADER), headers.get(TTL_HEADER), headers.get("cache-control"))
    except DirectiveError as fault:
        raise InvalidRequest(f"{fault}.", param=fault.header, code="invalid_header") from None


async def look_up(
    question: Question, directives: CacheDirectives, asked: Asked, caller: Caller, plan: Plan, *, services: Services
) -> Answer:
    """Raises `InvalidRequest` for a body that has no identity."""
    root = cache_root_of(caller)
    return await services.cache.look_up(
        root.secret,
        _identity(question, asked, caller, plan, services),
        directives,
        RequestFacts(deterministic=question.deterministic),
        now=int(services.now()),
        scope=root.scope,
    )


def _identity(question: Question, asked: Asked, caller: Caller, plan: Plan, services: Services) -> bytes:
    """What makes two requests the same: all that can change the answer, nothing that only changes its transport."""
    leg = plan.static
    target = target_of(leg, leg.endpoint.secret, asked.headers, services, of_org=isinstance(caller, Member))
    parts: dict[str, Json] = {
        "dialect": asked.dialect.wire,
        "endpoint": asked.endpoint,
        "body": dict(question.body),
        "provider": target.provider,
        "base_url": target.profile.base_url,
        "model": target.model,
        "headers": {
            **{name: asked.headers[name] for name in asked.dialect.headers if name in asked.headers},
            **meaningful(target.profile.headers),
        },
        "codec": question.codec,
    }
    if leg.wire is not None:  # another wire of the same model shows more of its thinking, or less
        parts["wire"] = leg.wire
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
