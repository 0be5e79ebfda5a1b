"""A request as it goes to Google, and a stream as it comes from there, in few words."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.chat import ChatRequest, Message, Source, Text, User
from providers.completion import Completion
from providers.google import PROVIDER
from providers.secret import Secret
from tests.providers.reading import Cut, read_cut

NEVER_READ = Source("openai-chat", b"{}")


class Asked(NamedTuple):
    body: dict[str, Any]
    dropped: tuple[str, ...]
    request: UpstreamRequest


@pytest.fixture(scope="session")
def ask() -> Callable[..., Asked]:
    """`ask(*messages, model=, headers=, **members of ChatRequest)`."""

    def build(
        *messages: Message,
        model: str = "gemini-2.5-flash",
        headers: dict[str, str] | None = None,
        base_url: str = PROVIDER.base_url,
        **members: Any,
    ) -> Asked:
        target = Target("google", model, Credential(Secret("AIzaSy-k")), Profile(base_url, headers or {}))
        said = messages or (User((Text("hi"),)),)
        translated = PROVIDER.request(ChatRequest("asked-for", said, NEVER_READ, **members), target)
        return Asked(json.loads(translated.request.body), translated.dropped, translated.request)

    return build


@pytest.fixture(scope="session")
def sse() -> Callable[..., bytes]:
    """Google's frames for these chunks."""

    def frames(*chunks: dict[str, Any]) -> bytes:
        return b"".join(f"data: {json.dumps(chunk, ensure_ascii=False)}\r\n\r\n".encode() for chunk in chunks)

    return frames


@pytest.fixture(scope="session")
def read_all() -> Callable[..., Cut]:
    return partial(read_cut, PROVIDER)


@pytest.fixture(scope="session")
def answered() -> Callable[..., Completion]:
    """The completion of a whole answer of these parts, or of these candidates."""

    def answer(*parts: dict[str, Any], **around: Any) -> Completion:
        candidate: dict[str, Any] = {
            "content": {"parts": [*parts], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
        outer: dict[str, Any] = {
            name: around.pop(name) for name in ("usageMetadata", "promptFeedback", "candidates") if name in around
        }
        named: dict[str, Any] = {"modelVersion": "gemini-x", "responseId": "r1"}
        body = {"candidates": [{**candidate, **around}], **named, **outer}
        return PROVIDER.response(json.dumps(body).encode())

    return answer
