"""Virtual models: an org's own names, each with candidates and a rule that orders them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Strategy: TypeAlias = Literal["priority", "weighted", "cheapest", "fastest"]
"""`priority`: as listed. `weighted`: by weight, steady for one prompt prefix. `cheapest`: by the price of a typical
request. `fastest`: by recent time to the first token; what has none yet comes first, so that it gets one."""

FallbackOn: TypeAlias = Literal["context_window", "content_policy"]
"""Refusals about the request itself, after which another model may do what this one did not."""

STRATEGIES: Final[tuple[Strategy, ...]] = ("priority", "weighted", "cheapest", "fastest")
FALLBACKS: Final[tuple[FallbackOn, ...]] = ("context_window", "content_policy")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`model`: a real one, never a virtual one. `endpoint`: only this endpoint; None is any that serves the model."""

    model: str
    endpoint: str | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class VirtualModel:
    """It may have the name of a real model, which then stands among its candidates: a fallback chain for it."""

    name: str
    candidates: tuple[Candidate, ...]
    strategy: Strategy = "priority"
    fallback_on: frozenset[FallbackOn] = frozenset()
