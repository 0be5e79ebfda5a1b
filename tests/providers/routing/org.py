"""An org as the routing sees it: endpoints, and the ways to an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.routing.endpoint import Endpoint
from providers.routing.plan import Plan
from providers.routing.serving import Leg
from providers.routing.virtual import Candidate, FallbackOn, VirtualModel
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = 1_700_000_000.0
PROVIDERS = frozenset({"openai", "anthropic", "google", "azure", "openrouter", "groq", "vllm"})


def endpoint(
    name: str,
    provider: str = "openai",
    *,
    models: tuple[str, ...] = (),
    aliases: Mapping[str, str] | None = None,
    weight: int = 1,
    enabled: bool = True,
) -> Endpoint:
    return Endpoint(
        name, provider, Secret(f"secret-{name}"), models=models, aliases=aliases or {}, weight=weight, enabled=enabled
    )


def leg(name: str, model: str = "gpt-4o", provider: str = "openai") -> Leg:
    return Leg(endpoint(name, provider), provider, model)


def planned(*legs: Leg, fallback_on: frozenset[FallbackOn] = frozenset()) -> Plan:
    virtual = VirtualModel("smart", tuple(Candidate(leg.model) for leg in legs), fallback_on=fallback_on)
    return Plan(legs, legs[0], virtual if fallback_on else None)
