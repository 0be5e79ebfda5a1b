"""Recorded exchanges with the Responses API of OpenAI and others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from providers.base import Provider
from providers.registry import AVAILABLE, speaking

Json = dict[str, Any]

WIRE = Path(__file__).parents[4] / "shared" / "wire"
# Its Responses API is an endpoint of OpenAI's at another address, and no API of Converse's host.
ELSEWHERE = {"bedrock": "openai"}


class Case(NamedTuple):
    path: str
    provider: Provider
    status: int
    stream: bool
    request: Json | None
    body: bytes


def recorded() -> Iterator[Json]:
    index = WIRE / "index.jsonl"
    if index.exists():
        yield from map(json.loads, index.read_text().splitlines())


def load(path: str) -> Case:
    case = json.loads((WIRE / path).read_text())
    response, body = case["response"], case["response"]["body"]
    name = ELSEWHERE.get(case["provider"], case["provider"])
    return Case(
        path,
        speaking(name if name in AVAILABLE else "openai", "responses"),
        response["status"],
        case["framing"] == "sse",
        None if case["request"] is None else case["request"]["body"],
        body.encode() if isinstance(body, str) else json.dumps(body).encode(),
    )


def events_of(case: Case) -> list[Json]:
    """What a stream says, frame by frame."""
    lines = [line.removeprefix("data:").strip() for line in case.body.decode().split("\n") if line.startswith("data:")]
    return [json.loads(line) for line in lines if line != "[DONE]"]


def answer_of(case: Case) -> Json:
    """The response object as it is at its end. OpenAI seals thinking anew for it: of a stream, the item's own end holds."""
    if not case.stream:
        return dict(json.loads(case.body))
    *_, last = events_of(case)
    ends = {e["item"].get("id"): e["item"] for e in events_of(case) if e["type"] == "response.output_item.done"}
    output = [ends[item["id"]] if item["type"] == "reasoning" else item for item in last["response"]["output"]]
    return {**last["response"], "output": output}


CASES = [row["path"] for row in recorded() if row["api"] == "responses"]
needs_recordings = pytest.mark.skipif(not CASES, reason="no recorded traffic beside the project")
ANSWERS = [path for path in CASES if load(path).status == 200]
WHOLE = [path for path in ANSWERS if answer_of(load(path))["status"] in ("completed", "incomplete")]
STREAMS = [path for path in ANSWERS if load(path).stream]
