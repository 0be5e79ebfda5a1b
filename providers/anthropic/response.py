"""A whole answer to `Completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.answer import Answer
from providers.anthropic.error import from_event, protocol_error
from providers.completion import fold
from providers.jsonwalk import MalformedJson, child, children, load_object, text

if TYPE_CHECKING:
    from providers.completion import Completion
    from providers.events import Event


def translate(body: bytes) -> Completion:
    """Raises the error that the body is, or `UpstreamProtocolError` where it is no message."""
    try:
        message = load_object(body)
    except MalformedJson as fault:
        raise protocol_error(f"an answer that is {fault}") from None
    if text(message, "type") == "error":
        raise from_event(child(message, "error"))
    if text(message, "type") != "message" or not isinstance(message.get("content"), list):
        raise protocol_error("an answer that is no message")
    answer = Answer()
    events: list[Event] = answer.start(message)
    for index, block in enumerate(children(message, "content")):
        events += answer.begin(index, block)
        events += answer.end(index)
    return fold([*events, *answer.finish()])
