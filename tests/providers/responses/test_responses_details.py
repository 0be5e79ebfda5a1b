"""A summary and what it summarises, to a client of chat completions and back, unchanged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.base import Stamp
from providers.chat import Assistant, Reasoning
from providers.completion import Choice, Completion, ReasoningPart, TextPart, unfold
from providers.dialects.openai import DIALECT
from providers.events import Finished, Started
from tests.wire.hearing import chunks_of

if TYPE_CHECKING:
    from collections.abc import Callable

STAMP = Stamp("id", 1, "m")
SEALED = ReasoningPart("I should look it up somewhere.", data="sealed", format="openai-responses-v1", id="rs_1")
DONE = Completion(Started(), (Choice(0, (SEALED, TextPart("a")), Finished("stop")),))
ENTRIES = [
    {"type": "reasoning.summary", "summary": SEALED.text, "format": "openai-responses-v1", "index": 0},
    {"type": "reasoning.encrypted", "data": "sealed", "id": "rs_1", "index": 0},
]


def whole() -> Any:
    return json.loads(DIALECT.completion(DONE, STAMP))["choices"][0]["message"]


def streamed() -> Any:
    """The message as a client puts it together that keeps every entry."""
    encoder = DIALECT.encoder(STAMP, include_usage=False)
    body = b"".join([*(encoder.feed(event) for event in unfold(DONE)), encoder.close()])
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks_of(body)]
    return {
        "role": "assistant",
        "content": "".join(delta.get("content") or "" for delta in deltas),
        "reasoning_content": "".join(delta.get("reasoning_content") or "" for delta in deltas),
        "reasoning_details": [entry for delta in deltas for entry in delta.get("reasoning_details", [])],
    }


@pytest.mark.parametrize("message", [whole(), streamed()], ids=["whole", "streamed"])
def test_a_block_has_an_entry_for_what_it_shows_and_one_for_what_it_seals(message: Any) -> None:
    assert message["reasoning_content"] == SEALED.text
    assert message["reasoning_details"] == ENTRIES


@pytest.mark.parametrize("message", [whole(), streamed()], ids=["whole", "streamed"])
def test_sent_back_it_is_the_item_that_it_was(written: Callable[..., Any], message: Any) -> None:
    body = json.dumps({"model": "m", "messages": [message]}).encode()
    (parsed,) = DIALECT.parse(body).messages
    assert isinstance(parsed, Assistant)
    assert parsed.reasoning == (Reasoning(SEALED.text, "", "sealed", SEALED.format, "rs_1"),)
    thought, answer = written(messages=[message]).body["input"]
    assert thought == {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": SEALED.text}],
        "encrypted_content": "sealed",
    }
    assert answer == {"role": "assistant", "content": "a"}
