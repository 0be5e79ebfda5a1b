"""Each yes arrives at the provider, each no is said."""

from __future__ import annotations

import json

import pytest

from providers.dialects.openai import DIALECT
from providers.errors import Unsupported
from tests.providers.wires import bearer, speaker
from tests.support import arriving, asking, going
from tests.support.claims import NAMES, Claims, all_claims, claims_of
from tests.support.refusing import Lost, refusal, untouched
from tests.wire.hearing import hear

_CHAT = [name for name in NAMES if name != "embeddings"]

YES = [(claims.provider, name) for claims in all_claims().values() for name in _CHAT if claims.says_yes(name)]
NO = [(claims.provider, name) for claims in all_claims().values() for name in NAMES if not claims.says_yes(name)]

# What a request loses although its capability is a yes, each said in the provider's own page of the documentation.
BESIDE = {
    ("google", "pdf"): ("messages[].content[].file.filename",),
    ("vertex", "pdf"): ("messages[].content[].file.filename",),
    ("google", "parallel_tools"): ("messages[].tool_calls[].thought_signature",),
    ("vertex", "parallel_tools"): ("messages[].tool_calls[].thought_signature",),
    ("zai", "reasoning_out"): ("reasoning_effort",),  # a switch: there is no saying how much
    ("xiaomi", "reasoning_out"): ("reasoning_effort",),  # the same
    ("mistral", "usage"): ("stream_options",),  # which Mistral refuses; it sends the usage unasked
}


@pytest.mark.parametrize(("provider", "capability"), YES)
def test_what_is_supported_arrives_at_the_provider_with_its_meaning(provider: str, capability: str) -> None:
    claims = claims_of(provider)
    sent = going.sent(claims, capability)
    arrived = arriving.ARRIVED[claims.form][capability](json.loads(sent.request.body))
    assert arrived == (signed(provider) if capability == "reasoning_back" else asking.MEANT[capability])
    assert sent.dropped == BESIDE.get((provider, capability), ())
    streams = capability in ("stream", "usage")
    assert sent.request.streaming is streams
    if claims.form in arriving.STREAMED_AT:
        assert sent.request.url.endswith(arriving.STREAMED_AT[claims.form]) is streams


def signed(provider: str) -> object:
    """What the client was given to send back: signatures, or where nothing is signed, the thought itself."""
    claims = claims_of(provider)
    (seen, *_) = going.whole_seen(speaker(provider), going.answers_of(claims).whole.rich)
    choice = hear([seen], "message")["choices"][0]
    return choice.get("sealed") or choice["reasoning"]


@pytest.mark.parametrize(("provider", "capability"), NO)
def test_what_is_not_supported_is_refused_or_named_and_never_lost(provider: str, capability: str) -> None:
    claims = claims_of(provider)
    how = refusal(claims, capability)
    if speaker(provider).wire != DIALECT.wire and bearer(provider) == provider:
        assert how in ("400", "dropped")


@pytest.mark.parametrize("capability", ["n", "logprobs", "images", "reasoning_out", "embeddings"])
def test_a_no_that_is_a_yes_in_truth_is_found_out(capability: str) -> None:
    modest = Claims(provider="google", form="google", models=claims_of("google").models)
    with pytest.raises(Lost):
        refusal(modest, capability)


@pytest.mark.parametrize("capability", ["n", "logprobs", "audio_in"])
def test_a_yes_that_is_a_no_in_truth_is_found_out(capability: str) -> None:
    with pytest.raises(Unsupported):
        going.sent(claims_of("anthropic"), capability)
    assert not claims_of("anthropic").says_yes(capability)


def test_a_host_that_is_sent_something_else_is_found_out() -> None:
    claims = Claims(provider="mistral")
    asked = json.loads(going.asked(claims, "n"))
    assert refusal(claims, "n") == "relayed"
    assert untouched(asked, {**asked, "n": 1}) is False
    assert untouched(asked, {name: value for name, value in asked.items() if name != "n"}) is False
