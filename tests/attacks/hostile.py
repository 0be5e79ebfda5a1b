"""A provider that means harm, and a client that does: both write what they like on the wire."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter, "Heard"], Awaitable[None]]

KEY: Final = "sk-the-key-of-the-caller-0123456789"
PROMPT: Final = "What did the doctor say about my knee?"
# Longer than anything on loopback takes.
PATIENCE: Final = 20.0


class Heard:
    """One request as the provider read it."""

    def __init__(self, head: bytes, body: bytes) -> None:
        self.head = head
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@asynccontextmanager
async def provider(answer: Answer) -> AsyncIterator[tuple[str, list[Heard]]]:
    """Its base URL, and what it heard. `answer` writes the whole of an answer, status line included."""
    heard: list[Heard] = []
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                size = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                heard.append(Heard(head, await reader.readexactly(size)))
                await answer(reader, writer, heard[-1])
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writers.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard
    finally:
        server.close()
        for writer in tuple(writers):
            writer.transport.abort()
        await asyncio.sleep(0)


def whole(value: Any, *, status: str = "200 OK", headers: bytes = b"") -> bytes:
    """One complete answer; `headers` are raw lines, each with its CRLF."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    return (
        b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%b\r\n"
        % (status.encode(), len(body), headers)
    ) + body


def saying(value: Any, *, status: str = "200 OK", headers: bytes = b"") -> Answer:
    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        writer.write(whole(value, status=status, headers=headers))

    return answer


def completion(content: str = "It is fine.", finish: str | None = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": finish}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [choice]}


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    body = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


DONE: Final = b"data: [DONE]\n\n"
STREAM_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


def streaming(*pieces: bytes, head: bytes = STREAM_HEAD) -> Answer:
    """A stream that ends with the connection."""

    async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        writer.write(head + b"".join(pieces))
        await writer.drain()
        writer.close()

    return answer


def asked(*, stream: bool = False, **members: Any) -> dict[str, Any]:
    return {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": PROMPT}],
        "seed": 1,
        "stream": stream,
        **members,
    }


def bearer(key: str = KEY) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}
