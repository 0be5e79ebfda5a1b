"""A whole answer to `Completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.cohere.answer import Answer
from providers.cohere.error import from_body, protocol_error
from providers.completion import fold
from providers.events import Event, Started
from providers.jsonwalk import MalformedJson, child, children, load_object, text

if TYPE_CHECKING:
    from providers.completion import Completion
    from providers.jsonwalk import JsonObject


def translate(body: bytes) -> Completion:
    """Raises the error that the body is or ends in, or `UpstreamProtocolError` where it is no message."""
    try:
        told = load_object(body)
    except MalformedJson as fault:
        raise protocol_error(f"an answer that is {fault}") from None
    if isinstance(told.get("message"), str):
        raise from_body(told)
    if not isinstance(told.get("message"), dict):
        raise protocol_error("an answer that is no message")
    return fold([Started(text(told, "id")), *_events(told, child(told, "message"))])


def _events(told: JsonObject, message: JsonObject) -> list[Event]:
    """In the order in which a stream gives them."""
    answer = Answer()
    events = [*answer.start(message), *answer.plan(text(message, "tool_plan"))]
    for index, block in enumerate(_content(message)):
        events += [*answer.begin(index, block), *answer.end(index)]
    for index, call in enumerate(children(message, "tool_calls")):
        events += [*answer.begin_call(index, call), *answer.end_call(index)]
    for citation in children(message, "citations"):
        events += answer.cite(citation)
    return [*events, *answer.logprobs(children(told, "logprobs")), *answer.finish(told)]


def _content(message: JsonObject) -> list[JsonObject]:
    """Blocks; the document allows a string for one of text."""
    plain = text(message, "content")
    return list(children(message, "content")) if plain is None else [{"type": "text", "text": plain}]
