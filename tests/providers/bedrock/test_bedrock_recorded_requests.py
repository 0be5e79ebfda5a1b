"""Recorded requests: built again from what they mean, and from the same intent in OpenAI's words."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from providers.base import Credential, Profile, Stamp, Target, UpstreamRequest
from providers.bedrock import PROVIDER
from providers.chat import (
    Assistant,
    ChatRequest,
    Document,
    FunctionTool,
    Image,
    Inline,
    Message,
    NamedTool,
    NativeTool,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    User,
)
from providers.completion import fold
from providers.dialects.openai import OpenAIChat
from providers.secret import Secret
from tests.providers.bedrock.model import faults
from tests.providers.bedrock.recording import CASES, Case, Json, events_of, load, needs_recordings, recorded

pytestmark = needs_recordings

# What this dialect has no word for: tools that Bedrock ran itself in an earlier turn, and the parts of a prompt that a
# guardrail is to look at.
WITHOUT_WORDS = ("code-execution-tool.02", "titan-converse-stream")


def sent(chat: ChatRequest, model: str) -> UpstreamRequest:
    target = Target("bedrock", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    return PROVIDER.request(chat, target).request


def parts_of(blocks: list[Json]) -> tuple[Any, ...]:
    """A cache point belongs to the part before it."""
    parts: list[Any] = []
    for block in blocks:
        ((kind, value),) = block.items()
        match kind:
            case "text":
                parts.append(Text(value))
            case "cachePoint":
                parts[-1] = Text(parts[-1].text, {"type": "ephemeral"})
            case "image":
                parts.append(Image(Inline(f"image/{value['format']}", value["source"]["bytes"])))
            case "video":
                parts.append(Document(Inline(value["format"], value["source"]["bytes"])))
            case "document":
                source = value["source"]
                data = source.get("bytes") or base64.b64encode(source["text"].encode()).decode()
                parts.append(Document(Inline("", data), f"{value['name']}.{value['format']}"))
    return tuple(parts)


def messages_of(message: Json) -> Iterator[Message]:
    blocks = message["content"]
    if message["role"] == "assistant":
        calls = [block["toolUse"] for block in blocks if "toolUse" in block]
        yield Assistant(
            parts_of([block for block in blocks if "toolUse" not in block]),
            tool_calls=tuple(ToolCall(call["toolUseId"], call["name"], json.dumps(call["input"])) for call in calls),
        )
        return
    for result in (block["toolResult"] for block in blocks if "toolResult" in block):
        yield ToolResult(result["toolUseId"], parts_of(result["content"]))
    said = parts_of([block for block in blocks if "toolResult" not in block])
    if said:
        yield User(said)


def tool_of(tool: Json) -> FunctionTool | NativeTool:
    if "systemTool" in tool:
        return NativeTool("systemTool", {"type": "systemTool", **tool})
    spec = tool["toolSpec"]
    return FunctionTool(spec["name"], spec.get("description"), spec["inputSchema"]["json"])


def choice_of(config: Json) -> Any:
    match config.get("toolChoice"):
        case {"tool": {"name": name}}:
            return NamedTool(name)
        case {"any": _}:
            return "required"
    return None


def chat_of(case: Case) -> ChatRequest:
    body = case.request
    inference, config = body.get("inferenceConfig", {}), body.get("toolConfig", {})
    fields = body.get("additionalModelRequestFields", {})
    system = [System((Text(block["text"]),)) for block in body.get("system", ())]
    stop = inference.get("stopSequences")
    return ChatRequest(
        "m",
        (*system, *(made for message in body["messages"] for made in messages_of(message))),
        Source("openai-chat", b"{}"),
        tools=tuple(tool_of(tool) for tool in config.get("tools", ())),
        tool_choice=choice_of(config),
        temperature=inference.get("temperature"),
        top_p=inference.get("topP"),
        top_k=fields.get("inferenceConfig", {}).get("topK"),
        stop=None if stop is None else tuple(stop),
        max_tokens=inference.get("maxTokens"),
        reasoning_budget=fields.get("thinking", {}).get("budget_tokens"),
        stream=case.stream,
    )


def normal(body: Json) -> Json:
    """Without the empty members that some clients send, and with the spellings that mean the same."""
    body = {name: value for name, value in json.loads(json.dumps(body)).items() if value not in ({}, [])}
    for message in body["messages"]:
        for block in message["content"]:
            if "document" in block:
                block["document"].pop("citations", None)
                text = block["document"]["source"].get("text")
                if text is not None:
                    block["document"]["source"] = {"bytes": base64.b64encode(text.encode()).decode()}
            if "video" in block:
                block["video"]["format"] = block["video"]["format"].removeprefix("video/")
    return body


def expected_of(case: Case) -> Json:
    """A budget needs a limit above it, which a client who sets none leaves to chance: we send the model's own."""
    body = normal(case.request)
    if "thinking" in body.get("additionalModelRequestFields", {}):
        body["inferenceConfig"] = {"maxTokens": 32_000}
    return body


@pytest.mark.parametrize("path", [path for path in CASES if not any(word in path for word in WITHOUT_WORDS)])
def test_a_recorded_request_is_built_from_what_it_means(path: str) -> None:
    case = load(path)
    request = sent(chat_of(case), case.model)
    body = json.loads(request.body)
    assert body == expected_of(case)
    assert faults(case.model, body) == ""
    recorded_path = urlsplit(case.url).path if "://" in case.url else case.url.partition(":")[2]
    ours = urlsplit(request.url)
    assert ours.netloc == "bedrock-runtime.us-east-1.amazonaws.com"
    # Clients differ in whether they encode the colon; a segment of the path says the same either way.
    assert unquote(ours.path).removesuffix("-stream") == unquote(recorded_path).removesuffix("-stream")


def siblings() -> list[tuple[str, str]]:
    """(a request to Bedrock, the same intent to a host of OpenAI's dialect)"""
    rows = [row for row in recorded() if row.get("parallel")]
    return [
        (ours["path"], theirs["path"])
        for ours in rows
        if ours["wire"] == "converse"
        for theirs in rows
        if theirs["parallel"] == ours["parallel"] and theirs["wire"] == "openai-chat"
    ]


def test_one_recording_has_a_sibling_in_openais_dialect() -> None:
    assert len(siblings()) == 1


@pytest.mark.parametrize(("ours", "theirs"), siblings())
def test_the_same_intent_in_openais_words_is_the_same_request(ours: str, theirs: str) -> None:
    case = load(ours)
    chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
    body = json.loads(sent(chat, case.model).body)
    assert body == normal(case.request)
    assert faults(case.model, body) == ""


def test_pitfall_07_redacted_thinking_comes_back_from_an_openai_client_as_it_went_out() -> None:
    (path,) = [path for path in CASES if "redacted-stream" in path]
    case = load(path)
    stream = PROVIDER.stream()
    done = fold([*stream.feed(case.body), *stream.close()])
    answer = json.loads(OpenAIChat().completion(done, Stamp("id", 1, "m")))["choices"][0]["message"]
    asked = {"model": "m", "messages": [{"role": "user", "content": "hi"}, answer, {"role": "user", "content": "so?"}]}
    body = json.loads(sent(OpenAIChat().parse(json.dumps(asked).encode()), case.model).body)
    returned = [block for block in body["messages"][1]["content"] if "reasoningContent" in block]
    made = [
        {"reasoningContent": event["delta"]["reasoningContent"]}
        for name, event, _ in events_of(case.body)
        if name == "contentBlockDelta" and "reasoningContent" in event["delta"]
    ]
    assert len(made) == 2
    assert returned == body["messages"][1]["content"][:2] == made
