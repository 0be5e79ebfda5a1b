"""A whole answer to `Completion`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.completion import fold
from providers.jsonwalk import MalformedJson, children, load_object, text
from providers.openai.errors import error_in
from providers.openai.responses.answer import Answer
from providers.openai.responses.failure import failure, protocol_error

if TYPE_CHECKING:
    from providers.completion import Completion


def translate(body: bytes, provider: str, maker: str) -> Completion:
    """`maker`: as in `Answer`. Raises the error that the body is, or `UpstreamProtocolError` where it is no response
    that has come to its end."""
    try:
        told = load_object(body)
    except MalformedJson as fault:
        raise protocol_error(f"an answer that is {fault}", provider) from None
    error = error_in(told)
    if error is not None:
        raise failure(error, provider)
    if not isinstance(told.get("output"), list):
        raise protocol_error("an answer that is no response", provider)
    status = text(told, "status") or "completed"  # not every host says it
    if status in ("queued", "in_progress"):
        raise protocol_error("an answer that has not come to its end", provider)
    answer = Answer(provider, maker)
    events = answer.start(told)
    for index, item in enumerate(children(told, "output")):
        events += answer.end(index, item)
    return fold([*events, *answer.finish(status, told)])
