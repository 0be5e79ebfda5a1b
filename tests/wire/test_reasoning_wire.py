"""Every recorded answer in OpenAI's chat wire: relayed, and replayed from the cache, it says the same in one place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.base import Stamp
from providers.completion import fold, unfold
from providers.dialects.openai import DIALECT
from providers.errors import UpstreamError
from providers.events import Failed
from tests.wire.chat_oracle import blocks, data_of
from tests.wire.chat_replay import events_of, is_error, is_stream, is_whole, provider_of
from tests.wire.recordings import cases

if TYPE_CHECKING:
    from tests.wire.recordings import Recording

STAMP = Stamp("id", 1, "model")
PLACES = ("reasoning_content", "reasoning", "content", "content_parts")


def heard(stream: bytes) -> dict[tuple[int, str], Any]:
    """What a client puts together of each choice, by place; nothing where that is nothing."""
    said: dict[tuple[int, str], Any] = {}
    for block in blocks(stream):
        data = data_of(block)
        for choice in json.loads(data).get("choices", []) if data and data != b"[DONE]" else []:
            for place in PLACES:
                if piece := (choice.get("delta") or {}).get(place):
                    key = choice.get("index", 0), place
                    said[key] = said[key] + piece if key in said else piece
    return said


@pytest.mark.parametrize("recording", cases(is_stream))
def test_a_stream_says_its_reasoning_in_one_place_live_and_from_the_cache(recording: Recording) -> None:
    provider = provider_of(recording)
    events = events_of(provider.stream(), [recording.body])
    if any(isinstance(event, Failed) for event in events):
        return  # not kept: nothing to compare with
    relay = provider.relay(hide_usage=False)
    live = b"".join(frame.raw for frame in [*relay.feed(recording.body), *relay.close()])
    encoder = DIALECT.encoder(STAMP, include_usage=True)
    hit = b"".join(map(encoder.feed, unfold(fold(events)))) + encoder.close()
    assert heard(live) == heard(hit)


@pytest.mark.parametrize("recording", cases(lambda each: is_whole(each) and not is_error(each)))
def test_a_whole_answer_says_its_reasoning_in_one_place_live_and_from_the_cache(recording: Recording) -> None:
    provider = provider_of(recording)
    try:
        done = provider.response(recording.body)
    except UpstreamError:
        return  # not kept: nothing to compare with
    live = json.loads(provider.relayed(recording.body, done))
    hit = json.loads(DIALECT.completion(done, STAMP))
    for place in PLACES:
        told = [[choice.get("message", {}).get(place) or None for choice in each["choices"]] for each in (live, hit)]
        assert told[0] == told[1], place
