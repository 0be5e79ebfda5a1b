"""The order of a virtual model's candidates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, assert_never

from providers import catalog
from providers.cost import cost
from providers.routing import affinity
from providers.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from providers.prices import ModelInfo
    from providers.routing.health import Health
    from providers.routing.serving import Leg
    from providers.routing.virtual import Candidate, Strategy

# Three tokens in to one out is how blended prices are usually told, and it is below every tier of long prompts. Not
# this request's own numbers: a growing conversation would change its model half way, and lose its cached prompt.
_TYPICAL: Final = Usage(input=3000, output=1000)
# A time older than this is of another day's load: who was slow then is asked once more.
_RECENT: Final = 600.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate that can be asked: `legs` has at least one, in their own order."""

    candidate: Candidate
    legs: tuple[Leg, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What the order depends on beyond the candidates themselves. `health`: by endpoint name; `now`: epoch seconds."""

    prefix: bytes
    health: Mapping[str, Health]
    now: float

    def cooling_until(self, leg: Leg) -> float:
        """Epoch seconds, or 0 where the endpoint is not cooling down."""
        health = self.health.get(leg.endpoint.name)
        return health.until if health is not None and health.until > self.now else 0.0

    def seconds_to_first_token(self, leg: Leg) -> float | None:
        health = self.health.get(leg.endpoint.name)
        pace = None if health is None else health.ttft.get(leg.model)
        return pace.seconds if pace is not None and self.now - pace.at <= _RECENT else None


def ordered(strategy: Strategy, choices: Sequence[Choice], known: Known) -> list[Choice]:
    """The choices, best first; where the strategy sees no difference, as they were listed."""
    match strategy:
        case "priority":
            return list(choices)
        case "weighted":
            return _drawn(choices, known.prefix)
        case "cheapest":
            return sorted(choices, key=lambda choice: _price(choice, known.now))
        case "fastest":
            return sorted(choices, key=lambda choice: _time(choice, known))
        case _:
            assert_never(strategy)


def _drawn(choices: Sequence[Choice], prefix: bytes) -> list[Choice]:
    """A candidate that is listed twice counts once."""
    named = {f"{choice.candidate.model}\n{choice.candidate.endpoint or ''}": choice for choice in choices}
    order = affinity.order({name: choice.candidate.weight for name, choice in named.items()}, prefix)
    return [named[name] for name in order]


def _price(choice: Choice, now: float) -> tuple[bool, int]:
    """Nano-dollars of a typical request. What has no price comes last: unknown is not cheap.

    A deployment is priced as the model that the org calls it by.
    """
    first = choice.legs[0]
    price = cost(_TYPICAL, _info(first.provider, first.model, choice.candidate.model), at=int(now))
    return price is None, price or 0


@lru_cache(maxsize=256)
def _info(provider: str, *names: str) -> ModelInfo | None:
    """Of the first name that is known. Remembered, for a look-up searches the price list's text."""
    return next((info for name in names if (info := catalog.find(provider, name)) is not None), None)


def _time(choice: Choice, known: Known) -> float:
    """Of the endpoint that would be asked. One without a recent time comes first, so that it gets one."""
    first = min(choice.legs, key=known.cooling_until)
    seconds = known.seconds_to_first_token(first)
    return -1.0 if seconds is None else seconds
