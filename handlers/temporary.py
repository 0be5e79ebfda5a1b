"""`POST /v1/credentials`: a temporary credential for a browser or a job, made from a Sabir key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from handlers.answer import Whole
from handlers.caller import Member
from handlers.credentials import identified
from handlers.routing import ways_of
from infra.control import tokens
from providers.errors import Forbidden, InvalidRequest

if TYPE_CHECKING:
    from handlers.asked import Asked
    from handlers.services import Services

_MEMBERS: Final = frozenset({"model", "ttl_seconds"})


async def answer(asked: Asked, services: Services) -> Whole:
    """`{"key": …, "expires_at": epoch seconds}`. Raises `SabirError`."""
    caller = await identified(asked, services)
    model, ttl = _wanted(asked.body)
    if not isinstance(caller, Member):
        raise Forbidden("Temporary credentials are made from a Sabir key; a provider's own key makes none.")
    if caller.models is not None:
        raise Forbidden("A temporary credential makes no other one.", code="temporary_credential")
    # A name that the key cannot use anyway is better refused now than in somebody's browser.
    ways_of(caller, model, b"", None, services)
    key, ends_at = services.members.mint(
        caller, model, ttl, token_id=services.new_id(services.now()), now=int(services.now())
    )
    body = json.dumps({"key": key, "expires_at": ends_at}).encode()
    return Whole(200, {"content-type": "application/json", "cache-control": "no-store"}, body)


def _wanted(body: bytes) -> tuple[str, int]:
    try:
        wanted: Any = json.loads(body)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise InvalidRequest('The body must be a JSON object: {"model": …, "ttl_seconds": …}.', code="invalid_json")
    for name in wanted.keys() - _MEMBERS:
        raise InvalidRequest("There is a member that is neither model nor ttl_seconds.", param=str(name)[:64])
    model, ttl = wanted.get("model"), wanted.get("ttl_seconds", tokens.DEFAULT_TTL)
    if not isinstance(model, str) or not model or any(letter in "*?[" for letter in model):
        raise InvalidRequest("model must be the name of one model.", param="model")
    if type(ttl) is not int or not 1 <= ttl <= tokens.MAX_TTL:
        raise InvalidRequest(f"ttl_seconds must be a whole number from 1 to {tokens.MAX_TTL}.", param="ttl_seconds")
    return model, ttl
