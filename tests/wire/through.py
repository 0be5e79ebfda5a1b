"""Recorded and written answers, played to a running Sabir and heard through the official `openai` SDK."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from openai import APIError, AsyncOpenAI
from openai.lib.streaming.chat import ChatCompletionStreamState

from providers.registry import names
from tests.contract.rig import sabir_over
from tests.simulator.replay import Recording, ReplayServer
from tests.wire.hearing import Heard, hear

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from openai.types.chat import ChatCompletionChunk

    from tests.contract.rig import Sabir
    from tests.simulator.replay import Chunking

# An OpenAI-compatible host without peculiarities, for those that have no row of their own.
PLAIN_HOST: Final = "vllm"


@dataclass(slots=True)
class Reply:
    """One answer of Sabir: what was heard of it, and the error that it was or ended with."""

    verdict: str | None = None
    status: int | None = None
    heard: Heard = field(default_factory=lambda: hear([], "delta"))
    error: APIError | None = None
    chunks: list[ChatCompletionChunk] = field(default_factory=list)
    dropped: str | None = None


@dataclass(slots=True)
class Through:
    sabir: Sabir
    upstream: ReplayServer
    client: AsyncOpenAI
    _keys: Iterator[int] = field(default_factory=count)

    def fresh_key(self) -> str:
        """The cache is the key's own: a new key meets an empty one."""
        return f"key-{next(self._keys)}"

    async def play(
        self,
        recording: Recording,
        asked: dict[str, Any],
        *,
        key: str,
        cache: str = "always",
        chunking: Chunking = "whole",
    ) -> Reply:
        """`asked`: the request body. Waits until the answer is in the cache, where it belongs there."""
        self.upstream.recording, self.upstream.chunking = recording, chunking
        reply, before = Reply(), len(self.sabir.log.records)
        headers = {"authorization": f"Bearer {key}", "x-bt-use-cache": cache}
        try:
            await self._hear(asked, headers, reply)
        except APIError as error:
            reply.error = error
            reply.status = getattr(error, "status_code", reply.status)
        await self.sabir.log.records_of(before + 1)
        return reply

    async def _hear(self, asked: dict[str, Any], headers: dict[str, str], reply: Reply) -> None:
        named = {name: asked[name] for name in ("model", "messages", "stream") if name in asked}
        rest = {name: value for name, value in asked.items() if name not in named}
        create = self.client.chat.completions.with_raw_response.create
        raw = await create(**named, extra_body=rest, extra_headers=headers)
        reply.status, reply.verdict = raw.status_code, raw.headers["x-bt-cached"]
        reply.dropped = raw.headers.get("x-sabir-dropped-params")
        answer: Any = raw.parse()
        if not asked.get("stream"):
            reply.heard = hear([answer.to_dict(warnings=False)], "message")
            return
        try:
            async for chunk in answer:
                reply.chunks.append(chunk)
        finally:
            reply.heard = hear([chunk.to_dict(warnings=False) for chunk in reply.chunks], "delta")


@asynccontextmanager
async def sabir_before_a_replay() -> AsyncIterator[Through]:
    """One Sabir for any number of answers: every provider it knows is the same replay server."""
    async with ReplayServer(Recording(200, (), b"")) as upstream:
        env = {f"{name.upper()}_BASE_URL": upstream.url for name in names()}
        async with sabir_over(None, {**env, "SABIR_CACHE_READ_MS": "10000"}) as sabir:
            yield Through(sabir, upstream, sabir.openai("unused"))


def put_together(chunks: list[ChatCompletionChunk]) -> Heard:
    """The chunks by the SDK's own rule, which raises for lists of objects that bear no `index`."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in chunks:
        state.handle_chunk(chunk)
    done = state.current_completion_snapshot.to_dict(warnings=False)
    return hear([done], "message")


async def heard_everywhere(
    through: Through, played: Recording, asked: dict[str, Any], *, stored: bool = True
) -> list[Reply]:
    """The answer live, in each way that its bytes can be cut, and then from the cache, as asked and the other way."""
    key = through.fresh_key()
    streamed = bool(asked.get("stream"))
    other = {name: value for name, value in asked.items() if name not in ("stream", "stream_options")}
    if not streamed:
        other |= {"stream": True, "stream_options": {"include_usage": True}}
    cuts: tuple[Chunking, ...] = ("events", 1, 13) if streamed else (7,)
    replies = [await through.play(played, asked, key=key, cache="never", chunking=cut) for cut in cuts]
    replies.append(await through.play(played, asked, key=key))
    assert [reply.verdict for reply in replies if reply.error is None] == ["MISS"] * len(replies)
    nothing = Recording(500, (), b"")
    again = [await through.play(nothing, each, key=key) for each in (asked, other)]
    if not stored:
        assert [reply.status for reply in again] == [500, 500]
        return replies
    assert [reply.verdict for reply in again] == ["HIT", "HIT"]
    return [*replies, *again]
