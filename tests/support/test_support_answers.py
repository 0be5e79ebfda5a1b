"""Each yes comes back, from an answer in the provider's own form, whole and byte by byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from providers.errors import UpstreamTruncated
from tests.providers.wires import speaker
from tests.support import going, seeing
from tests.support.answers import told
from tests.support.claims import all_claims, claims_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wire.hearing import Heard


def check_text(heard: Heard) -> None:
    (choice,) = heard["choices"].values()
    assert (choice["text"], choice["finish_reason"]) == (told.TEXT, "tool_calls")


def check_calls(heard: Heard) -> None:
    assert seeing.calls(heard) == seeing.CALLS


def check_reasoning(heard: Heard) -> None:
    assert heard["choices"][0]["reasoning"] == told.THOUGHT


def check_choices(heard: Heard) -> None:
    assert {index: choice["text"] for index, choice in heard["choices"].items()} == dict(enumerate(told.OTHERS))
    assert {choice["finish_reason"] for choice in heard["choices"].values()} == {"stop"}


def check_logprobs(heard: Heard) -> None:
    assert [(entry["token"], entry["logprob"]) for entry in seeing.likely(heard)] == list(told.TOKENS)


CHECKS: dict[str, tuple[str, Callable[[Heard], None]]] = {
    "whole": ("rich", check_text),
    "stream": ("rich", check_text),
    "tools": ("rich", check_calls),
    "parallel_tools": ("rich", check_calls),
    "reasoning_out": ("rich", check_reasoning),
    "n": ("several", check_choices),
    "logprobs": ("likely", check_logprobs),
}
ANSWERED = [(each.provider, name) for each in all_claims().values() for name in each.yes if name in CHECKS]
STREAMED = [each.provider for each in all_claims().values() if each.says_yes("stream")]
COUNTED = [each.provider for each in all_claims().values() if each.says_yes("usage")]
SENT_BACK = [each.provider for each in all_claims().values() if each.says_yes("reasoning_back")]


def whole(provider: str, kind: str) -> list[Heard]:
    body = getattr(going.answers_of(claims_of(provider)).whole, kind)
    return going.whole_heard(speaker(provider), body)


def streamed(provider: str, kind: str) -> list[Heard]:
    body = getattr(going.answers_of(claims_of(provider)).streamed, kind)
    return going.stream_heard(speaker(provider), body)


@pytest.mark.parametrize(("provider", "capability"), [each for each in ANSWERED if each[1] != "stream"])
def test_what_is_supported_comes_back_in_a_whole_answer(provider: str, capability: str) -> None:
    kind, check = CHECKS[capability]
    for heard in whole(provider, kind):
        check(heard)


@pytest.mark.parametrize(("provider", "capability"), [each for each in ANSWERED if each[1] != "whole"])
def test_what_is_supported_comes_back_in_a_stream(provider: str, capability: str) -> None:
    kind, check = CHECKS[capability]
    for heard in streamed(provider, kind):
        check(heard)


@pytest.mark.parametrize("provider", STREAMED)
def test_half_a_stream_is_no_answer(provider: str) -> None:
    body = going.answers_of(claims_of(provider)).streamed.rich
    stream = speaker(provider).stream()
    stream.feed(body[: len(body) // 2])
    with pytest.raises(UpstreamTruncated):
        stream.close()


@pytest.mark.parametrize("provider", COUNTED)
def test_cached_and_reasoning_tokens_come_back_apart_and_the_total_is_the_providers(provider: str) -> None:
    claims = claims_of(provider)
    for heard in [*whole(provider, "rich"), *streamed(provider, "rich")]:
        cached, reasoning = seeing.counted(heard)
        assert cached == told.CACHED
        counts_reasoning = claims.form not in ("bedrock", "cohere")
        assert reasoning == (told.REASONING if counts_reasoning else None)
        assert counts_reasoning or "cached tokens only" in claims.notes["usage"]
        assert heard["usage"]["prompt_tokens"] == told.PROMPT
        assert heard["usage"]["total_tokens"] == told.PROMPT + told.COMPLETION


@pytest.mark.parametrize("provider", SENT_BACK)
def test_reasoning_that_is_signed_comes_out_with_its_signature(provider: str) -> None:
    """That it goes back with it is shown where the requests are."""
    for heard in [*whole(provider, "rich"), *streamed(provider, "rich")]:
        sealed = heard["choices"][0].get("sealed", [])
        assert sealed == (
            [] if "as plain text" in claims_of(provider).notes.get("reasoning_back", "") else [told.SIGNATURE]
        )


def test_the_arguments_of_a_call_are_json_text_to_the_client() -> None:
    """`tests.support.seeing.calls` reads it as such; here is what it looks like."""
    (seen, *_) = going.whole_seen(speaker("anthropic"), going.answers_of(claims_of("anthropic")).whole.rich)
    arguments = [call["function"]["arguments"] for call in seen["choices"][0]["message"]["tool_calls"]]
    assert [json.loads(each) for each in arguments] == [{"city": city} for _, city in told.CALLS]
