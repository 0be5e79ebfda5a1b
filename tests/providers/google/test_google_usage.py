"""Counts into disjoint buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from providers.google.usage import parse_usage
from providers.usage import Usage

if TYPE_CHECKING:
    from providers.jsonwalk import JsonObject


def test_pitfall_15_thoughts_stand_beside_the_answer_and_both_are_output() -> None:
    usage = parse_usage(
        {"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 7, "totalTokenCount": 22}
    )
    assert usage == Usage(input=10, output=5, reasoning=7)
    assert (usage.prompt, usage.completion) == (10, 12)


def test_pitfall_17_cached_tokens_are_part_of_the_prompt() -> None:
    usage = parse_usage({"promptTokenCount": 100, "cachedContentTokenCount": 80})
    assert usage == Usage(input=20, cache_read=80)


def test_audio_has_buckets_of_its_own_but_for_what_was_cached() -> None:
    audio: JsonObject = {"modality": "AUDIO", "tokenCount": 30}
    counts: JsonObject = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "promptTokensDetails": [audio, {"modality": "TEXT", "tokenCount": 70}],
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokenCount": 31,
        "candidatesTokensDetails": [audio],
    }
    usage = parse_usage(counts)
    assert (usage.input, usage.cache_read, usage.audio_input, usage.output, usage.audio_output) == (40, 40, 20, 1, 30)
    assert usage.prompt == 100
    assert usage.extra["candidatesTokensDetails"] == [audio]


@pytest.mark.parametrize(
    ("counts", "prompt"),
    [
        ({"promptTokenCount": 9, "toolUsePromptTokenCount": 61, "totalTokenCount": 318}, 70),
        ({"toolUsePromptTokenCount": 61}, 61),
        ({"totalTokenCount": 692, "candidatesTokenCount": 1, "thoughtsTokenCount": 116}, 575),
        ({"totalTokenCount": 1, "candidatesTokenCount": 5}, 0),
        ({"candidatesTokenCount": 5}, None),
        ({}, None),
    ],
)
def test_all_input_is_counted_once(counts: dict[str, int], prompt: int | None) -> None:
    assert parse_usage({**counts}).input == prompt
