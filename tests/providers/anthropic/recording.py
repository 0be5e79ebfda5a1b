"""Recorded exchanges on Anthropic's wire, from Anthropic and from those who host it."""

import base64
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Json = dict[str, Any]

WIRE = Path(__file__).parents[4] / "shared" / "wire"
WIRES = {"anthropic-messages", "invoke-anthropic"}


class Case(NamedTuple):
    path: str
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
    response = case["response"]
    body = base64.b64decode(response["body_base64"]) if "body_base64" in response else response["body"].encode()
    if case["framing"] == "aws-eventstream":
        body = b"".join(unframed(body))
    request = case["request"] and case["request"]["body"]
    return Case(path, response["status"], case["framing"] != "json", request, body)


def unframed(data: bytes) -> Iterator[bytes]:
    """Bedrock wraps each event in its own binary frame, as base64 within JSON."""
    while data:
        total, headers = struct.unpack(">II", data[:8])
        event = base64.b64decode(json.loads(data[12 + headers : total - 4])["bytes"])
        yield b"data: " + event + b"\n\n"
        data = data[total:]


CASES = [row["path"] for row in recorded() if row["wire"] in WIRES and "v2-1-invoke" not in row["path"]]
needs_recordings = pytest.mark.skipif(not CASES, reason="no recorded traffic beside the project")
ANSWERS = [path for path in CASES if load(path).status == 200]
STREAMS = [path for path in ANSWERS if load(path).stream]
REQUESTS = [path for path in CASES if load(path).request]
