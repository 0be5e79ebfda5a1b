"""Recorded requests: built again from what they mean, and from the same intent in OpenAI's words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.base import Credential, Profile, Target
from providers.chat import (
    Assistant,
    ChatRequest,
    Document,
    FunctionTool,
    Inline,
    JsonSchema,
    Message,
    NamedTool,
    NativeTool,
    Reasoning,
    Source,
    System,
    Text,
    ToolCall,
    ToolResult,
    Url,
    User,
)
from providers.dialects.openai import OpenAIChat
from providers.errors import Unsupported
from providers.google import PROVIDER
from providers.google.tools import camel
from providers.secret import Secret
from tests.providers.google.recording import CASES, Json, load, needs_recordings, recorded

pytestmark = needs_recordings
FORMAT = "google-gemini-v1"


def sent(chat: ChatRequest, model: str) -> Json:
    target = Target("google", model, Credential(Secret("k")), Profile(PROVIDER.base_url))
    return dict(json.loads(PROVIDER.request(chat, target).request.body))


def camelled(value: Any) -> Any:
    """Google's JSON may be written with underscores too."""
    if isinstance(value, list):
        return [camelled(item) for item in value]
    if isinstance(value, dict):
        return {
            name if name in {"properties", "args", "response"} else camel(name): camelled(value[name]) for name in value
        }
    return value


def plain(body: Json) -> Json:
    """A request without what two spellings of it may differ in."""
    body = {name: value for name, value in camelled(json.loads(json.dumps(body))).items() if value}
    body.pop("model", None)
    body.get("systemInstruction", {}).pop("role", None)
    for number, turn in enumerate(body["contents"]):
        for place, part in enumerate(turn["parts"]):
            plain_part(part, f"result {number}.{place}")
    for tool in body.get("tools", []):
        for function in tool.get("functionDeclarations", []):
            plain_function(function)
    config = body.get("generationConfig", {})
    for name in config.keys() & {"responseSchema", "responseJsonSchema"}:
        config["schema"] = lowered(config.pop(name))
    return body


def plain_part(part: Json, result: str) -> None:
    """Vertex's recordings give no ids; ours are those that the client saw. Each wraps results in its own way."""
    if part.get("thought") is False:
        del part["thought"]
    for kind in part.keys() & {"functionCall", "functionResponse"}:
        part[kind].pop("id", None)
    if "functionResponse" in part:
        part["functionResponse"]["response"] = result


def plain_function(function: Json) -> None:
    schema = function.pop("parametersJsonSchema", function.pop("parameters", None))
    function.pop("response", None)
    if schema and schema.get("properties"):
        function["parameters"] = lowered(schema)


