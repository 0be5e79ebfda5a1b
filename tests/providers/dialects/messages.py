"""Anthropic's Messages API as its official SDK reads it: streams put together by the SDK's own hands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anthropic._streaming import SSEDecoder
from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import Message

from providers.base import Stamp
from providers.completion import fold
from providers.dialects.anthropic import DIALECT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from providers.events import Event

STAMP = Stamp("msg_stamped", 1_700_000_000, "asked-for")
_KNOWN = ("id", "type", "role", "model", "stop_reason", "stop_sequence", "container", "stop_details")
_COUNTED = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
            "output_tokens_details")  # fmt: skip


def streamed(*events: Event) -> bytes:
    encoder = DIALECT.encoder(STAMP, include_usage=True)
    return b"".join([*map(encoder.feed, events), encoder.close()])


def whole(*events: Event) -> dict[str, Any]:
    return dict(json.loads(DIALECT.completion(fold(events), STAMP)))


def frames(stream: bytes) -> list[dict[str, Any]]:
    """What each event says; its name stands before its data, and is its type."""
    said: list[dict[str, Any]] = []
    for frame in stream.decode().split("\n\n")[:-1]:
        name, data = frame.split("\n")
        said.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {said[-1]['type']}"
    return said


def checked(stream: bytes) -> list[dict[str, Any]]:
    """The frames of a stream that ended well, in the order that Anthropic documents."""
    said = frames(stream)
    kinds = [frame["type"] for frame in said]
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert {kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")} == {1}
    blocks = [frame for frame in said if "index" in frame]
    assert blocks == said[1:-2]
    opened = -1
    for before, frame in zip([None, *blocks], blocks, strict=False):
        if frame["type"] == "content_block_start":
            assert before is None or before["type"] == "content_block_stop"
            opened += 1
        else:
            assert before is not None
            assert before["type"] != "content_block_stop"
        assert frame["index"] == opened
    assert not blocks or blocks[-1]["type"] == "content_block_stop"
    return said


def heard(stream: bytes) -> Message:
    """The final message of the SDK's stream helper."""
    message: Any = None
    buffers: dict[int, bytes] = {}
    for event in SSEDecoder().iter_bytes(iter([stream])):
        assert event.event
        if event.event != "message_stop":
            message = accumulate_event(event=event.json(), current_snapshot=message, json_bufs=buffers)
    assert isinstance(message, Message)
    return message


def meaning(message: Message) -> dict[str, Any]:
    """What a client goes by."""
    said = message.to_dict(warnings=False)  # blocks of tomorrow are none that the SDK knows
    usage: Any = said["usage"]
    return {
        "content": said["content"],
        **{name: said.get(name) for name in _KNOWN},
        "usage": {name: usage.get(name) for name in _COUNTED},
    }


def read_whole(*events: Event) -> Message:
    return Message.construct(**whole(*events))


def deltas(stream: bytes) -> list[tuple[int, str, Any]]:
    """Index, kind and value of each piece."""
    found = [frame for frame in checked(stream) if frame["type"] == "content_block_delta"]
    return [
        (frame["index"], frame["delta"]["type"], next(v for k, v in frame["delta"].items() if k != "type"))
        for frame in found
    ]


def content_of(events: Iterable[Event]) -> list[Any]:
    return list(whole(*events)["content"])
