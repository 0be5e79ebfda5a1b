"""Recorded exchanges with Cohere."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Json = dict[str, Any]

WIRE = Path(__file__).parents[4] / "shared" / "wire"


class Case(NamedTuple):
    path: str
    status: int
    stream: bool
    request: Json
    body: bytes


def recorded() -> Iterator[Json]:
    index = WIRE / "index.jsonl"
    if index.exists():
        yield from map(json.loads, index.read_text().splitlines())


def load(path: str) -> Case:
    case = json.loads((WIRE / path).read_text())
    response = case["response"]
    stream = response["headers"].get("content-type", "").startswith("text/event-stream")
    return Case(path, response["status"], stream, case["request"]["body"], response["body"].encode())


CASES = [row["path"] for row in recorded() if row["wire"] == "cohere-v2" and row["api"] == "chat"]
needs_recordings = pytest.mark.skipif(not CASES, reason="no recorded traffic beside the project")
ANSWERS = [path for path in CASES if load(path).status == 200]
STREAMS = [path for path in ANSWERS if load(path).stream]
