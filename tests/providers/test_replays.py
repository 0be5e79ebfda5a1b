"""Which provider takes back whose signed thinking."""

from __future__ import annotations

import pytest

from providers import registry
from providers.signatures import NOTHING, replay_of

CLAUDES = "anthropic-claude-v1"
GEMINIS = "google-gemini-v1"


@pytest.mark.parametrize(
    ("provider", "model", "formats"),
    [
        ("anthropic", "claude-opus-4-6", {CLAUDES}),
        ("google", "gemini-3-pro-preview", {GEMINIS}),
        ("vertex", "claude-opus-4-6", {CLAUDES}),
        ("vertex", "gemini-3-pro-preview", {GEMINIS}),
        ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", {CLAUDES, "bedrock-converse-v1"}),
    ],
)
def test_signed_thinking_goes_back_to_those_who_check_it(provider: str, model: str, formats: set[str]) -> None:
    replay = replay_of(registry.find(provider), model)
    assert replay.formats == formats
    assert not replay.any_model
    assert replay.bound == (CLAUDES in formats)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-5"),
        ("groq", "openai/gpt-oss-120b"),
        ("cohere", "command-a"),
        ("bedrock", "amazon.nova-lite-v1:0"),
    ],
)
def test_others_take_none(provider: str, model: str) -> None:
    assert replay_of(registry.find(provider), model) == NOTHING
