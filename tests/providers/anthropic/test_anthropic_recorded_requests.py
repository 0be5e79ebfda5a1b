"""Recorded requests: built again from what they mean, and from the same intent in OpenAI's words."""

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from providers.anthropic import PROVIDER
from providers.base import Credential, Profile, Target
from providers.chat import ChatRequest, Source
from providers.dialects.anthropic import DIALECT as MESSAGES
from providers.dialects.openai import OpenAIChat
from providers.errors import Unsupported
from providers.secret import Secret
from tests.providers.anthropic.recording import REQUESTS, Json, load, needs_recordings, recorded

pytestmark = needs_recordings


def target(model: str) -> Target:
    return Target("anthropic", model, Credential(Secret("k")), Profile(PROVIDER.base_url))


def sent(chat: ChatRequest, model: str) -> Json:
    return dict(json.loads(PROVIDER.request(chat, target(model)).request.body))


def chat_of(body: Json) -> ChatRequest:
    """What the client of a recorded request meant, as if it had said so in another wire."""
    hosted = {"model": "claude-3-7-sonnet@20250219"} | {k: v for k, v in body.items() if k != "anthropic_version"}
    chat = MESSAGES.parse(json.dumps(hosted).encode())
    return replace(chat, source=Source("another", b"{}"))


def blocks_of(content: str | list[Json]) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def plain(body: Json) -> Json:
    """A request without what two spellings of it may differ in."""
    body = json.loads(json.dumps(body))
    body.pop("anthropic_version", None)
    for name in ("system", "messages", "tools", "stop_sequences", "stream"):
        if not body.get(name):
            body.pop(name, None)
    if "system" in body:
        body["system"] = blocks_of(body["system"])
    for message in body["messages"]:
        message["content"] = [
            block | ({"content": blocks_of(block["content"])} if "content" in block else {})
            for block in blocks_of(message["content"])
        ]
    for tool in body.get("tools", []):
        tool.pop("type", None)
    if body.get("thinking") == {"type": "disabled"}:  # what leaving it out means to the models in question
        del body["thinking"]
    if body.get("tool_choice", {}).get("disable_parallel_tool_use") is False:
        del body["tool_choice"]["disable_parallel_tool_use"]
    return dict(body)


def representable(path: str) -> bool:
    """Not those that go on after server tools or close an object for Anthropic to refuse."""
    body = load(path).request or {}
    text = json.dumps(body.get("messages"))
    return "messages" in body and "server_tool_use" not in text and "genstream-json.json" not in path


@pytest.mark.parametrize("path", [path for path in REQUESTS if representable(path)])
def test_a_recorded_request_asked_again_is_the_same_request(path: str) -> None:
    body = load(path).request
    assert body is not None
    chat = chat_of(body)
    built = sent(chat, chat.model)
    assert plain(built | {"model": ""}) == plain(body | {"model": ""})


def siblings() -> Iterator[tuple[str, str]]:
    """An Anthropic request and the same intent, said to an OpenAI-compatible host."""
    rows = [row for row in recorded() if row["parallel"]]
    for ours in rows:
        for theirs in rows:
            same = (ours["parallel"], ours["step"]) == (theirs["parallel"], theirs["step"])
            if same and ours["wire"] == "anthropic-messages" and theirs["wire"] == "openai-chat":
                yield ours["path"], theirs["path"]


def intent(body: Json) -> Json:
    """What is asked, apart from the knobs that each recording turned its own way. Ids are numbered as they come."""
    body = plain(body)
    seen: dict[str, int] = {}
    for message in body["messages"]:
        for block in message["content"]:
            block.pop("cache_control", None)
            for name in ("id", "tool_use_id"):
                if name in block:
                    block[name] = seen.setdefault(block[name], len(seen))
    for tool in body.get("tools", []):
        tool.pop("strict", None)
    asked = "messages", "tools", "tool_choice", "system", "output_config", "stream"
    return {name: body[name] for name in asked if name in body}


# Recordings of one intent that do not ask the same.
DIFFERENT = (
    "genstream-json.json",  # JSON without a schema, which Anthropic has not
    "document-pdf-url",  # a content part that only Mistral knows
    "qwen3-4b-thinking-genstream-jsonschema",  # the schema stands in the wrong place, and the prompt goes on
    "v4-pro-0813-genstream-tools-squareroot-1",  # `arguments` where `parameters` should be
    "mimo-v2-5-thinking-genstream-tools-squareroot-2",  # tool_choice auto for none
)


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in siblings() if not any(d in pair[1] for d in DIFFERENT)])
def test_the_same_intent_in_openais_words_is_the_same_request(ours: str, theirs: str) -> None:
    recorded_ours, recorded_theirs = load(ours).request, load(theirs).request
    assert recorded_ours is not None
    assert recorded_theirs is not None
    chat = OpenAIChat().parse(json.dumps(recorded_theirs).encode())
    assert intent(sent(chat, "claude-haiku-4-5")) == intent(recorded_ours)


@pytest.mark.parametrize("part", DIFFERENT)
def test_what_is_said_to_differ_does(part: str) -> None:
    pairs = [pair for pair in siblings() if part in pair[1]]
    assert pairs
    for ours, theirs in pairs:
        try:
            chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
            assert intent(sent(chat, "claude-haiku-4-5")) != intent(load(ours).request or {})
        except Unsupported:
            pass  # it asks for what there is no word for here
