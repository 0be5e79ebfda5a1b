"""`GET /v1/models` and `/v1/models/{id}`: what the caller can reach, and what it costs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from handlers.answer import Whole
from handlers.caller import Member
from handlers.credentials import ENVIRONMENT_KEY, identified
from handlers.routing import ways_of
from providers import catalog, keys, registry
from providers.cost import rates_at
from providers.errors import SabirError, UnknownModel
from providers.routing.patterns import MayUse, is_literal, matches
from providers.routing.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from handlers.asked import Asked
    from handlers.caller import Owner
    from handlers.services import Services
    from providers.prices import ModelInfo
    from providers.routing.endpoint import Endpoint

_PER_MILLION: Final = "_mtok"


@dataclass(frozen=True, slots=True)
class Entry:
    """`id`: the name to ask for. `provider`, `model`: who answers first, and under which name; both None for a virtual
    model, which may be answered by several and is owned by its org.
    """

    id: str
    owner: str
    provider: str | None = None
    model: str | None = None


async def answer(asked: Asked, services: Services) -> Whole:
    """A list, or the one model that the URL names. Raises `SabirError`."""
    caller = await identified(asked, services)
    at = int(services.now())
    body: dict[str, Any]
    if isinstance(caller, Member):
        entries = {entry.id: entry for entry in _of_member(caller, services)}
        named = _reached(asked.item, caller, services) if asked.item else None
    else:
        entries = {entry.id: entry for name in _providers_of(caller, services) for entry in _listed(name)}
        named = _routed(asked.item) if asked.item else None
    if not asked.item:
        body = {"object": "list", "data": [_described(entry, at) for entry in entries.values()]}
    else:
        body = _described(_known(asked.item, entries, named), at)
    return Whole(200, {"content-type": "application/json", "cache-control": "no-store"}, json.dumps(body).encode())


def _known(name: str, entries: Mapping[str, Entry], named: Entry | None) -> Entry:
    """One of the list, or a model of the price list under another name that reaches it (`openai/gpt-4`).

    A name that only looks like a family's (`gpt-99`) may be asked for, but nobody can say here that there is such a
    model. Raises `UnknownModel`.
    """
    if name in entries:
        return entries[name]
    if named is None or named.provider is None or named.model is None or _info(named.provider, named.model) is None:
        raise UnknownModel("There is no such model, or not for this key.", param="model")
    return named


# -- the bearer of a provider's own key -------------------------------------------------------------------------------


def _providers_of(caller: Owner, services: Services) -> tuple[str, ...]:
    """The one whose mark the key bears; of a key without a mark it is not known, and any may be meant."""
    if caller.secret.reveal() == ENVIRONMENT_KEY and services.settings.provider_keys:
        return tuple(sorted(services.settings.provider_keys))
    owner = keys.owner(caller.secret)
    return registry.names() if owner is None else (owner,)


@lru_cache(maxsize=64)
def _listed(provider: str) -> tuple[Entry, ...]:
    """Under the name that reaches this very provider, which is not always the one that it lists."""
    return tuple(
        Entry(name if _goes_to(provider, name) else f"{provider}/{name}", provider, provider, name)
        for name in catalog.listed(provider)
    )


def _goes_to(provider: str, name: str) -> bool:
    found = catalog.route(name, registry.AVAILABLE)
    return (found.provider, found.model) == (provider, name)


def _routed(name: str) -> Entry | None:
    try:
        found = catalog.route(name, registry.AVAILABLE)
    except SabirError:
        return None
    return Entry(name, found.provider, found.provider, found.model)


# -- a member of an org -----------------------------------------------------------------------------------------------


def _of_member(member: Member, services: Services) -> Iterator[Entry]:
    """The org's own names first, then what the price list has of its endpoints' providers."""
    may_use = MayUse(member.key.models, member.key.providers)
    endpoints = [
        each
        for each in member.secrets.endpoints
        if each.enabled and each.provider in registry.AVAILABLE and may_use.provider(each.provider)
    ]
    virtual = [each.name for each in member.org.models]
    told = [name for endpoint in endpoints for name in (*endpoint.aliases, *filter(is_literal, endpoint.models))]
    for name in dict.fromkeys((*virtual, *told)):
        if (entry := _reached(name, member, services)) is not None:
            yield entry
    for provider, name in dict.fromkeys(pair for endpoint in endpoints for pair in _served(endpoint)):
        entry = _answered(name, provider, endpoints) or _answered(f"{provider}/{name}", provider, endpoints)
        if entry is not None and entry.id not in virtual and _may_name(entry, member, may_use):
            yield entry


def _served(endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    for name in catalog.listed(endpoint.provider):
        if not endpoint.models or matches(name, endpoint.models):
            yield endpoint.provider, name


def _answered(name: str, provider: str, endpoints: Sequence[Endpoint]) -> Entry | None:
    """None where the name reaches another provider, or none. A whole plan would cost a hundred times as much."""
    leg = next(iter(serving(name, endpoints, b"")), None)
    return Entry(name, provider, provider, leg.model) if leg is not None and leg.provider == provider else None


def _may_name(entry: Entry, member: Member, may_use: MayUse) -> bool:
    """As `providers.routing.plan` has it; a temporary credential is for the name that it was made for."""
    if member.models is not None and not matches(entry.id, member.models):
        return False
    return may_use.model(entry.id, f"{entry.model}", f"{entry.provider}/{entry.model}")


def _reached(name: str, member: Member, services: Services) -> Entry | None:
    """As a request for it would be routed now; None where it would be refused."""
    try:
        plan = ways_of(member, name, b"", None, services)
    except SabirError:
        return None
    if plan.virtual is not None:
        return Entry(name, member.org.org_id)
    return Entry(name, plan.static.provider, plan.static.provider, plan.static.model)


# -- what is said of a model ------------------------------------------------------------------------------------------


def _described(entry: Entry, at: int) -> dict[str, Any]:
    """OpenAI's object, and three members more. `created`: 0, for nobody tells when a model was made."""
    info = None if entry.provider is None or entry.model is None else _info(entry.provider, entry.model)
    return {
        "id": entry.id,
        "object": "model",
        "created": 0,
        "owned_by": entry.owner,
        "provider": entry.provider,
        "context_window": None if info is None else info.context_window,
        "pricing": None if info is None else _pricing(info, at),
    }


def _pricing(info: ModelInfo, at: int) -> dict[str, str]:
    """US dollars for a million tokens, by kind, as they are now; of tiers by length, the first."""
    rates = rates_at(info, at=at, asked={})
    return {
        unit.removesuffix(_PER_MILLION): f"{rate.base:f}" for unit, rate in rates.items() if unit.endswith(_PER_MILLION)
    }


@lru_cache(maxsize=4096)
def _info(provider: str, model: str) -> ModelInfo | None:
    return catalog.find(provider, model)
