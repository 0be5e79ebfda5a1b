"""Replaying a recorded answer of OpenAI's chat wire."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from providers.events import Failed
from providers.openai.host import Host
from providers.openai.provider import ChatProvider
from providers.registry import find, names

if TYPE_CHECKING:
    from providers.base import StreamTranslator
    from providers.events import Event
    from tests.wire.recordings import Recording


def is_chat(recording: Recording) -> bool:
    """What Mistral fills in between two texts (`fim`) it says as a chat completion."""
    return recording.wire in {"openai-chat", "fim"}


def is_stream(recording: Recording) -> bool:
    return is_chat(recording) and recording.streamed and recording.status == 200


def is_whole(recording: Recording) -> bool:
    return is_chat(recording) and not recording.streamed and recording.status == 200


def is_error(recording: Recording) -> bool:
    return is_chat(recording) and recording.status != 200


def provider_of(recording: Recording) -> ChatProvider:
    """The row of the host; hosts without one (Azure, Copilot, a customer's own) speak the wire without peculiarities."""
    found = find(recording.provider) if recording.provider in names() else None
    if isinstance(found, ChatProvider):
        return found
    return ChatProvider(Host(name=recording.provider, base_url="http://127.0.0.1"))


def events_of(stream: StreamTranslator, pieces: list[bytes]) -> list[Event]:
    return [*(event for piece in pieces for event in stream.feed(piece)), *stream.close()]


def cut(body: bytes, places: list[int]) -> list[bytes]:
    return [body[start:end] for start, end in pairwise([0, *sorted(set(places)), len(body)])]


def comparable(events: list[Event]) -> list[Any]:
    """Errors compare by identity; here by what they say."""
    return [
        (type(event.error), event.error.message, event.error.status) if isinstance(event, Failed) else event
        for event in events
    ]
