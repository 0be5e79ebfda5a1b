"""A provider that speaks another one's wire at an address of its own: the other one translates, under its name."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from providers.base import stream_of
from providers.errors import UpstreamError
from providers.events import Failed
from providers.registry import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from providers.base import (
        Provider,
        RelayedFrame,
        RelayingProvider,
        RelayStream,
        StreamTranslator,
        Target,
        Translated,
    )
    from providers.chat import ChatRequest
    from providers.completion import Completion
    from providers.events import Event


class Hosted:
    """The wire of the provider `of`. What goes wrong with its answers is said to be `name`'s fault."""

    def __init__(self, name: str, of: str) -> None:
        self._name = name
        self._of = of

    @property
    def translator(self) -> Provider:
        """Loaded when it is first needed, as every provider is."""
        return find(self._of)

    def request(self, chat: ChatRequest, target: Target) -> Translated:
        """As that provider is asked: address and credential are still to be changed."""
        return self.translator.request(chat, target)

    def response(self, body: bytes) -> Completion:
        with _blaming(self._name):
            return self.translator.response(body)

    def stream_of(self, choices: int) -> StreamTranslator:
        """As in `providers.base.CountedProvider`."""
        return _HostedStream(self._name, stream_of(self.translator, choices))

    def relay(self) -> RelayStream:
        """Of a provider that relays."""
        return _HostedRelay(self._name, cast("RelayingProvider", self.translator).relay(hide_usage=False))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        error = self.translator.error(status, headers, body)
        error.provider = self._name
        return error


class _HostedStream:
    def __init__(self, name: str, stream: StreamTranslator) -> None:
        self._name = name
        self._stream = stream

    def feed(self, data: bytes) -> list[Event]:
        with _blaming(self._name):
            return _ours(self._stream.feed(data), self._name)

    def close(self) -> list[Event]:
        with _blaming(self._name):
            return _ours(self._stream.close(), self._name)


class _HostedRelay:
    def __init__(self, name: str, stream: RelayStream) -> None:
        self._name = name
        self._stream = stream

    def feed(self, data: bytes) -> list[RelayedFrame]:
        with _blaming(self._name):
            return self._frames(self._stream.feed(data))

    def close(self) -> list[RelayedFrame]:
        with _blaming(self._name):
            return self._frames(self._stream.close())

    def _frames(self, frames: list[RelayedFrame]) -> list[RelayedFrame]:
        for frame in frames:
            _ours(frame.events, self._name)
        return frames


def _ours(events: list[Event], name: str) -> list[Event]:
    for event in events:
        if isinstance(event, Failed):
            event.error.provider = name
    return events


@contextmanager
def _blaming(name: str) -> Iterator[None]:
    try:
        yield
    except UpstreamError as error:
        error.provider = name
        raise