def lowered(schema: Any) -> Any:
    """A schema in the OpenAPI form has its types in capitals."""
    if isinstance(schema, list):
        return [lowered(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value.lower() if name == "type" and isinstance(value, str) else lowered(value)
        for name, value in schema.items()
    }


def part_of(part: Json) -> Any:
    if "text" in part:
        return Text(part["text"])
    if "fileData" in part:
        return Document(Url(part["fileData"]["fileUri"]))
    return Document(Inline(part["inlineData"]["mimeType"], part["inlineData"]["data"]))


def messages_of(body: Json) -> Iterator[Message]:
    ids: list[str] = []
    for number, turn in enumerate(body["contents"]):
        if turn["role"] == "model":
            ids = []
            calls, thoughts, texts = [], [], []
            for place, part in enumerate(turn["parts"]):
                if "functionCall" in part:
                    call = part["functionCall"]
                    ids.append(call.get("id", f"call {number}.{place}"))
                    calls.append(ToolCall(ids[-1], call["name"], json.dumps(call["args"])))
                    if "thoughtSignature" in part:
                        thoughts.append(Reasoning(data=part["thoughtSignature"], id=ids[-1], format=FORMAT))
                elif part.get("thought"):
                    thoughts.append(Reasoning(part["text"], format=FORMAT))
                else:
                    texts.append(part_of(part))
            yield Assistant(tuple(texts), tuple(thoughts), tuple(calls))
        for part in turn["parts"] if turn["role"] == "user" else ():
            if "functionResponse" in part:
                yield ToolResult(ids.pop(0), (Text(json.dumps(part["functionResponse"]["response"])),))
            else:
                yield User((part_of(part),))


def chat_of(body: Json) -> ChatRequest:
    """What the client of a recorded request must have meant."""
    body = camelled(body)
    config = dict(body.get("generationConfig") or {})
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig", {})
    names = calling.get("allowedFunctionNames")
    choices: Any = {"ANY": "required", "AUTO": "auto", "NONE": "none"}
    schema = config.pop("responseJsonSchema", config.pop("responseSchema", None))
    system = [Text(part["text"]) for part in (body.get("systemInstruction") or {}).get("parts", [])]
    tools: list[FunctionTool | NativeTool] = []
    for tool in body.get("tools") or []:
        for name, value in tool.items():
            if name == "functionDeclarations":
                tools += [FunctionTool(f["name"], f.get("description"), lowered(f.get("parameters"))) for f in value]
            else:
                tools.append(NativeTool(name, {"type": name, **value}))
    mime = config.pop("responseMimeType", None)
    return ChatRequest(
        "m",
        (*([System(tuple(system))] if system else []), *messages_of(body)),
        Source("none", b"{}"),
        tools=tuple(tools),
        tool_choice=NamedTool(names[0]) if names else choices.get(calling.get("mode")),
        response_format=None if mime is None else "json_object" if schema is None else JsonSchema("answer", schema),
        temperature=config.pop("temperature", None),
        max_tokens=config.pop("maxOutputTokens", None),
        n=config.pop("candidateCount", None),
        seed=config.pop("seed", None),
        stop=tuple(config.pop("stopSequences")) if "stopSequences" in config else None,
        extra={
            "generation_config": config,
            "cached_content": body.get("cachedContent"),
            "safety_settings": body.get("safetySettings"),
            "tool_config": {"includeServerSideToolInvocations": True}
            if "includeServerSideToolInvocations" in (body.get("toolConfig") or {})
            else None,
        },
    )


@pytest.mark.parametrize("path", CASES)
def test_a_recorded_request_asked_again_is_the_same_request(path: str) -> None:
    case = load(path)
    built, wanted = plain(sent(chat_of(case.request), case.model)), plain(case.request)
    assert without_types(built) == without_types(wanted)
    assert built["contents"] == wanted["contents"] or "fileData" in str(wanted)


def without_types(body: Json) -> Json:
    """Google finds the type of a file by URL out itself, and so may we: it must not be another one."""
    for turn in body["contents"]:
        for part in turn["parts"]:
            if "fileData" in part:
                part["fileData"].pop("mimeType", None)
    return body


def siblings() -> Iterator[tuple[str, str]]:
    """A Google request and the same intent, said to an OpenAI-compatible host."""
    rows = [row for row in recorded() if row["parallel"]]
    for ours in rows:
        for theirs in rows:
            same = (ours["parallel"], ours["step"]) == (theirs["parallel"], theirs["step"])
            if same and ours["api"] == "generateContent" and theirs["wire"] == "openai-chat":
                yield ours["path"], theirs["path"]


def intent(body: Json) -> Json:
    """What is asked, apart from the knobs, thoughts and signatures that each recording has of its own."""
    body = plain(body)
    for turn in body["contents"]:
        turn["parts"] = [part for part in turn["parts"] if not part.get("thought")]
        for part in turn["parts"]:
            part.pop("thoughtSignature", None)
    for tool in body.get("tools", []):
        for function in tool.get("functionDeclarations", []):
            for name in ("additionalProperties", "$schema"):
                function.get("parameters", {}).pop(name, None)
    schema = body.get("generationConfig", {}).get("schema")
    asked = {name: body[name] for name in ("contents", "tools", "toolConfig", "systemInstruction") if name in body}
    return asked | {"schema": schema}


# Recordings of one intent that do not ask the same.
DIFFERENT = (
    "grok-4-fast-simple-object-streaming",  # a forced tool where ours has a schema
    "document-pdf-url",  # a content part that only Mistral knows
    "v4-pro-0813-genstream-tools-squareroot-1",  # `arguments` where `parameters` should be
    "mimo-v2-5-thinking",  # tool_choice auto for none
    "deepseek-chat-can-handle-multiple-tool-calls-in-a-single-response.02",  # that model also said something
)


@pytest.mark.parametrize(("ours", "theirs"), [pair for pair in siblings() if not any(d in pair[1] for d in DIFFERENT)])
def test_the_same_intent_in_openais_words_is_the_same_request(ours: str, theirs: str) -> None:
    chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
    assert intent(sent(chat, "gemini-2.5-flash")) == intent(load(ours).request)


@pytest.mark.parametrize("part", DIFFERENT)
def test_what_is_said_to_differ_does(part: str) -> None:
    pairs = [pair for pair in siblings() if part in pair[1]]
    assert pairs
    for ours, theirs in pairs:
        try:
            chat = OpenAIChat().parse(json.dumps(load(theirs).request).encode())
            assert intent(sent(chat, "gemini-2.5-flash")) != intent(load(ours).request)
        except Unsupported:
            pass  # it asks for what there is no word for here
