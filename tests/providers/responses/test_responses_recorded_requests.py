"""Recorded requests: each is read as a chat completions request that means the same, and must come out as it was.

What a recorder wrote in another way than Sabir does is levelled first: content as a string or as one part, `type` where
it goes without saying, ids of items, `instructions` for a system message.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from providers.base import Credential, Profile, Target
from providers.dialects.openai import DIALECT
from providers.secret import Secret
from tests.providers.responses.recording import CASES, WIRE, Case, Json, load, needs_recordings, recorded

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = needs_recordings

# What belongs to no client of chat completions; and two that ask for a background job, or go on from what is stored.
FOREIGN = {"background", "previous_response_id"}
REQUESTS = [path for path in CASES if (request := load(path).request) and not FOREIGN & request.keys()]

PARTS: dict[str, Callable[[Json], Json]] = {
    "input_text": lambda part: {"type": "text", "text": part["text"]},
    "output_text": lambda part: {"type": "text", "text": part["text"]},
    "input_image": lambda part: {"type": "image_url", "image_url": {"url": part["image_url"]}},
    "input_file": lambda part: {
        "type": "file",
        "file": {name: part[name] for name in ("file_id", "file_data", "filename") if name in part},
    },
}


def content(said: Any) -> Any:
    return said if isinstance(said, str) else [PARTS[part["type"]](part) for part in said]


def messages_of(body: Json) -> list[Json]:
    """Items of one answer are one assistant message."""
    messages: list[Json] = []
    if body.get("instructions") is not None:
        messages.append({"role": "system", "content": body["instructions"]})
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    for item in items:
        kind = item.get("type", "message")
        if kind == "function_call_output":
            messages.append({"role": "tool", "tool_call_id": item["call_id"], "content": content(item["output"])})
        elif kind == "message" and item["role"] != "assistant":
            messages.append({"role": item["role"], "content": content(item["content"])})
        else:
            if not messages or messages[-1]["role"] != "assistant":
                messages.append({"role": "assistant", "content": None})
            answered(messages[-1], kind, item)
    return messages


def answered(message: Json, kind: str, item: Json) -> None:
    match kind:
        case "message":
            message |= {"content": content(item["content"]), "phase": item.get("phase")}
        case "function_call":
            function = {"name": item["name"], "arguments": item["arguments"]}
            message.setdefault("tool_calls", []).append(
                {"id": item["call_id"], "type": "function", "function": function}
            )
        case "reasoning" if item.get("content"):
            message["reasoning_content"] = item["content"][0]["text"]
        case "reasoning":
            sealed = {
                "type": "reasoning.encrypted",
                "data": item["encrypted_content"],
                "id": item.get("id"),
                "index": 0,
            }
            shown = [{"type": "reasoning.summary", "summary": said["text"], "index": 0} for said in item["summary"]]
            message["reasoning_details"] = [*shown, sealed]


def chat_of(body: Json) -> Json:
    text = body.get("text", {})
    form = text.get("format")
    if form and form["type"] == "json_schema":
        form = {"type": "json_schema", "json_schema": {name: form[name] for name in form if name != "type"}}
    tools = [
        {"type": "function", "function": {name: tool[name] for name in tool if name != "type"}}
        if tool["type"] == "function"
        else tool
        for tool in body.get("tools", [])
    ]
    same = ("model", "stream", "temperature", "user", "service_tier", "parallel_tool_calls", "tool_choice", "include",
            "store", "reasoning")  # fmt: skip
    chat = {name: body[name] for name in same if name in body}
    chat |= {"max_completion_tokens": body.get("max_output_tokens"), "response_format": form, "tools": tools or None}
    return {**chat, "messages": messages_of(body)}


def sent(case: Case, chat: Json) -> tuple[Json, tuple[str, ...]]:
    target = Target(case.provider.name, chat["model"], Credential(Secret("k")), Profile("https://x.example"))
    translated = case.provider.request(DIALECT.parse(json.dumps(chat).encode()), target)
    return json.loads(translated.request.body), translated.dropped


def levelled_item(item: Json, renamed: dict[str, str]) -> Json:
    if "role" in item:
        parts = (
            [{"type": "input_text", "text": item["content"]}] if isinstance(item["content"], str) else item["content"]
        )
        kept = [{"detail": "auto", **part} if part["type"] == "input_image" else part for part in parts]
        kept = [{**part, "type": "input_text"} if part["type"] == "output_text" else part for part in kept]
        kept = [{name: part[name] for name in part if name != "annotations"} for part in kept]
        role = {"developer": "system"}.get(item["role"], item["role"])
        return {"role": role, "content": kept, "phase": item.get("phase")}
    # What is sealed is known by its id; of plain thinking a client of chat completions is told none.
    gone = {"status"} if item.get("encrypted_content") else {"status", "id"}
    named = {name: value for name, value in item.items() if name not in gone and value is not None}
    if "call_id" in named:
        named["call_id"] = renamed.setdefault(named["call_id"], str(len(renamed)))
    if isinstance(named.get("arguments"), str):
        named["arguments"] = json.loads(named["arguments"])
    return named


def levelled(body: Json) -> Json:
    items = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    if body.get("instructions") is not None:
        items = [{"role": "system", "content": body["instructions"]}, *items]
    renamed: dict[str, str] = {}
    tools = [
        {name: value for name, value in {"strict": False, **tool}.items() if value is not None}
        if tool["type"] == "function"
        else tool
        for tool in body.get("tools", [])
    ]
    rest = {
        name: value for name, value in body.items() if name not in ("input", "instructions", "tools", "stream_options")
    }
    default = {"stream": False, "store": False}
    return {**default, **rest, "tools": tools, "input": [levelled_item(item, renamed) for item in items]}


@pytest.mark.parametrize("path", REQUESTS)
def test_a_recorded_request_read_as_a_chat_comes_out_as_it_was(path: str) -> None:
    case = load(path)
    assert case.request is not None
    ours, dropped = sent(case, chat_of(case.request))
    theirs = levelled(case.request)
    if "include" not in theirs:  # not every recorder asked for sealed thinking
        ours.pop("include", None)
    assert levelled(ours) == theirs
    assert not dropped


def siblings() -> list[tuple[str, str]]:
    """Pairs of what one program asked of the Responses API and of a host of chat completions."""
    rows = [row for row in recorded() if row.get("parallel")]
    return [
        (ours["path"], row["path"])
        for ours in rows
        if ours["path"] in REQUESTS
        for row in rows
        if row["wire"] == "openai-chat" and (row["parallel"], row["step"]) == (ours["parallel"], ours["step"])
        if row["provider"] in ("openai", "azure", "deepseek")
    ]


@pytest.mark.parametrize(("ours", "theirs"), siblings())
def test_a_chat_asks_for_what_its_recorded_sibling_asked_of_responses(ours: str, theirs: str) -> None:
    case = load(ours)
    assert case.request is not None
    written = json.loads((WIRE / theirs).read_text())["request"]["body"]
    translated, _ = sent(case, written if isinstance(written, dict) else json.loads(written))
    said, expected = levelled(translated), levelled(case.request)
    assert shapes(said["input"]) == shapes(expected["input"])
    assert [tool.get("name") for tool in said["tools"]] == [tool.get("name") for tool in expected["tools"]]
    assert said.get("text", {}).get("format", {}).get("type") == expected.get("text", {}).get("format", {}).get("type")


def shapes(items: list[Json]) -> list[Json]:
    """What a program says itself. What models said before differs from one to the other."""
    models = {"arguments", "output"}
    told = [item for item in items if item.get("type") != "reasoning" and item.get("role") != "assistant"]
    return [{name: value for name, value in item.items() if name not in models} for item in told]


def test_there_are_recordings_of_each_kind() -> None:
    assert len(REQUESTS) >= 40
    assert len(siblings()) >= 4
