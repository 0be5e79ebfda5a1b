"""Members of messages that this release has no word for: named, so that another wire can say what it leaves out."""

from __future__ import annotations

import json
from typing import Any

from providers.chat import Assistant, ChatRequest, Text, UnknownPart
from providers.dialects.openai import DIALECT


def parse(*messages: dict[str, Any]) -> ChatRequest:
    return DIALECT.parse(json.dumps({"model": "m", "messages": messages}).encode())


def test_members_without_a_word_are_named_once_each() -> None:
    said = {"role": "assistant", "content": "Hi", "annotations": [{"type": "url_citation"}], "mood": "calm"}
    assert parse(said, said).unread == ("messages[].annotations", "messages[].mood")


def test_what_says_nothing_is_not_named() -> None:
    """As the official SDK sends an answer back."""
    echoed: dict[str, Any] = {
        "role": "assistant",
        "content": "Hi",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
        "parsed": None,
        "note": "",
        "more": {},
    }
    assert parse(echoed).unread == ()


def test_earlier_audio_is_content_that_only_its_provider_knows() -> None:
    (message,) = parse({"role": "assistant", "content": "Hi", "audio": {"id": "audio_1"}}).messages
    assert message == Assistant((Text("Hi"), UnknownPart("audio", "messages[0].audio")))
