"""Virtual models: an org's own names, with their candidates, strategy and fallbacks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from handlers.admin.audit import differences, recorded
from handlers.admin.body import listed, matching, nested, one_of, optional, text, whole, wrong
from handlers.admin.call import Reply, missing, org_write, retried
from providers.routing.virtual import FALLBACKS, STRATEGIES, Candidate, VirtualModel

if TYPE_CHECKING:
    from handlers.admin.body import Body
    from handlers.admin.call import Call
    from infra.control.records import Org
    from providers.jsonwalk import JsonObject
    from providers.routing.virtual import FallbackOn

MODEL_NAME: Final = text(256)
# Of each so many that nobody meets the bound who means it; together they fit into one item of the control table.
_MOST_MODELS: Final = 100
_MOST_CANDIDATES: Final = 16

ENDPOINT_NAME: Final = matching(
    re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII),
    "must have 1 to 64 letters, digits, dots, hyphens and underscores, and begin with a letter or digit",
)
WEIGHT: Final = whole(0, 1000)

_FALLBACK_ON: Final = listed(one_of(FALLBACKS))
_NONE: Final[tuple[FallbackOn, ...]] = ()


def _candidate(body: Body) -> Candidate:
    return Candidate(
        model=body.read("model", MODEL_NAME),
        endpoint=body.read("endpoint", optional(ENDPOINT_NAME), None),
        weight=body.read("weight", WEIGHT, 1),
    )


def virtual_model(body: Body, name: str) -> VirtualModel:
    candidates = body.read("candidates", listed(nested(_candidate)))
    if not 1 <= len(candidates) <= _MOST_CANDIDATES:
        raise wrong("candidates", f"must be 1 to {_MOST_CANDIDATES}")
    return VirtualModel(
        name=name,
        candidates=candidates,
        strategy=body.read("strategy", one_of(STRATEGIES), "priority"),
        fallback_on=frozenset(body.read("fallback_on", _FALLBACK_ON, _NONE)),
    )


def _named(body: Body) -> VirtualModel:
    return virtual_model(body, body.read("name", MODEL_NAME))


def distinct(models: tuple[VirtualModel, ...]) -> tuple[VirtualModel, ...]:
    """Raises `InvalidRequest` for too many, or two of one name."""
    names = [model.name for model in models]
    if len(names) > _MOST_MODELS:
        raise wrong("models", f"must be at most {_MOST_MODELS}")
    if len(set(names)) < len(names):
        raise wrong("models", "must not have two of one name")
    return models


def model_shown(model: VirtualModel) -> JsonObject:
    return {
        "name": model.name,
        "strategy": model.strategy,
        "candidates": [
            {"model": candidate.model, "endpoint": candidate.endpoint, "weight": candidate.weight}
            for candidate in model.candidates
        ],
        "fallback_on": [*sorted(model.fallback_on)],
    }


MODELS: Final = listed(nested(_named))


async def put(call: Call) -> Reply:
    """`PUT /orgs/{org}/models/{name}`: one virtual model, made or replaced."""
    name = MODEL_NAME(call.path["name"], "name")
    model = virtual_model(call.body, name)
    call.body.finish()

    async def attempt() -> Reply:
        org = await call.org()
        others = tuple(known for known in org.models if known.name != name)
        changed = replace(org, models=distinct((*others, model)))
        before = next((model_shown(known) for known in org.models if known.name == name), {})
        await _write(call, "model.set", changed, differences(before, model_shown(model)))
        return Reply(model_shown(model), 200 if before else 201)

    return await retried(attempt)


async def remove(call: Call) -> Reply:
    """`DELETE /orgs/{org}/models/{name}`."""
    name = call.path["name"]
    call.body.finish()

    async def attempt() -> Reply:
        org = await call.org()
        gone = next((known for known in org.models if known.name == name), None)
        if gone is None:
            raise missing("model", name)
        changed = replace(org, models=tuple(known for known in org.models if known != gone))
        await _write(call, "model.remove", changed, differences(model_shown(gone), {}))
        return Reply({"name": name, "deleted": True})

    return await retried(attempt)


async def _write(call: Call, action: str, org: Org, changes: JsonObject) -> None:
    written = org_write(org)
    async with recorded(call, action, call.path["name"], changes):
        await call.services.control.write([written], now=call.now)
