"""A whole answer to `Completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.completion import fold
from providers.google.answer import Answer, error_in
from providers.google.error import protocol_error
from providers.jsonwalk import MalformedJson, load_object

if TYPE_CHECKING:
    from providers.completion import Completion


def translate(body: bytes) -> Completion:
    """Raises the error that the body is, or `UpstreamProtocolError` where it is no answer or none that has ended."""
    try:
        value = load_object(body)
    except MalformedJson as fault:
        raise protocol_error(f"an answer that is {fault}") from None
    error = error_in(value)
    if error is not None:
        raise error
    answer = Answer()
    events = answer.chunk(value)
    if not answer.complete:
        raise protocol_error("an answer that has no end")
    return fold([*events, *answer.finish()])
