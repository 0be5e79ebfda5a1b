"""One intent, recorded at several hosts of OpenAI's dialect: what a client of one says, sent to another, is what a client
of that other says.

The siblings in other wires are compared in `tests/providers/*/test_*_recorded_requests.py`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from providers.base import Credential, Profile, Target
from providers.chat import ChatRequest, Source
from providers.registry import find, names
from providers.secret import Secret
from tests.wire.recordings import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

# Recordings that do not ask what their siblings ask, and how they differ.
DIFFERENT: Final = {
    "fireworks/chat/genai--deepseek-ai-deepseek-v4-pro-0813-genstream-tools-squareroot-1": "`arguments` for `parameters`",
    "baseten/chat/genai--deepseek-ai-deepseek-v4-pro-thinking-genstreammultimodal": "text and image are two messages",
    "huggingface/chat/genai--qwen-qwen3-4b-thinking-genstream-jsonschema": "the schema is misplaced, the prompt longer",
    "xiaomi/chat/genai--mimo-v2-5-thinking-genstream-tools-squareroot-2": "tool_choice auto for none",
    "xiaomi/chat/genai--mimo-v2-5-thinking-gensync-tools-squareroot-2": "the same",
    "deepseek/chat/rubyllm--ction-calling-deepseek-deepseek-chat-can-handle-multiple": "that model also said something",
    "openrouter/chat/fantasy--testopenroutercommon-glm-multi-tool-streaming.02": "the same",
    "ollama/chat/rubyllm--chat-string-tool-results": "another string was returned by the tool",
}


def rows() -> list[Json]:
    index = FOLDER / "index.jsonl"
    found = [json.loads(line) for line in index.read_text().splitlines()] if index.exists() else []
    return [row for row in found if row["wire"] == "openai-chat" and row["parallel"] and asked_in(row["path"])]


def asked_in(path: str) -> Json | None:
    request = json.loads((FOLDER / path).read_text())["request"]
    body = request and request["body"]
    return json.loads(body) if isinstance(body, str) and body else body or None


def siblings() -> Iterator[tuple[str, str, str]]:
    """A host that Sabir knows, a request to it, and the same intent at another host."""
    found = rows()
    for ours in found:
        if ours["provider"] not in names() or find(ours["provider"]).wire != ours["wire"]:
            continue  # Google and Bedrock, which are asked in their own wires
        for theirs in found:
            same = (ours["parallel"], ours["step"]) == (theirs["parallel"], theirs["step"])
            if same and ours["path"] != theirs["path"]:
                yield ours["provider"], ours["path"], theirs["path"]


def different(*paths: str) -> bool:
    """Whether a difference is known of one of them, or of both, which then need not be the same."""
    return any(path.startswith(part) for path in paths for part in DIFFERENT)


def sent(name: str, model: str, body: Json) -> Json:
    """What reaches the host when a client says `body` to Sabir."""
    provider = find(name)
    home = "https://r.openai.azure.com/openai/deployments/d" if name == "azure" else provider.base_url
    target = Target(name, model, Credential(Secret("k")), Profile(home))
    source = Source("openai-chat", json.dumps(body).encode())
    return dict(json.loads(provider.request(ChatRequest(model, (), source), target).request.body))


def blocks_of(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) and content else list(content or [])


def schema_of(value: Any) -> Any:
    """Without what some clients add to every schema."""
    if isinstance(value, list):
        return [schema_of(item) for item in value]
    if isinstance(value, dict):
        return {
            name: schema_of(inner) for name, inner in value.items() if name not in {"$schema", "additionalProperties"}
        }
    return value


def said(message: Json, ids: dict[str, int]) -> Json:
    """Ids are numbered as they come; thoughts, names and the like are each recording's own."""
    told: Json = {"role": message["role"].replace("developer", "system"), "content": blocks_of(message.get("content"))}
    for call in message.get("tool_calls") or []:
        function = call["function"]
        called = (ids.setdefault(call["id"], len(ids)), function["name"], json.loads(function["arguments"] or "{}"))
        told.setdefault("calls", []).append(called)
    if "tool_call_id" in message:
        told["answers"] = ids.setdefault(message["tool_call_id"], len(ids))
    return told


def intent(body: Json) -> Json:
    """What is asked, whatever the host calls it."""
    ids: dict[str, int] = {}
    form = body.get("response_format") or {}
    functions = [tool.get("function", {}) for tool in body.get("tools") or []]
    return {
        "messages": [said(message, ids) for message in body["messages"]],
        "tools": [(f.get("name"), f.get("description"), schema_of(f.get("parameters"))) for f in functions],
        "tool_choice": body.get("tool_choice"),
        "form": (form.get("type"), schema_of((form.get("json_schema") or {}).get("schema"))),
        "stream": bool(body.get("stream")),
        "limit": body.get("max_tokens", body.get("max_completion_tokens")),
        "seed": body.get("random_seed", body.get("seed")),
        "stop": body.get("stop"),
        "temperature": body.get("temperature"),
    }


def compared(host: str, ours: str, theirs: str) -> bool:
    wanted, asked = asked_in(ours), asked_in(theirs)
    assert wanted is not None
    assert asked is not None
    return intent(sent(host, wanted["model"], asked)) == intent(wanted)


@pytest.mark.parametrize(("host", "ours", "theirs"), [each for each in siblings() if not different(*each[1:])])
def test_the_same_intent_is_the_same_request_at_every_host(host: str, ours: str, theirs: str) -> None:
    wanted, asked = asked_in(ours), asked_in(theirs)
    assert wanted is not None
    assert asked is not None
    assert intent(sent(host, wanted["model"], asked)) == intent(wanted)


@pytest.mark.skipif(not FOLDER.exists(), reason="no recorded traffic beside the project")
@pytest.mark.parametrize("part", DIFFERENT)
def test_what_is_said_to_differ_does(part: str) -> None:
    pairs = [pair for pair in siblings() if any(path.startswith(part) for path in pair[1:])]
    assert pairs
    assert not all(compared(*pair) for pair in pairs)
