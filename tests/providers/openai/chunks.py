"""Streams and answers of a made-up host, written out as bytes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from providers.completion import Completion, fold
from providers.openai.host import Host
from providers.openai.provider import ChatProvider

if TYPE_CHECKING:
    from providers.events import Event

DONE = b"data: [DONE]\n\n"
HOST = Host(name="host", base_url="https://host.test/v1")


def sse(*chunks: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


def chunk(
    delta: dict[str, Any] | None = None, finish: str | None = None, index: int = 0, **more: Any
) -> dict[str, Any]:
    """A chunk of one choice; `more` are members of the choice."""
    choice = {"index": index, "delta": delta or {}, "finish_reason": finish, **more}
    return {"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}


def call(arguments: Any = None, **members: Any) -> dict[str, Any]:
    """A delta with one tool call; `name` goes into its function."""
    function = {key: value for key, value in (("name", members.pop("name", None)), ("arguments", arguments)) if value}
    return {"tool_calls": [{**members, "function": function}]}


def events_of(body: bytes, host: Host = HOST) -> list[Event]:
    stream = ChatProvider(host).stream()
    return [*stream.feed(body), *stream.close()]


def streamed(*chunks: dict[str, Any], host: Host = HOST) -> Completion:
    return fold(events_of(sse(*chunks) + DONE, host))


def whole(message: dict[str, Any], finish: str | None = "stop", **more: Any) -> Completion:
    """A whole answer of one choice; `more` are members at the top level."""
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return answered({"id": "c1", "created": 7, "model": "m", "choices": [choice], **more})


def answered(body: Any, host: Host = HOST) -> Completion:
    return ChatProvider(host).response(json.dumps(body).encode())
