"""A request as it goes to Anthropic, and a stream as it comes from there, in few words."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from providers.anthropic import PROVIDER
from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.chat import ChatRequest, Message, Source, Text, User
from providers.completion import Completion
from providers.events import Event
from providers.secret import Secret
from tests.providers.reading import Cut, meaning_of, read_cut

NEVER_READ = Source("openai-chat", b"{}")


class Asked(NamedTuple):
    body: dict[str, Any]
    dropped: tuple[str, ...]
    request: UpstreamRequest


@pytest.fixture(scope="session")
def ask() -> Callable[..., Asked]:
    """`ask(*messages, model=, key=, headers=, **members of ChatRequest)`."""

    def build(
        *messages: Message,
        model: str = "claude-sonnet-4-5",
        key: str = "sk-ant-api03-k",
        headers: dict[str, str] | None = None,
        base_url: str = "https://api.anthropic.com",
        **members: Any,
    ) -> Asked:
        target = Target("anthropic", model, Credential(Secret(key)), Profile(base_url, headers or {}))
        said = messages or (User((Text("hi"),)),)
        translated = PROVIDER.request(ChatRequest("asked-for", said, NEVER_READ, **members), target)
        return Asked(json.loads(translated.request.body), translated.dropped, translated.request)

    return build


@pytest.fixture(scope="session")
def sse() -> Callable[..., bytes]:
    """Anthropic's frames for these events; a string stands for an event of that type and nothing else."""

    def frames(*events: dict[str, Any] | str) -> bytes:
        named = [{"type": event} if isinstance(event, str) else event for event in events]
        return b"".join(
            f"event: {event.get('type', '')}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in named
        )

    return frames


@pytest.fixture(scope="session")
def streamed(sse: Callable[..., bytes]) -> Callable[..., list[Event]]:
    """The events of a complete stream of these blocks: each is what starts it, then its deltas."""

    def read(
        *blocks: tuple[dict[str, Any], ...], start: dict[str, Any] | None = None, delta: dict[str, Any] | None = None
    ) -> list[Event]:
        frames: list[dict[str, Any] | str] = [
            {"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "content": [], **(start or {})}}
        ]
        for index, (block, *deltas) in enumerate(blocks):
            frames.append({"type": "content_block_start", "index": index, "content_block": block})
            frames += [{"type": "content_block_delta", "index": index, "delta": piece} for piece in deltas]
            frames.append({"type": "content_block_stop", "index": index})
        frames.append({"type": "message_delta", **(delta or {"delta": {"stop_reason": "end_turn"}})})
        stream = PROVIDER.stream()
        return [*stream.feed(sse(*frames, "message_stop")), *stream.close()]

    return read


@pytest.fixture(scope="session")
def meaning() -> Callable[[Completion], Any]:
    return meaning_of


@pytest.fixture(scope="session")
def read_all() -> Callable[..., Cut]:
    return partial(read_cut, PROVIDER)
