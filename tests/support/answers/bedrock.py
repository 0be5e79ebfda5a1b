"""https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and …_ConverseStream.html

Frames as in https://docs.aws.amazon.com/transcribe/latest/dg/event-stream.html
"""

from __future__ import annotations

import struct
from typing import Any, Final
from zlib import crc32

from tests.support.answers.told import (
    CACHED,
    CALLS,
    COMPLETION,
    PROMPT,
    SIGNATURE,
    TEXT,
    THOUGHT,
    Answers,
    Told,
    arguments,
    written,
)

Json = dict[str, Any]

_USAGE: Final = {
    "inputTokens": PROMPT - CACHED,
    "cacheReadInputTokens": CACHED,
    "cacheWriteInputTokens": 0,
    "outputTokens": COMPLETION,
    "totalTokens": PROMPT + COMPLETION,
}


def answers() -> Answers:
    return Answers(Told(_whole()), Told(b"".join(_frame(name, value) for name, value in _events())))


def _whole() -> bytes:
    uses = [{"toolUse": {"toolUseId": each, "name": "weather", "input": {"city": city}}} for each, city in CALLS]
    thought = {"reasoningContent": {"reasoningText": {"text": THOUGHT, "signature": SIGNATURE}}}
    message = {"role": "assistant", "content": [thought, {"text": TEXT}, *uses]}
    return written({"output": {"message": message}, "stopReason": "tool_use", "usage": _USAGE})


def _events() -> list[tuple[str, Json]]:
    blocks: list[tuple[Json | None, list[Json]]] = [
        (None, [{"reasoningContent": {"text": THOUGHT}}, {"reasoningContent": {"signature": SIGNATURE}}]),
        (None, [{"text": TEXT}]),
        *(
            ({"toolUse": {"toolUseId": each, "name": "weather"}}, [{"toolUse": {"input": arguments(city)}}])
            for each, city in CALLS
        ),
    ]
    told: list[tuple[str, Json]] = [("messageStart", {"role": "assistant"})]
    for index, (start, deltas) in enumerate(blocks):
        if start is not None:
            told.append(("contentBlockStart", {"contentBlockIndex": index, "start": start}))
        told += [("contentBlockDelta", {"contentBlockIndex": index, "delta": delta}) for delta in deltas]
        told.append(("contentBlockStop", {"contentBlockIndex": index}))
    return [*told, ("messageStop", {"stopReason": "tool_use"}), ("metadata", {"usage": _USAGE})]


def _frame(name: str, value: Json) -> bytes:
    named = {":event-type": name, ":content-type": "application/json", ":message-type": "event"}
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + struct.pack(">H", len(said)) + said.encode()
        for key, said in named.items()
    )
    payload = written(value)
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    data = prelude + struct.pack(">I", crc32(prelude)) + headers + payload
    return data + struct.pack(">I", crc32(data))
