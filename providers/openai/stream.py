"""A streamed answer: server-sent events, each `data` one chunk, `[DONE]` at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.base import RelayedFrame
from providers.errors import UpstreamError, UpstreamProtocolError, UpstreamTruncated
from providers.events import Failed
from providers.jsonwalk import MalformedJson, load_object
from providers.openai.answer import AnswerReader
from providers.openai.errors import error_in, error_within
from providers.openai.gather import Gatherer
from providers.sse import SseDecoder

if TYPE_CHECKING:
    from providers.events import Event
    from providers.jsonwalk import JsonObject
    from providers.openai.host import Host
    from providers.sse import Frame


class ChatRelay:
    """Frames as they came, with what they say; reasoning is in `reasoning_content` too (`providers.openai.gather`).

    Kept from the client (empty `raw`): `[DONE]`, since the end marker is the pipeline's to send; a frame with an error,
    which the dialect writes; and, when asked, the chunk that holds nothing but usage.

    A fault in the middle of one `feed` is raised by the next call, so that the frames before it are not lost and
    the outcome does not depend on how the bytes were cut.
    """

    def __init__(self, host: Host, *, hide_usage: bool, choices: int = 1) -> None:
        """`choices`: how many were asked for, which matters at hosts without an end mark (`Host.end`)."""
        self._host = host
        self._choices = choices
        self._hide_usage = hide_usage
        self._decoder = SseDecoder()
        self._reader = AnswerReader(host)
        self._gatherer = Gatherer()
        self._ended = False
        self._fault: UpstreamError | None = None

    def feed(self, data: bytes) -> list[RelayedFrame]:
        relayed: list[RelayedFrame] = []
        try:
            if self._fault is not None:
                raise self._fault
            for frame in [] if self._ended else self._decoder.feed(data):
                relayed += self._relayed(frame)
        except UpstreamProtocolError as fault:
            fault.provider = self._host.name
            self._fault = fault
            if not relayed:
                raise
        return relayed

    def close(self) -> list[RelayedFrame]:
        if self._fault is not None:
            raise self._fault
        if self._ended:
            return []
        relayed = [frame for rest in self._decoder.close() for frame in self._last(rest)]
        if not self._ended:
            if self._host.end != "finish" or self._reader.ended < self._choices:
                raise self._truncated()
            relayed += _hidden(self._reader.end())
        return relayed

    def _relayed(self, frame: Frame) -> list[RelayedFrame]:
        if self._ended:
            return []
        data = frame.data.strip()
        if not data:
            return self._without_data(frame)
        if data == b"[DONE]":
            self._ended = True
            return _hidden(self._reader.end())
        body = self._object(data)
        if frame.event == "error" and error_in(body) is None:
            body = {"error": body}
        events = self._reader.chunk(body)
        if events and isinstance(events[-1], Failed):
            self._ended = True
            return _hidden(events)
        hidden = self._hide_usage and not body.get("choices") and bool(body.get("usage"))
        if hidden:
            return [RelayedFrame(b"", events)]
        patched = self._gatherer.chunk(data, body, events)
        return [RelayedFrame(_text(frame.raw if patched is data else _reframed(frame, patched)), events)]

    def _without_data(self, frame: Frame) -> list[RelayedFrame]:
        """A comment, passed on. Or no event stream at all: a JSON body, most often an error, or a page."""
        head = frame.raw.lstrip()[:1]
        if head not in (b"{", b"[", b"<"):
            return [RelayedFrame(_text(frame.raw), [])]
        error = error_in(self._object(frame.raw))
        if error is None:
            raise UpstreamProtocolError("the provider answered a streamed request with something else than a stream")
        self._ended = True
        return _hidden([Failed(error_within(error, self._host.name))])

    def _last(self, frame: Frame) -> list[RelayedFrame]:
        """A frame whose blank line never came: whole all the same if its JSON is, else cut off."""
        try:
            relayed = self._relayed(frame)
        except UpstreamProtocolError as fault:
            raise self._truncated() from fault
        return [RelayedFrame(each.raw and _closed(each.raw), each.events) for each in relayed]

    def _object(self, data: bytes) -> JsonObject:
        try:
            return load_object(data)
        except MalformedJson:
            raise UpstreamProtocolError("the provider sent a stream event that is not a JSON object") from None

    def _truncated(self) -> UpstreamTruncated:
        return UpstreamTruncated("the provider's stream stopped before its end", provider=self._host.name)


class ChatStream:
    """The same without the bytes."""

    def __init__(self, host: Host, choices: int = 1) -> None:
        self._relay = ChatRelay(host, hide_usage=False, choices=choices)

    def feed(self, data: bytes) -> list[Event]:
        return [event for frame in self._relay.feed(data) for event in frame.events]

    def close(self) -> list[Event]:
        return [event for frame in self._relay.close() for event in frame.events]


def _text(raw: bytes) -> bytes:
    """`raw`, unless it would break the client: an event stream is UTF-8, and the official SDK raises on all else."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        raise UpstreamProtocolError("the provider sent bytes that are no event stream") from None
    return raw


def _hidden(events: list[Event]) -> list[RelayedFrame]:
    return [RelayedFrame(b"", events)] if events else []


def _reframed(frame: Frame, data: bytes) -> bytes:
    """The frame with other data: its lines of data are one, or as many as the JSON is written on."""
    before = b"".join(line + b"\n" for line in frame.raw.splitlines() if line and not line.startswith(b"data"))
    return before + b"".join(b"data: " + line + b"\n" for line in data.splitlines()) + b"\n"


def _closed(raw: bytes) -> bytes:
    """`raw` with the blank line it lacks, so that what the pipeline sends next does not run into it."""
    return raw.rstrip(b"\r\n") + b"\n\n"
