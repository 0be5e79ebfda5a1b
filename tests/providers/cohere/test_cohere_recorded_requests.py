"""Recorded requests: built again from what they mean, and from the same intent in OpenAI's words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.base import Credential, Profile, Target
from providers.chat import (
    Assistant,
    ChatRequest,
    FunctionTool,
    Image,
    JsonSchema,
    Message,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    Url,
    User,
)
from providers.cohere import PROVIDER
from providers.dialects.openai import OpenAIChat
from providers.errors import Unsupported
from providers.secret import Secret
from tests.providers.cohere.recording import CASES, Json, load, needs_recordings, recorded

pytestmark = needs_recordings


def sent(chat: ChatRequest, model: str) -> Json:
    target = Target("cohere", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    return dict(json.loads(PROVIDER.request(chat, target).request.body))


def blocks_of(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def parts_of(message: Json) -> Any:
    return tuple(
        Text(block["text"]) if block["type"] == "text" else Image(Url(block["image_url"]["url"]))
        for block in blocks_of(message.get("content", []))
    )


def message_of(message: Json) -> Message:
    match message["role"]:
        case "system":
            return System(parts_of(message))
        case "user":
            return User(parts_of(message))
        case "assistant":
            calls = [
                ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"])
                for call in message.get("tool_calls", [])
            ]
            return Assistant(parts_of(message), (), tuple(calls))
    return ToolResult(message["tool_call_id"], parts_of(message))


def tool_of(tool: Json, strict: bool | None) -> FunctionTool:
    function = tool["function"]
    return FunctionTool(function["name"], function.get("description"), function["parameters"], strict)


def chat_of(body: Json) -> ChatRequest:
    """What the client of a recorded request must have meant."""
    form = body.get("response_format", {})
    json_object: Any = "json_object" if form else None
    return ChatRequest(
        body["model"],
        tuple(map(message_of, body["messages"])),
        Source("cohere-v2", b"{}"),
        tools=tuple(tool_of(tool, body.get("strict_tools")) for tool in body.get("tools", [])),
        tool_choice=body.get("tool_choice"),
        response_format=JsonSchema("answer", form["json_schema"]) if "json_schema" in form else json_object,
        temperature=body.get("temperature"),
        stop=tuple(body["stop_sequences"]) if "stop_sequences" in body else None,
        max_tokens=body.get("max_tokens"),
        stream=body.get("stream", False),
    )


def plain(body: Json) -> Json:
    """A request without what two spellings of it may differ in. Cohere takes `json_schema` for `json_object`."""
    body = json.loads(json.dumps(body))
    for message in body["messages"]:
        if "content" in message:
            message["content"] = blocks_of(message["content"])
    if "tool_choice" in body:
        body["tool_choice"] = body["tool_choice"].upper()
    if "response_format" in body:
        body["response_format"]["type"] = "json_object"
    return dict(body)


@pytest.mark.parametrize("path", CASES)
def test_a_recorded_request_asked_again_is_the_same_request(path: str) -> None:
    body = load(path).request
    assert plain(sent(chat_of(body), body["model"])) == plain(body)


def siblings() -> Iterator[tuple[str, str]]:
    """A request to Cohere and the same intent, said to an OpenAI-compatible host."""
    rows = [row for row in recorded() if row["parallel"]]
    for ours in rows:
        for theirs in rows:
            same = (ours["parallel"], ours["step"]) == (theirs["parallel"], theirs["step"])
            if same and ours["path"] in CASES and theirs["wire"] == "openai-chat":
                yield ours["path"], theirs["path"]


def intent(body: Json) -> Json:
    """What is asked, apart from the knobs that each recording turned its own way. Ids are numbered as they come."""
    body = plain(body)
    seen: dict[str, int] = {}
    for message in body["messages"]:
        message.pop("tool_plan", None)
        for holder, name in [*((call, "id") for call in message.get("tool_calls", [])), (message, "tool_call_id")]:
            if name in holder:
                holder[name] = seen.setdefault(holder[name], len(seen))
        for call in message.get("tool_calls", []):
            call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    asked = "messages", "tools", "tool_choice", "response_format", "stop_sequences", "stream"
    return {name: body[name] for name in asked if name in body}


AUDIO = "gpt-audio-genstreammultimodal-image-jpg-url"  # asks for an answer in audio, too

# Recordings of one intent that do not ask the same.
DIFFERENT = (
    "qwen3-4b-thinking-genstream-jsonschema",  # the schema stands in the wrong place, and the prompt goes on
    "mimo-v2-5-thinking-genstream-tools-squareroot-2",  # tool_choice auto for none
    "baseten/chat/genai--deepseek-ai-deepseek-v4-pro-thinking-genstreammultimodal",  # text and image are two messages
    AUDIO,
)


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in siblings() if not any(d in pair[1] for d in DIFFERENT)])
def test_the_same_intent_in_openais_words_is_the_same_request(ours: str, theirs: str) -> None:
    body = load(ours).request
    chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
    assert intent(sent(chat, body["model"])) == intent(body)


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in siblings() if AUDIO in pair[1]])
def test_an_answer_in_audio_is_refused(ours: str, theirs: str) -> None:
    chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
    with pytest.raises(Unsupported) as refused:
        sent(chat, load(ours).request["model"])
    assert refused.value.param == "modalities"


@pytest.mark.parametrize("part", DIFFERENT)
def test_what_is_said_to_differ_does(part: str) -> None:
    pairs = [pair for pair in siblings() if part in pair[1]]
    assert pairs
    for ours, theirs in pairs:
        try:
            chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
            assert intent(sent(chat, load(ours).request["model"])) != intent(load(ours).request)
        except Unsupported:
            pass  # it asks for what there is no word for here
