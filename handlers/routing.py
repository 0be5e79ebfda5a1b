"""From a request to the ways it may be answered: the caller's own key has one, an org's endpoints have several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from handlers.caller import Member, Owner
from handlers.credentials import key_for
from handlers.headers import for_provider
from providers import catalog, registry
from providers.base import Credential, Profile, Target, home_of
from providers.errors import Forbidden
from providers.routing.endpoint import Endpoint
from providers.routing.patterns import MayUse, matches
from providers.routing.plan import PIN_HEADER, Plan, plan
from providers.routing.serving import Leg

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from handlers.caller import Caller
    from handlers.services import Services
    from providers.secret import Secret

# Whose account it is to be is the org's decision, not a member's.
_ACCOUNT: Final = frozenset({"openai-organization", "openai-project"})


def routed(
    model: str, prefix: Callable[[], bytes], caller: Caller, headers: Mapping[str, str], services: Services
) -> Plan:
    """`prefix`: as `affinity.prefix_of`, if it is needed. Raises `SabirError` where there is no way, or none that this
    caller may go.
    """
    if isinstance(caller, Owner):
        leg = _own(model, caller.secret, headers, services)
        return Plan((leg,), leg)
    return ways_of(caller, model, prefix(), headers.get(PIN_HEADER), services)


def ways_of(member: Member, model: str, prefix: bytes, pin: str | None, services: Services) -> Plan:
    """Raises as `routed`."""
    if member.models is not None and not matches(model, member.models):
        raise Forbidden("This temporary credential is not for this model.", param="model", code="model_not_allowed")
    now = services.now()
    return plan(
        model,
        member.secrets.endpoints,
        member.org.models,
        may_use=MayUse(member.key.models, member.key.providers),
        pin=pin,
        prefix=prefix,
        health=services.members.health.of(member.org.org_id, member.health),
        now=now,
        available=registry.AVAILABLE,
    )


def target_of(leg: Leg, secret: Secret, headers: Mapping[str, str], services: Services, *, of_org: bool) -> Target:
    """Where it goes, the operator or the org says, never a client. `headers`: the client's."""
    provider = registry.find(leg.provider)
    endpoint = leg.endpoint
    base_url = endpoint.base_url or services.settings.base_urls.get(leg.provider) or home_of(provider, endpoint.region)
    passed = for_provider(leg.provider, headers)
    if of_org:
        passed = {name: value for name, value in passed.items() if name not in _ACCOUNT}
    profile = Profile(base_url, {**passed, **endpoint.headers}, endpoint.region)
    return Target(leg.provider, leg.model, Credential(secret, of_org=of_org), profile)


def _own(model: str, key: Secret, headers: Mapping[str, str], services: Services) -> Leg:
    route = catalog.route(model, registry.AVAILABLE)
    secret = key_for(route.provider, key, headers, services.settings)
    return Leg(Endpoint(route.provider, route.provider, secret), route.provider, route.model, route.wire)
