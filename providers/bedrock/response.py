"""A whole answer to `Completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.bedrock.answer import Answer
from providers.bedrock.block import is_call
from providers.bedrock.error import from_body, protocol_error
from providers.completion import fold
from providers.jsonwalk import MalformedJson, child, children, dump, load_object, without

if TYPE_CHECKING:
    from providers.completion import Completion
    from providers.events import Event
    from providers.jsonwalk import JsonObject

# Of `messageStop`; the rest of the body is what a stream says in `metadata`.
_STOP = ("stopReason", "additionalModelResponseFields")


def translate(body: bytes) -> Completion:
    """Raises the error that the body is, or `UpstreamProtocolError` where it is no answer of Converse."""
    try:
        said = load_object(body)
    except MalformedJson as fault:
        raise protocol_error(f"an answer that is {fault}") from None
    message = child(child(said, "output"), "message")
    if not isinstance(message.get("content"), list):
        raise from_body(said) or protocol_error("an answer that has no message")
    answer = Answer()
    events: list[Event] = answer.start()
    for index, block in enumerate(children(message, "content")):
        for piece in _pieces(block):
            events += answer.piece(index, piece)
        events += answer.end(index)
    events += answer.stop({name: said[name] for name in _STOP if name in said})
    return fold([*events, *answer.metadata(without(said, "output", *_STOP))])


def _pieces(block: JsonObject) -> list[JsonObject]:
    """The block as a stream would bring it."""
    if "citationsContent" in block:
        cited = child(block, "citationsContent")
        citations: list[JsonObject] = [{"citation": citation} for citation in children(cited, "citations")]
        return [*children(cited, "content"), *citations]
    if "reasoningContent" in block:
        thought = child(block, "reasoningContent")
        return [{"reasoningContent": {**thought, **child(thought, "reasoningText")}}]
    if is_call(block):
        call = child(block, "toolUse")
        arguments = dump(child(call, "input")).decode()
        return [{"toolUse": without(call, "input")}, {"toolUse": {"input": arguments}}]
    return [block]
