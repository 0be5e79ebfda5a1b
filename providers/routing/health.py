"""What is known of an endpoint: whether it had better be left alone for a while, and how quickly it answers.

Health only ever orders the ways to an answer; it never refuses one. So it may be late, lost or shared loosely: every
sandbox keeps its own, and merges what the others have published.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from providers.errors import UpstreamAuth, UpstreamThrottled
from providers.routing import retry_after
from providers.routing.refusal import model_forbidden, out_of_money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.errors import UpstreamError
    from providers.jsonwalk import JsonObject

# A provider that asks for more than this means a day's quota; it is asked again now and then, last of all.
LONGEST_COOLDOWN: Final = 300.0
# A limit per minute refills all the time: a few seconds let something through again.
THROTTLED: Final = 5.0
# A refused credential, or an empty account, takes a human; a rotated secret is read at once and clears this itself.
REFUSED: Final = 60.0
# One fault is a hiccup and a second one bad luck: the retry has already gone elsewhere. The third in a row is a state.
TOLERATED_FAILURES: Final = 2
FIRST_COOLDOWN: Final = 10.0
# The weight of the newest measurement: the last ten or so decide, and one outlier does not.
NEWEST: Final = 0.2
# Beyond these a model goes without a time. Together with the endpoints of an org it keeps the shared item small.
MAX_MODELS: Final = 32
MAX_MODEL_NAME: Final = 200
_MAX_FAILURES: Final = 32

SCHEMA: Final = 1
# 32 endpoints with 32 models each are 60 KB of names of usual length; a DynamoDB item holds 400 KB.
MAX_ENDPOINTS: Final = 32
_MAX_NAME: Final = 200
# How far another sandbox's clock may be ahead. What claims to be later would win every merge from then on.
_AHEAD: Final = 60.0
# A model answers within that, or the sandbox that waited is gone.
_LONGEST_TTFT: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds to the first token, exponentially weighted; `at`: epoch seconds of the newest measurement."""

    seconds: float
    at: float


@dataclass(frozen=True, slots=True)
class Health:
    """`until`: epoch seconds; it cools down until then. `failures`: in a row. `ttft`: by the provider's model name.

    `at`: epoch seconds as of which `until` and `failures` are known; of two reports the later one is right.
    """

    until: float = 0.0
    failures: int = 0
    ttft: Mapping[str, Pace] = field(default_factory=dict)
    at: float = 0.0


def failed(health: Health, error: UpstreamError, now: float) -> Health:
    """After a failure. A refusal of the request itself says nothing of the endpoint: `health` stays as it is."""
    pause = _pause(error, health.failures + 1, now)
    if pause is None:
        return health
    return replace(
        health,
        until=max(health.until, now + pause) if pause else health.until,
        failures=min(health.failures + _faulty(error), _MAX_FAILURES),
        at=max(health.at, now),
    )


def answered(health: Health, model: str, ttft: float, now: float) -> Health:
    """After the first token, `ttft` seconds from when the request was sent."""
    return recovered(replace(health, ttft=_measured(health.ttft, model, ttft, now)), now - ttft)


def recovered(health: Health, sent: float) -> Health:
    """After an answer that tells no time to its first token, to a request that was sent at `sent` (epoch seconds).

    It ends a cooldown only where it was sent after the failure: what was on its way before proves nothing.
    """
    return health if sent < health.at else replace(health, until=0.0, failures=0, at=sent)


def merged(mine: Health, theirs: Health) -> Health:
    """Of both, the later knowledge of each thing. In any order, and however often, it comes to the same."""
    latest = max(mine, theirs, key=lambda health: (health.at, health.until, health.failures))
    paces = dict(mine.ttft)
    for model, pace in theirs.ttft.items():
        paces[model] = max(pace, paces.get(model, pace), key=lambda known: (known.at, known.seconds))
    return replace(latest, ttft=_bounded(paces))


