"""Recorded exchanges with Converse."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore.eventstream import EventStreamBuffer

Json = dict[str, Any]

WIRE = Path(__file__).parents[4] / "shared" / "wire"


class Case(NamedTuple):
    path: str
    model: str
    status: int
    headers: dict[str, str]
    stream: bool
    url: str
    request: Json
    body: bytes


def recorded() -> Iterator[Json]:
    index = WIRE / "index.jsonl"
    if index.exists():
        yield from map(json.loads, index.read_text().splitlines())


def load(path: str) -> Case:
    case = json.loads((WIRE / path).read_text())
    response, request = case["response"], case["request"]
    body = base64.b64decode(response["body_base64"]) if "body_base64" in response else response["body"].encode()
    framed = case["framing"] == "aws-eventstream"
    return Case(
        path, case["model"], response["status"], response["headers"], framed, request["url"], request["body"], body
    )


def events_of(body: bytes) -> Iterator[tuple[str, Json, int]]:
    """What Amazon's own parser reads: name, value, and where the frame ends."""
    buffer, end = EventStreamBuffer(), 0
    buffer.add_data(body)
    for read in buffer:
        message: Any = read  # its stubs mistake the prelude and the headers for numbers
        end += message.prelude.total_length
        yield message.headers[":event-type"], json.loads(message.payload), end


def shapes() -> list[Json]:
    """Error bodies written from documentation, where nobody recorded any."""
    file = WIRE / "error-shapes.json"
    if not file.exists():
        return []
    told = json.loads(file.read_text())
    rows = told if isinstance(told, list) else next(value for value in told.values() if isinstance(value, list))
    return [row["response"] for row in rows if row["provider"] == "bedrock"]


CASES = [row["path"] for row in recorded() if row["wire"] == "converse"]
needs_recordings = pytest.mark.skipif(not CASES, reason="no recorded traffic beside the project")
# What InvokeModel refuses, the service refuses in the same words whoever asks.
REFUSED_ELSEWHERE = [row["path"] for row in recorded() if row["api"] == "invoke" and row["status"] != 200]
ANSWERS = [path for path in CASES if load(path).status == 200]
STREAMS = [path for path in ANSWERS if load(path).stream]
