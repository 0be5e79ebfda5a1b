"""A request as it goes to the Responses API, and a stream as it comes from there, in few words."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.chat import ChatRequest, Message, Source, Text, User
from providers.dialects.openai import DIALECT
from providers.events import Event
from providers.registry import find, speaking
from providers.secret import Secret
from tests.providers.reading import Cut, read_cut

Json = dict[str, Any]


class Asked(NamedTuple):
    body: Json
    dropped: tuple[str, ...]
    request: UpstreamRequest


def sent(chat: ChatRequest, model: str, provider: str, base_url: str | None, headers: dict[str, str]) -> Asked:
    profile = Profile(base_url or find(provider).base_url, headers)
    target = Target(provider, model, Credential(Secret("sk-key")), profile)
    translated = speaking(provider, "responses").request(chat, target)
    return Asked(json.loads(translated.request.body), translated.dropped, translated.request)


@pytest.fixture(scope="session")
def ask() -> Callable[..., Asked]:
    """`ask(*messages, model=, provider=, base_url=, headers=, source=, **members of ChatRequest)`."""

    def build(
        *messages: Message,
        model: str = "gpt-5-pro",
        provider: str = "openai",
        base_url: str | None = None,
        headers: dict[str, str] | None = None,
        source: Json | str | None = None,
        **members: Any,
    ) -> Asked:
        said = messages or (User((Text("hi"),)),)
        wire = source if isinstance(source, str) else "openai-chat"
        written = source if isinstance(source, dict) else {}
        chat = ChatRequest("asked-for", said, Source(wire, b"{}", written), **members)
        return sent(chat, model, provider, base_url, headers or {})

    return build


@pytest.fixture(scope="session")
def written() -> Callable[..., Asked]:
    """`written(provider=, **members)`: what becomes of a request body of chat completions."""

    def build(provider: str = "openai", **members: Any) -> Asked:
        body = {"model": "gpt-5-pro", "messages": [{"role": "user", "content": "hi"}], **members}
        chat = DIALECT.parse(json.dumps(body).encode())
        return sent(chat, body["model"], provider, None, {})

    return build


@pytest.fixture(scope="session")
def sse() -> Callable[..., bytes]:
    def frames(*events: Json) -> bytes:
        return b"".join(
            f"event: {event.get('type', '')}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in events
        )

    return frames


@pytest.fixture(scope="session")
def streamed(sse: Callable[..., bytes]) -> Callable[..., list[Event]]:
    """`streamed(*events, end=, provider=)`: what a whole stream with these between its ends says."""

    def read(*events: Json, end: Json | None = None, provider: str = "openai") -> list[Event]:
        begin = {"type": "response.created", "response": {"id": "resp_1", "model": "m", "created_at": 5}}
        finish = end or {"type": "response.completed", "response": {"status": "completed"}}
        stream = speaking(provider, "responses").stream()
        return [*stream.feed(sse(begin, *events, finish)), *stream.close()]

    return read


@pytest.fixture(scope="session")
def read_all() -> Callable[..., Cut]:
    return partial(read_cut, speaking("openai", "responses"))
