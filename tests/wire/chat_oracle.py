"""What a recorded OpenAI-style answer says, read in the plainest way and without the code under test.

It knows nothing of order, bad index numbers or truncation: where a recording needs more, the test says so itself.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

REASONS = {
    "stop": "stop", "length": "length", "tool_calls": "tool_calls", "content_filter": "content_filter",
    "function_call": "function_call", "eos": "stop",
}  # fmt: skip


@dataclass
class Said:
    """One choice."""

    text: str = ""
    refusal: str = ""
    reasoning: str = ""
    signatures: list[str] = field(default_factory=list)
    tools: list[tuple[str, str, str]] = field(default_factory=list)
    finish: str | None = None
    urls: list[str] = field(default_factory=list)
    logprobs: int = 0


@dataclass
class Answer:
    choices: dict[int, Said] = field(default_factory=dict)
    usage: dict[str, Any] | None = None
    citations: list[str] | None = None
    search_results: list[Any] | None = None
    error: Any = None
    id: str | None = None
    model: str | None = None


def blocks(body: bytes) -> list[bytes]:
    """A stream's events with their blank lines; joined, they are the body."""
    return [block for block in re.split(rb"(?<=\n\n)|(?<=\r\n\r\n)", body) if block]


def data_of(block: bytes) -> bytes:
    lines = block.decode().replace("\r\n", "\n").split("\n")
    return "\n".join(line[5:].strip() for line in lines if line.startswith("data:")).encode()


def read_stream(body: bytes) -> Answer:
    answer = Answer()
    calls: dict[tuple[int, int], list[str]] = {}
    for data in map(data_of, blocks(body)):
        if not data or data == b"[DONE]":
            continue
        chunk = json.loads(data)
        _top(answer, chunk)
        for choice in chunk.get("choices") or []:
            index = choice["index"]
            said = answer.choices.setdefault(index, Said())
            _message(said, choice.get("delta") or {}, choice)
            for call in (choice.get("delta") or {}).get("tool_calls") or []:
                parts = calls.setdefault((index, call["index"]), ["", "", ""])
                body_ = call.get("custom") or call["function"]
                parts[0] = parts[0] or call.get("id") or ""
                parts[1] = parts[1] or body_.get("name") or ""
                parts[2] += body_.get("input") or body_.get("arguments") or ""
    for (index, _), (call_id, name, arguments) in sorted(calls.items()):
        answer.choices[index].tools.append((call_id, name, arguments))
    return answer


def read_whole(body: bytes) -> Answer:
    whole = json.loads(body)
    answer = Answer()
    _top(answer, whole)
    for choice in whole.get("choices") or []:
        said = answer.choices.setdefault(choice["index"], Said())
        message = choice.get("message") or {}
        _message(said, message, choice)
        for call in message.get("tool_calls") or []:
            body_ = call["function"] if (call.get("function") or {}).get("name") else call["custom"]
            said.tools.append((call["id"], body_["name"], body_.get("arguments") or body_.get("input") or ""))
        legacy = message.get("function_call") or {}
        if legacy.get("name"):
            said.tools.append(("", legacy["name"], legacy["arguments"]))
    return answer


def _top(answer: Answer, chunk: dict[str, Any]) -> None:
    answer.error = chunk.get("error") or answer.error
    answer.usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage") or answer.usage
    answer.citations = chunk.get("citations", answer.citations)
    answer.search_results = chunk.get("search_results", answer.search_results)
    answer.id = answer.id or chunk.get("id")
    answer.model = answer.model or chunk.get("model")


def _message(said: Said, message: dict[str, Any], choice: dict[str, Any]) -> None:
    content = message.get("content") or ""
    if isinstance(content, list):
        said.text += "".join(part.get("text", "") for part in content if part["type"] == "text")
        thinking = [piece["text"] for part in content if part["type"] == "thinking" for piece in part["thinking"]]
        said.reasoning += "".join(thinking)
    else:
        said.text += content
    said.refusal += message.get("refusal") or ""
    details = message.get("reasoning_details") or []
    said.signatures += [detail["signature"] for detail in details if detail.get("signature")]
    from_details = "".join(detail.get("text") or "" for detail in details)
    said.reasoning += message.get("reasoning_content") or message.get("reasoning") or from_details
    said.urls += [item["url_citation"]["url"] for item in message.get("annotations") or [] if "url_citation" in item]
    said.logprobs += len((choice.get("logprobs") or {}).get("content") or [])
    if choice.get("finish_reason"):
        said.finish = REASONS[choice["finish_reason"]]
