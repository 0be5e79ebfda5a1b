"""A request as it goes to Cohere, and a stream as it comes from there, in few words."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.chat import ChatRequest, Message, Source, Text, User
from providers.cohere import PROVIDER
from providers.completion import Completion
from providers.events import Event
from providers.secret import Secret
from tests.providers.reading import Cut, meaning_of, read_cut


class Asked(NamedTuple):
    body: dict[str, Any]
    dropped: tuple[str, ...]
    request: UpstreamRequest


@pytest.fixture(scope="session")
def ask() -> Callable[..., Asked]:
    """`ask(*messages, model=, headers=, base_url=, **members of ChatRequest)`."""

    def build(
        *messages: Message,
        model: str = "command-a-03-2025",
        headers: dict[str, str] | None = None,
        base_url: str = "https://api.cohere.com",
        **members: Any,
    ) -> Asked:
        target = Target("cohere", model, Credential(Secret("co-key")), Profile(base_url, headers or {}))
        said = messages or (User((Text("hi"),)),)
        chat = ChatRequest("asked-for", said, Source("openai-chat", b"{}"), **members)
        translated = PROVIDER.request(chat, target)
        return Asked(json.loads(translated.request.body), translated.dropped, translated.request)

    return build


@pytest.fixture(scope="session")
def sse() -> Callable[..., bytes]:
    """Cohere's frames for these events; a string stands for an event of that type and nothing else."""

    def frames(*events: dict[str, Any] | str) -> bytes:
        named = [{"type": event} if isinstance(event, str) else event for event in events]
        return b"".join(
            f"event: {event.get('type', '')}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in named
        )

    return frames


@pytest.fixture(scope="session")
def streamed(sse: Callable[..., bytes]) -> Callable[..., list[Event]]:
    """`streamed(*events, end=…)`: the events of a complete stream with these between its ends."""

    def read(*events: dict[str, Any] | str, end: dict[str, Any] | None = None) -> list[Event]:
        begin = {"type": "message-start", "id": "m", "delta": {"message": {"role": "assistant"}}}
        finish = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"} if end is None else end}
        stream = PROVIDER.stream()
        return [*stream.feed(sse(begin, *events, finish)), *stream.close()]

    return read


@pytest.fixture(scope="session")
def meaning() -> Callable[[Completion], Any]:
    return meaning_of


@pytest.fixture(scope="session")
def read_all() -> Callable[..., Cut]:
    return partial(read_cut, PROVIDER)
