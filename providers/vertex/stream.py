"""A streamed answer of either maker. Which one it is shows in its first word: Anthropic names its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from providers.base import StreamTranslator
    from providers.events import Event
    from providers.hosted import Hosted

_NAMED: Final = b"event:"
_BLANK: Final = b"\r\n"


class VertexStream:
    """See `providers.base.StreamTranslator`."""

    def __init__(self, gemini: Hosted, claude: Hosted, choices: int = 1) -> None:
        self._choices = choices
        self._gemini = gemini
        self._claude = claude
        self._begun = b""
        self._stream: StreamTranslator | None = None

    def feed(self, data: bytes) -> list[Event]:
        if self._stream is not None:
            return self._stream.feed(data)
        self._begun = (self._begun + data).lstrip(_BLANK)
        if len(self._begun) < len(_NAMED) and _NAMED.startswith(self._begun):
            return []  # it may still become the word
        return self._chosen().feed(self._begun)

    def close(self) -> list[Event]:
        if self._stream is not None:
            return self._stream.close()
        stream = self._chosen()
        return [*stream.feed(self._begun), *stream.close()]

    def _chosen(self) -> StreamTranslator:
        maker = self._claude if self._begun.startswith(_NAMED) else self._gemini
        self._stream = maker.stream_of(self._choices)
        return self._stream