def _pause(error: UpstreamError, failures: int, now: float) -> float | None:
    """Seconds to leave the endpoint alone; None where the failure is not the endpoint's."""
    if out_of_money(error) or (isinstance(error, UpstreamAuth) and not model_forbidden(error)):
        return REFUSED
    asked = retry_after.seconds(error.retry_after, now)
    if isinstance(error, UpstreamThrottled):
        return THROTTLED if asked is None else min(asked, LONGEST_COOLDOWN)
    if not _faulty(error):
        return None
    beyond = min(failures, _MAX_FAILURES) - TOLERATED_FAILURES
    grown = FIRST_COOLDOWN * 2.0 ** (beyond - 1) if beyond > 0 else 0.0
    return min(max(grown, asked or 0.0), LONGEST_COOLDOWN)


def _faulty(error: UpstreamError) -> bool:
    """The endpoint is broken or cannot be reached, which is not to say that it is busy."""
    return error.retryable and not isinstance(error, UpstreamThrottled)


def _measured(paces: Mapping[str, Pace], model: str, ttft: float, now: float) -> dict[str, Pace]:
    if len(model) > MAX_MODEL_NAME:
        return dict(paces)
    before = paces.get(model)
    seconds = ttft if before is None else before.seconds + NEWEST * (ttft - before.seconds)
    return _bounded({**paces, model: Pace(seconds, now)})


def _bounded(paces: dict[str, Pace]) -> dict[str, Pace]:
    """The models that were measured last."""
    if len(paces) <= MAX_MODELS:
        return paces
    latest = sorted(paces.items(), key=lambda item: (item[1].at, item[0]), reverse=True)
    return dict(latest[:MAX_MODELS])


# -- the item that the sandboxes of an org share: written with care, read with suspicion ------------------------------


def health_document(health: Mapping[str, Health]) -> JsonObject:
    """By endpoint name; where there are too many, those of which the latest is known."""
    latest = sorted(health.items(), key=lambda item: (item[1].at, item[0]), reverse=True)[:MAX_ENDPOINTS]
    return {"schema": SCHEMA, "endpoints": {name: _written(known) for name, known in latest}}


def read_health(document: Mapping[str, object], *, now: float) -> dict[str, Health]:
    """By endpoint name. Never raises: of an endpoint whose entry is not what we write, nothing is known."""
    endpoints = document.get("endpoints")
    if document.get("schema") != SCHEMA or not isinstance(endpoints, dict):
        return {}
    read = (
        (name, _read(entry, now)) for name, entry in list(endpoints.items())[:MAX_ENDPOINTS] if len(name) <= _MAX_NAME
    )
    return {name: health for name, health in read if health is not None}


def _written(health: Health) -> JsonObject:
    return {
        "until": health.until,
        "failures": health.failures,
        "at": health.at,
        "ttft": {model: [pace.seconds, pace.at] for model, pace in health.ttft.items()},
    }


def _read(entry: object, now: float) -> Health | None:
    if not isinstance(entry, dict):
        return None
    until = _number(entry.get("until"), now + LONGEST_COOLDOWN + _AHEAD)
    at = _number(entry.get("at"), now + _AHEAD)
    failures, paces = entry.get("failures"), entry.get("ttft")
    if until is None or at is None or type(failures) is not int or failures < 0 or not isinstance(paces, dict):
        return None
    read = {model: _pace(pace, now) for model, pace in list(paces.items())[:MAX_MODELS] if len(model) <= MAX_MODEL_NAME}
    return Health(until, failures, {model: pace for model, pace in read.items() if pace is not None}, at)


def _pace(entry: object, now: float) -> Pace | None:
    if not isinstance(entry, list) or len(entry) != 2:
        return None
    seconds, at = _number(entry[0], _LONGEST_TTFT), _number(entry[1], now + _AHEAD)
    return None if seconds is None or at is None else Pace(seconds, at)


def _number(value: object, most: float) -> float | None:
    """A number from 0 to `most`, which leaves out NaN too; stores give whole floats back as integers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= most else None
