"""A request as it goes to Bedrock, and a stream as it comes from there, in few words."""

import json
import struct
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from zlib import crc32

import pytest

from providers.base import Credential, Profile, Target, UpstreamRequest
from providers.bedrock import PROVIDER
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
    """`ask(*messages, model=, key=, headers=, base_url=, **members of ChatRequest)`."""

    def build(
        *messages: Message,
        model: str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        key: str = "bedrock-api-key-k",
        headers: dict[str, str] | None = None,
        base_url: str = PROVIDER.base_url,
        **members: Any,
    ) -> Asked:
        target = Target("bedrock", model, Credential(Secret(key)), Profile(base_url, headers or {}))
        said = messages or (User((Text("hi"),)),)
        translated = PROVIDER.request(ChatRequest("asked-for", said, NEVER_READ, **members), target)
        return Asked(json.loads(translated.request.body), translated.dropped, translated.request)

    return build


@pytest.fixture(scope="session")
def framed() -> Callable[..., bytes]:
    """One frame with these headers: strings, unless the value is the bytes of type and value."""

    def build(headers: dict[str, str | bytes], payload: bytes) -> bytes:
        section = b"".join(
            bytes([len(name)]) + name.encode() + (value if isinstance(value, bytes) else string(value))
            for name, value in headers.items()
        )
        prelude = struct.pack(">II", 16 + len(section) + len(payload), len(section))
        data = prelude + struct.pack(">I", crc32(prelude)) + section + payload
        return data + struct.pack(">I", crc32(data))

    def string(value: str) -> bytes:
        return b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()

    return build


@pytest.fixture(scope="session")
def wire(framed: Callable[..., bytes]) -> Callable[..., bytes]:
    """Bedrock's frames for these events: `{"messageStop": {...}}` each, a name that ends in Exception fails."""

    def frames(*events: dict[str, Any]) -> bytes:
        data = b""
        for event in events:
            ((name, value),) = event.items()
            kind = "exception" if name.endswith("Exception") else "event"
            headers = {f":{kind}-type": name, ":content-type": "application/json", ":message-type": kind}
            data += framed(headers, json.dumps(value, ensure_ascii=False).encode())
        return data

    return frames


@pytest.fixture(scope="session")
def streamed(wire: Callable[..., bytes]) -> Callable[..., list[Event]]:
    """The events of a complete stream of these blocks: each is what starts it (or None), then its deltas."""

    def read(
        *blocks: tuple[dict[str, Any] | None, ...],
        stop: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> list[Event]:
        frames: list[dict[str, Any]] = [{"messageStart": {"role": "assistant", "p": "abc"}}]
        for index, (start, *deltas) in enumerate(blocks):
            if start is not None:
                frames.append({"contentBlockStart": {"contentBlockIndex": index, "start": start, "p": "a"}})
            frames += [{"contentBlockDelta": {"contentBlockIndex": index, "delta": delta}} for delta in deltas]
            frames.append({"contentBlockStop": {"contentBlockIndex": index}})
        frames.append({"messageStop": {"stopReason": "end_turn", **(stop or {})}})
        frames.append({"metadata": metadata or {}})
        stream = PROVIDER.stream()
        return [*stream.feed(wire(*frames)), *stream.close()]

    return read


@pytest.fixture(scope="session")
def meaning() -> Callable[[Completion], Any]:
    return meaning_of


@pytest.fixture(scope="session")
def read_all() -> Callable[..., Cut]:
    return partial(read_cut, PROVIDER)
