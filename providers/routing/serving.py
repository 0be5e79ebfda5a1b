"""Which endpoints serve a model, and under which name each is to be asked for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from providers import catalog
from providers.errors import UnknownModel
from providers.routing import affinity
from providers.routing.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from providers.catalog import Route
    from providers.routing.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Leg:
    """One way to an answer. `model` is the provider's own name for it; `wire`: as in `catalog.spoken`."""

    endpoint: Endpoint
    provider: str
    model: str
    wire: str | None = None

    @property
    def place(self) -> tuple[str, str, str | None]:
        """What makes two legs the same."""
        return self.endpoint.name, self.model, self.wire


def serving(model: str, endpoints: Sequence[Endpoint], prefix: bytes) -> list[Leg]:
    """Every leg to a real model, by the endpoints' weights in the order that `prefix` draws; none where nobody has it.

    The endpoints of the one provider that the catalogue chooses among those that serve it, and those that were told
    of the name: by an alias, or by a pattern in `models`. A pattern does not count where the caller names a provider
    that serves it: `openai/gpt-4o` is OpenAI's, though OpenRouter has a model of that name.

    Raises `InvalidRequest` for what cannot be a name.
    """
    chosen, named = _chosen(model, endpoints)
    told = [leg for endpoint in endpoints if (leg := _told(model, endpoint, patterns=not named)) is not None]
    legs = {leg.endpoint.name: leg for leg in (*chosen, *told)}
    return [legs[name] for name in affinity.order({name: leg.endpoint.weight for name, leg in legs.items()}, prefix)]


def _told(model: str, endpoint: Endpoint, *, patterns: bool) -> Leg | None:
    """The leg of an endpoint whose own words have the caller's name."""
    if model in endpoint.aliases:
        return _leg(endpoint, endpoint.aliases[model])
    return _leg(endpoint, model) if patterns and matches(model, endpoint.models) else None


def _chosen(model: str, endpoints: Sequence[Endpoint]) -> tuple[list[Leg], bool]:
    """The legs to the catalogue's provider, and whether the caller has named it."""
    providers = frozenset(endpoint.provider for endpoint in endpoints)
    while (route := _route(model, providers)) is not None:
        legs = [leg for endpoint in endpoints if (leg := _of(route, endpoint)) is not None]
        if legs:
            return legs, route.model != model
        providers -= {route.provider}  # it is set up, but not for this model
    return [], False


def _of(route: Route, endpoint: Endpoint) -> Leg | None:
    """The leg of an endpoint of the provider, if its `models` do not leave the model out."""
    if endpoint.provider != route.provider:
        return None
    if route.model in endpoint.aliases:
        leg = _leg(endpoint, endpoint.aliases[route.model])
        return leg if leg.wire is not None else replace(leg, wire=route.wire)
    serves = not endpoint.models or matches(route.model, endpoint.models)
    return Leg(endpoint, route.provider, route.model, route.wire) if serves else None


def _leg(endpoint: Endpoint, name: str) -> Leg:
    """To what the endpoint's own words call `name`."""
    return Leg(endpoint, endpoint.provider, *catalog.spoken(endpoint.provider, name))


@lru_cache(maxsize=256)
def _route(model: str, providers: frozenset[str]) -> Route | None:
    """Remembered, for a name that only an org knows costs a search for near names each time."""
    try:
        return catalog.route(model, providers)
    except UnknownModel:
        return None
