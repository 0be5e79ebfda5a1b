"""What is said to be recorded was recorded: real exchanges with that provider, replayed.

What a client asks for is in the recorded request, as its tags say; what it is given is in the answer, through us.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import pytest

from tests.providers.wires import bearer, speaker
from tests.support import going, seeing
from tests.support.claims import all_claims, claims_of
from tests.wire.recordings import FOLDER, recordings

if TYPE_CHECKING:
    from tests.support.claims import Claims
    from tests.wire.hearing import Heard
    from tests.wire.recordings import Recording

_WIRES: Final = {
    "openai": "openai-chat",
    "responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "google": "generateContent",
    "bedrock": "converse",
    "cohere": "cohere-v2",
}
# The tags of the recordings, for capabilities that are asked for and leave no mark of their own in the answer.
_TAGS: Final = {
    "tool_choice": {"tool_choice:named"},
    "json_schema": {"json_schema"},
    "images": {"image_in"},
    "pdf": {"pdf_in"},
    "audio_in": {"audio_in"},
    "reasoning_back": {"reasoning_replay", "signature_replay"},
    "prompt_cache": {"cache_control"},
    "embeddings": {"embeddings"},
}

RECORDED: Final = [(claims.provider, name) for claims in all_claims().values() for name in claims.recorded]

needs_recordings = pytest.mark.skipif(not recordings(), reason=f"no recorded traffic at {FOLDER.name}")


def of(claims: Claims) -> list[Recording]:
    """A stream of Bedrock's is in frames of its own, and still a stream. A job in the background is no answer yet."""
    wire = _WIRES[claims.form]
    name = bearer(claims.provider)
    exchanges = [each for each in recordings() if (each.provider, each.wire, each.status) == (name, wire, 200)]
    return [each for each in exchanges if "background" not in each.tags]


@cache
def heard(provider: str, path: str) -> list[Heard]:
    (recording,) = [each for each in recordings() if each.path == path]
    found = speaker(provider)
    return (going.stream_heard if recording.stream else going.whole_heard)(found, recording.body)


@needs_recordings
@pytest.mark.parametrize(("provider", "capability"), [each for each in RECORDED if each[1] in seeing.SEEN])
def test_what_is_recorded_reaches_the_client(provider: str, capability: str) -> None:
    asked = {"whole": False, "stream": True}.get(capability)
    exchanges = [each for each in of(claims_of(provider)) if asked is None or each.stream is asked]
    assert any(
        all(seeing.SEEN[capability](each) for each in heard(provider, exchange.path))
        for exchange in exchanges
        if "error" not in exchange.tags
    )


@needs_recordings
@pytest.mark.parametrize(("provider", "capability"), [each for each in RECORDED if each[1] in _TAGS])
def test_what_is_recorded_was_asked_for_and_answered(provider: str, capability: str) -> None:
    claims = claims_of(provider)
    exchanges = [each for each in recordings() if each.provider == provider and each.status == 200]
    if capability != "embeddings":
        exchanges = of(claims)
    assert any(_TAGS[capability] & each.tags for each in exchanges if "error" not in each.tags)


@needs_recordings
@pytest.mark.parametrize("provider", [provider for provider, capability in RECORDED if capability == "usage"])
def test_what_is_recorded_counts_its_tokens_apart(provider: str) -> None:
    """In one answer or another: not each has something cached."""
    claims = claims_of(provider)
    counted = [
        seeing.counted(each)
        for exchange in of(claims)
        if "error" not in exchange.tags
        for each in heard(provider, exchange.path)
    ]
    assert any(cached is not None for cached, _ in counted)
    assert any(reasoning is not None for _, reasoning in counted) is (
        "cached tokens only" not in claims.notes.get("usage", "")
    )


@needs_recordings
@pytest.mark.parametrize("provider", [provider for provider, capability in RECORDED if capability == "reasoning_out"])
def test_thinking_is_said_in_the_member_that_the_table_names(provider: str) -> None:
    claims = claims_of(provider)
    members = set()
    for exchange in of(claims):
        if exchange.stream or "error" in exchange.tags:
            continue
        (seen, *_) = going.whole_seen(speaker(provider), exchange.body)
        message = seen["choices"][0]["message"]
        members |= {name for name in ("reasoning", "reasoning_content") if message.get(name)}
    assert "reasoning_content" in members or not members, "there is one place, whatever the host calls it"
    assert members <= {"reasoning_content", claims.reasoning_member}
