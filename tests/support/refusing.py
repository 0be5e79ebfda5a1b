"""How a no is said: by a 400, by name among what was dropped, or not by us at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from providers import embedders
from providers.dialects.openai import DIALECT
from providers.errors import Unsupported
from tests.providers.wires import bearer, speaker
from tests.support import arriving, asking, going

if TYPE_CHECKING:
    from tests.support.claims import Claims

# `relayed`: it arrives as the client wrote it, or with its meaning in a wire that many hosts speak, and the host answers.
# `silent`: the provider has it not to give, and
# nothing of the request is lost.
Refusal: TypeAlias = Literal["400", "dropped", "relayed", "silent"]

# What no request asks for: it is there in the answer, or it is not.
_UNASKED = ("whole", "stream", "usage")


class Lost(AssertionError):
    """What is said to be a no was left out without a word, or is none at all."""


def refusal(claims: Claims, capability: str) -> Refusal:
    """Raises `Lost` where it is none of them."""
    if capability == "embeddings":
        return _no_embeddings(claims)
    try:
        translated = going.sent(claims, capability)
    except Unsupported as refused:
        named = asking.NAMED.get(capability, (capability,))
        if refused.code != "model_not_for_chat" and not (refused.param or "").startswith(named):
            raise Lost(f"{claims.provider} refuses {capability} by the name of {refused.param}") from refused
        return "400"
    if any(name.startswith(asking.NAMED.get(capability, (capability,))) for name in translated.dropped):
        return "dropped"
    if claims.form == "responses" and arrives(claims, capability, translated.request.body):
        return "relayed"
    if speaker(claims.provider).wire != DIALECT.wire:
        raise Lost(f"{claims.provider} neither refuses {capability} nor names it as dropped")
    if not untouched(json.loads(going.asked(claims, capability)), json.loads(translated.request.body)):
        raise Lost(f"{claims.provider} gets another {capability} than the client sent")
    return "silent" if capability in _UNASKED else "relayed"


def arrives(claims: Claims, capability: str, body: bytes) -> bool:
    reader = arriving.ARRIVED[claims.form].get(capability)
    return reader is not None and reader(json.loads(body)) == asking.MEANT[capability]


def untouched(asked: dict[str, Any], sent: dict[str, Any]) -> bool:
    """Limits and stream options have other names at some hosts, and null is as good as nothing; all else is as it was."""
    ours = ("max_tokens", "max_completion_tokens", "stream_options")
    told, heard = ({k: v for k, v in body.items() if k not in ours} for body in (asked, sent))
    return bool(_without_nulls(told) == _without_nulls(heard))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [_without_nulls(inner) for inner in value] if isinstance(value, list) else value


def _no_embeddings(claims: Claims) -> Refusal:
    """A further wire has none of its own: they are those of the provider."""
    if bearer(claims.provider) != claims.provider:
        return "silent"
    try:
        embedders.find(claims.provider)
    except Unsupported:
        return "400"
    raise Lost(f"{claims.provider} serves embeddings")
