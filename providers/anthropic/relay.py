"""A streamed answer for a client of the same wire: the frames as they came, and what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.anthropic.stream import AnthropicStream
from providers.base import RelayedFrame
from providers.events import Failed
from providers.jsonwalk import load_object, text
from providers.sse import frame_of

if TYPE_CHECKING:
    from providers.errors import UpstreamError


class AnthropicRelay:
    """See `providers.base.RelayStream`. `message_stop` is the client's too; an error is the dialect's to write."""

    def __init__(self) -> None:
        self._stream = AnthropicStream()

    def feed(self, data: bytes) -> list[RelayedFrame]:
        if self._fault is not None:
            raise self._fault
        relayed = self._relayed(self._stream.read(data))
        if not relayed and self._fault is not None:
            raise self._fault
        return relayed

    def close(self) -> list[RelayedFrame]:
        """The last frame gets the blank line that it lacks."""
        rest = self._relayed(self._stream.read_rest())
        return [RelayedFrame(frame.raw and frame.raw.rstrip(b"\r\n") + b"\n\n", frame.events) for frame in rest]

    @property
    def _fault(self) -> UpstreamError | None:
        return self._stream.fault

    def _relayed(self, frames: list[RelayedFrame]) -> list[RelayedFrame]:
        relayed: list[RelayedFrame] = []
        for frame in frames:
            failed = any(isinstance(event, Failed) for event in frame.events)
            relayed.append(RelayedFrame(b"" if failed else _sound(frame.raw), frame.events))
        return relayed


def _sound(raw: bytes) -> bytes:
    """`raw` as a client can read it: in UTF-8, and with the event's name, without which the official SDKs pass it over.

    A gateway in between may leave the name out, or add OpenAI's end mark.
    """
    frame = frame_of(raw)
    data = frame.data.strip()
    if data == b"[DONE]":
        return b""
    said = raw.decode("utf-8", "replace").encode()
    if not data or frame.event:
        return said
    kind = text(load_object(data), "type") or ""
    return b"event: " + (kind if kind.isidentifier() else "unknown").encode() + b"\n" + said
