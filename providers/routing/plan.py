"""The ways to an answer, best first: from a model's name, an org's endpoints and what is known of their health."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from providers.errors import Forbidden, InvalidRequest
from providers.routing.patterns import MayUse
from providers.routing.serving import Leg, serving
from providers.routing.strategy import Choice, Known, ordered
from providers.routing.unknown import quoted, unknown_model
from providers.routing.virtual import Candidate, VirtualModel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from providers.routing.endpoint import Endpoint
    from providers.routing.health import Health

PIN_HEADER: Final = "x-bt-endpoint-name"
# More than any number of attempts uses up. Per model too, so that a pool of many keys pushes no fallback out.
MAX_LEGS: Final = 32
MAX_LEGS_PER_MODEL: Final = 8

_EVERYTHING: Final = MayUse()


@dataclass(frozen=True, slots=True)
class Plan:
    """`legs`: best first, each once, at least one. `virtual`: the virtual model that was asked for, if it was one.

    `static`: the first leg as it would be if nothing were known of any endpoint. The same request has the same one
    whatever happens, and so the cache's identity is built from it.
    """

    legs: tuple[Leg, ...]
    static: Leg
    virtual: VirtualModel | None = None

    def storable(self, leg: Leg) -> bool:
        """Whether an answer of `leg` may be kept under the identity of this plan.

        Another endpoint of the same model on the same wire: yes. What only stood in for it: no, or it would be replayed
        long after the outage. Under `fastest` the caller has asked for any of the candidates, and gets any again.
        """
        if self.virtual is not None and self.virtual.strategy == "fastest":
            return True
        static = self.static
        return (leg.provider, leg.model, leg.wire) == (static.provider, static.model, static.wire)


def plan(
    model: str,
    endpoints: Iterable[Endpoint],
    virtual_models: Iterable[VirtualModel],
    *,
    may_use: MayUse,
    pin: str | None,
    prefix: bytes,
    health: Mapping[str, Health],
    now: float,
    available: Collection[str],
) -> Plan:
    """Every way to `model` that the key may go. An org's virtual model goes before a real one of its name.

    `pin`: the one endpoint to be asked. `prefix`: from `affinity.prefix_of`. `health`: by endpoint name. `now`: epoch
    seconds. `available`: the providers that this release knows.

    Raises `UnknownModel` where no endpoint serves the model; `Forbidden` where one does, but not for this key;
    `InvalidRequest` for a name that cannot be one, or a pin that is none.
    """
    usable = [endpoint for endpoint in endpoints if endpoint.enabled and endpoint.provider in available]
    if pin is not None:
        usable = [_pinned(pin, usable, may_use)]
    models = {virtual.name: virtual for virtual in virtual_models}
    virtual = models.get(model)
    choices = _choices(model, virtual, usable, may_use=may_use, prefix=prefix)
    if not choices:
        if _choices(model, virtual, usable, may_use=_EVERYTHING, prefix=prefix):
            raise Forbidden(f"This key may not use the model {quoted(model)}.", param="model")
        raise unknown_model(model, usable, models, may_use, pin)
    strategy = "priority" if virtual is None else virtual.strategy
    blind = _legs(ordered(strategy, choices, Known(prefix, {}, now)))
    known = Known(prefix, health, now)
    seen = sorted(_legs(ordered(strategy, choices, known)), key=known.cooling_until)
    return Plan(_bounded(seen), blind[0], virtual)


def _pinned(pin: str, usable: Sequence[Endpoint], may_use: MayUse) -> Endpoint:
    found = next((endpoint for endpoint in usable if endpoint.name == pin), None)
    if found is None:
        raise InvalidRequest(
            f"This org has no enabled endpoint {quoted(pin)}.", param=PIN_HEADER, code="unknown_endpoint"
        )
    if not may_use.provider(found.provider):
        raise Forbidden(f"This key may not use the endpoint {quoted(pin)}.", param=PIN_HEADER)
    return found


def _choices(
    model: str, virtual: VirtualModel | None, usable: Sequence[Endpoint], *, may_use: MayUse, prefix: bytes
) -> list[Choice]:
    """The candidates that can be asked, as they are listed; a real model is the only one of its own."""
    allowed = [endpoint for endpoint in usable if may_use.provider(endpoint.provider)]
    if virtual is None:
        legs = [leg for leg in serving(model, allowed, prefix) if may_use.model(model, *_names(leg))]
        return [Choice(Candidate(model), tuple(legs))] if legs else []
    if not may_use.model(model):
        return []
    choices = (Choice(candidate, _serving(candidate, allowed, prefix)) for candidate in virtual.candidates)
    return [choice for choice in choices if choice.legs]


def _serving(candidate: Candidate, allowed: Sequence[Endpoint], prefix: bytes) -> tuple[Leg, ...]:
    own = [endpoint for endpoint in allowed if candidate.endpoint in (None, endpoint.name)]
    return tuple(serving(candidate.model, own, prefix))


def _names(leg: Leg) -> tuple[str, str]:
    """Under which a key may have been allowed a real model, beside the name that the caller uses."""
    return leg.model, f"{leg.provider}/{leg.model}"


def _legs(choices: Iterable[Choice]) -> list[Leg]:
    """Each once, where it stands first."""
    return list({leg.place: leg for choice in choices for leg in choice.legs}.values())


def _bounded(legs: Iterable[Leg]) -> tuple[Leg, ...]:
    counted: Counter[str] = Counter()
    kept = []
    for leg in legs:
        counted[leg.model] += 1
        if counted[leg.model] <= MAX_LEGS_PER_MODEL:
            kept.append(leg)
    return tuple(kept[:MAX_LEGS])
