"""What a client hears: an answer in OpenAI's form, whole or in chunks, reduced to what it says.

Written in the plainest way and without the code under test, so that a recorded body and what the official SDK made of
Sabir's answer can be held against each other. Null, empty text and absence say the same: nothing.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

Heard = dict[str, Any]

# `object` differs by nature; the fillers are noise against guessing a chunk from its length.
_NOISE = ("object", "obfuscation", "p", "error")
_ONCE = ("id", "model", "created")
_NAMED = ("id", "type", "role", "object", "name", "format", "index", "channel")
_MESSAGE = (
    "role", "content", "refusal", "reasoning", "reasoning_content", "reasoning_details", "tool_calls", "annotations",
    "padding", "channel",
)  # fmt: skip


def chunks_of(body: bytes) -> list[Heard]:
    """The JSON objects of a recorded stream, its end marker apart."""
    events = re.split(rb"\n\n|\r\n\r\n", body.removeprefix(b"\xef\xbb\xbf"))
    told = [b"\n".join(line[5:].strip() for line in event.splitlines() if line[:5] == b"data:") for event in events]
    return [json.loads(data) for data in told if data and data != b"[DONE]"]


def hear(bodies: Iterable[Heard], member: Literal["message", "delta"]) -> Heard:
    heard: Heard = {"choices": {}}
    for body in bodies:
        for number, choice in enumerate(body.get("choices") or []):
            index = choice.get("index", 0) if member == "delta" else number
            _hear_choice(heard["choices"].setdefault(index, {}), choice, choice.get(member) or {})
        for name, value in body.items():
            if name in _ONCE:
                heard[name] = heard.get(name) or value or None
            elif name not in ("choices", *_NOISE) and value is not None:
                heard[name] = {**heard.get(name, {}), **value} if isinstance(value, dict) else value
    for choice in heard["choices"].values():
        detailed = choice.pop("in_details")
        choice["reasoning"] = choice["reasoning"] or detailed  # beside plain text they say the same
        choice["tools"] = [choice["tools"][number] for number in sorted(choice.get("tools", {}))]
    if not heard.get("usage"):
        heard["usage"] = (heard.get("x_groq") or {}).get("usage")
    told: Heard = said(heard)
    return {**told, "choices": {index: said(choice) for index, choice in heard["choices"].items()}}


def finishes(heard: Heard) -> list[str | None]:
    return [choice.get("finish_reason") for choice in heard["choices"].values()]


def _hear_choice(so_far: Heard, choice: Heard, message: Heard) -> None:
    _hear_content(so_far, message.get("content"))
    _hear_thought(so_far, message)
    so_far["refusal"] = so_far.get("refusal", "") + (message.get("refusal") or "")
    so_far["annotations"] = so_far.get("annotations", []) + _unnumbered(message.get("annotations") or [])
    for number, call in enumerate(message.get("tool_calls") or []):
        _hear_call(so_far.setdefault("tools", {}).setdefault(call.get("index", number), {}), call)
    for name, value in message.items():
        if name not in _MESSAGE:
            told = _unnumbered(value) if name in ("anthropic_content", "output_items") else value
            so_far[name] = _grown(name, so_far.get(name), told)
    for name, value in choice.items():
        if name == "logprobs":
            so_far[name] = _grown(name, so_far.get(name), value)
        elif name not in ("index", "message", "delta", "native_finish_reason") and value is not None:
            so_far[name] = value


def _hear_content(so_far: Heard, content: Any) -> None:
    parts: list[Heard] = content if isinstance(content, list) else [{"type": "text", "text": content or ""}]
    for part in parts:
        match part["type"]:
            case "thinking":
                thought = "".join(piece["text"] for piece in part["thinking"])
                so_far["reasoning"] = so_far.get("reasoning", "") + thought
            case "text":
                so_far["text"] = so_far.get("text", "") + part["text"]
            case _:
                so_far["parts"] = [*so_far.get("parts", []), part]


def _hear_thought(so_far: Heard, message: Heard) -> None:
    plain = message.get("reasoning_content") or message.get("reasoning") or ""
    so_far["reasoning"] = so_far.get("reasoning", "") + plain
    details = message.get("reasoning_details") or []
    pieces = [detail.get("text") or detail.get("summary") or "" for detail in details]
    so_far["in_details"] = so_far.get("in_details", "") + "".join(pieces)
    sealed = [detail[name] for detail in details for name in ("signature", "data") if detail.get(name)]
    so_far["sealed"] = so_far.get("sealed", []) + sealed


def _unnumbered(items: list[Heard]) -> list[Heard]:
    """The entries of a list are numbered in a stream, and not in a whole answer."""
    return [{key: value for key, value in item.items() if key != "index"} for item in items]


def _hear_call(so_far: Heard, call: Heard) -> None:
    custom = call.get("custom") or {}
    inner = custom if custom.get("name") or custom.get("input") else call.get("function") or {}
    so_far["kind"] = "custom" if inner is custom else so_far.get("kind") or "function"
    so_far["id"] = so_far.get("id") or call.get("id") or ""
    so_far["name"] = so_far.get("name") or inner.get("name") or ""
    for name, value in call.items():
        if name not in ("index", "id", "type", "function", "custom"):
            so_far[name] = value
    written = inner.get("input") or inner.get("arguments") or ""
    so_far["arguments"] = so_far.get("arguments", "") + (written if isinstance(written, str) else json.dumps(written))


def _grown(name: str, first: Any, later: Any) -> Any:
    if first is None or later is None:
        return later if first is None else first
    if isinstance(first, str) and isinstance(later, str):
        return later if name in _NAMED else first + later
    if isinstance(first, dict) and isinstance(later, dict):
        return {**first, **{key: _grown(key, first.get(key), value) for key, value in later.items()}}
    if isinstance(first, list) and isinstance(later, list):
        return [*first, *later]
    return later


def said(value: Any) -> Any:
    if isinstance(value, dict):
        told = {key: said(inner) for key, inner in value.items()}
        return {key: inner for key, inner in told.items() if inner not in (None, "", [], {})}
    return [said(inner) for inner in value] if isinstance(value, list) else value


def assert_within(said: Any, heard: Any, place: str = "usage") -> None:
    """Every count is as it was said. A hit says some in OpenAI's own place too, where the host has another for them."""
    if isinstance(said, dict):
        for key, value in said.items():
            assert key in heard, place
            assert_within(value, heard[key], f"{place}.{key}")
    else:
        assert heard == said, place
