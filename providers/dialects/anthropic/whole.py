"""A whole answer as a message: the stream of it, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.completion import unfold
from providers.dialects.anthropic.message import Message
from providers.jsonwalk import MalformedJson, child, dump, load_object, text, without

if TYPE_CHECKING:
    from providers.base import Stamp
    from providers.completion import Completion
    from providers.jsonwalk import Json, JsonObject

# Where a block of the stream grows, by the kind of its pieces.
_GROWS = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}


def message_body(done: Completion, stamp: Stamp) -> bytes:
    message = Message(stamp)
    events = [event for said in unfold(done) for event in message.hear(said)]
    content = _gathered([*events, *message.close()])
    body = {**message.head(), "content": content}
    tail = message.tail()
    return dump({**body, **without(tail, "type", "delta"), **child(tail, "delta")})


def _gathered(events: list[JsonObject]) -> list[Json]:
    content: list[Json] = []
    block: JsonObject = {}
    written: list[str] = []
    cited: list[Json] = []
    for event in events:
        match event["type"]:
            case "content_block_start":
                block, written, cited = dict(child(event, "content_block")), [], []
                content.append(block)
            case "content_block_delta":
                _add(block, child(event, "delta"), written, cited)
            case _:
                if written:
                    block["input"] = _input("".join(written))
    return content


def _add(block: JsonObject, delta: JsonObject, written: list[str], cited: list[Json]) -> None:
    kind = str(delta["type"])
    if kind == "input_json_delta":
        written.append(text(delta, "partial_json") or "")
    elif kind == "citations_delta":
        cited.append(delta["citation"])
        block["citations"] = cited
    else:
        name = _GROWS[kind]
        block[name] = (text(block, name) or "") + (text(delta, name) or "")


def _input(written: str) -> JsonObject:
    """Arguments that are no JSON object, as Anthropic says to send such back:
    https://platform.claude.com/docs/en/agents-and-tools/tool-use/fine-grained-tool-streaming."""
    try:
        return load_object(written)
    except MalformedJson:
        return {"INVALID_JSON": written}
