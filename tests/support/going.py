"""A capability's request on its way to a provider, and an authored answer on its way back, by the real translations."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from providers.base import Credential, Profile, Stamp, Target
from providers.completion import unfold
from providers.dialects.openai import DIALECT
from providers.secret import Secret
from tests.providers.wires import bearer, speaker
from tests.support import asking
from tests.support.answers import anthropic, bedrock, cohere, google, openai, responses
from tests.wire.hearing import Heard, chunks_of, hear

if TYPE_CHECKING:
    from collections.abc import Callable

    from providers.base import Provider, RelayingProvider, Translated
    from providers.events import Event
    from providers.openai.provider import ChatProvider
    from tests.support.answers.told import Answers
    from tests.support.claims import Claims

_STAMP: Final = Stamp("chatcmpl-stamp", 1, "model")

# An address for the provider whose every customer has another.
_HOMES: Final = {"azure": "https://resource.openai.azure.com"}


def target(claims: Claims, capability: str) -> Target:
    provider = speaker(claims.provider)
    name = bearer(claims.provider)
    home = _HOMES.get(name, provider.base_url)
    return Target(name, claims.model(capability), Credential(Secret("key")), Profile(home))


def asked(claims: Claims, capability: str) -> bytes:
    """The client's bytes."""
    model = claims.model(capability)
    if capability == "prompt_cache" and claims.prompt_cache_key:
        return asking.body("whole", model, prompt_cache_key=asking.CACHE_KEY)
    if capability == "reasoning_back":
        return asking.body("tools", model, messages=next_turn(claims))
    return asking.body(capability, model)


def sent(claims: Claims, capability: str) -> Translated:
    """What goes to the provider. Raises as `Provider.request` does."""
    chat = DIALECT.parse(asked(claims, capability))
    return speaker(claims.provider).request(chat, target(claims, capability))


def next_turn(claims: Claims) -> list[dict[str, Any]]:
    """A conversation that goes on from the provider's own answer, as a client keeps it: unchanged."""
    (seen, *_) = whole_seen(speaker(claims.provider), answers_of(claims).whole.rich)
    message = seen["choices"][0]["message"]
    return [*asking.PLAIN, message, *asking.results(*(call["id"] for call in message["tool_calls"]))]


@cache
def _authored(form: str) -> Answers:
    authors: dict[str, Callable[[], Answers]] = {
        "anthropic": anthropic.answers,
        "google": google.answers,
        "bedrock": bedrock.answers,
        "cohere": cohere.answers,
    }
    return authors[form]()


def answers_of(claims: Claims) -> Answers:
    if claims.form == "responses":
        return responses.answers(sealed="as plain text" not in claims.notes.get("reasoning_back", ""))
    if claims.form != "openai":
        return _authored(claims.form)
    return openai.answers(cast("ChatProvider", speaker(claims.provider)).host, claims.reasoning_member)


def whole_seen(provider: Provider, body: bytes) -> list[dict[str, Any]]:
    """What the client gets, as JSON: as it is written by the dialect and, of the same wire, as it is relayed."""
    done = provider.response(body)
    seen = [json.loads(DIALECT.completion(done, _STAMP))]
    return [*seen, json.loads(body)] if provider.wire == DIALECT.wire else seen


def whole_heard(provider: Provider, body: bytes) -> list[Heard]:
    """The same, reduced to what it says; and a stream made of it, as on a hit of the cache."""
    replayed = _encoded(unfold(provider.response(body)))
    return [*(hear([seen], "message") for seen in whole_seen(provider, body)), hear(chunks_of(replayed), "delta")]


def stream_heard(provider: Provider, body: bytes) -> list[Heard]:
    """The streamed answer byte by byte, as the dialect writes it and, of the same wire, as it is relayed."""
    stream = provider.stream()
    events = [event for at in range(len(body)) for event in stream.feed(body[at : at + 1])] + stream.close()
    heard = [hear(chunks_of(_encoded(events)), "delta")]
    if provider.wire != DIALECT.wire:
        return heard
    relay = cast("RelayingProvider", provider).relay(hide_usage=False)
    relayed = b"".join(frame.raw for frame in [*relay.feed(body), *relay.close()])
    return [*heard, hear(chunks_of(relayed), "delta")]


def _encoded(events: list[Event]) -> bytes:
    encoder = DIALECT.encoder(_STAMP, include_usage=True)
    return b"".join(encoder.feed(event) for event in events) + encoder.close()
