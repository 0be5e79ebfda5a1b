"""The status line that is held back, the comments that fill silence, and the errors that come too late for a status."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from handlers.answer import Piece, Streamed, Whole
from infra.settings import Timeouts
from providers.base import Stamp
from providers.dialects import openai
from providers.errors import UpstreamDown, UpstreamTruncated

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

SLOW = Timeouts(first_event=1000, ping=1000)
EAGER = Timeouts(first_event=0.001, ping=0.001)
PING = b": ping\n\n"


class Wire:
    """`send`, with what went over it; may be held up, as a client that does not read holds it up."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()
        self._news = asyncio.Condition()

    async def __call__(self, message: Any) -> None:
        await self.open.wait()
        async with self._news:
            self.messages.append(message)
            self._news.notify_all()

    async def until(self, count: int) -> None:
        async with self._news:
            await asyncio.wait_for(self._news.wait_for(lambda: len(self.messages) >= count), 20)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.messages[0]["headers"])


def streamed(pieces: AsyncGenerator[Piece, None], timeouts: Timeouts = SLOW, **headers: str) -> Streamed:
    encoder = openai.DIALECT.encoder(Stamp("id", 0, "model"), include_usage=False)
    return Streamed(headers, pieces, encoder.content_type, encoder.feed, timeouts)


async def test_a_whole_answer_is_two_messages_with_its_length_and_id() -> None:
    wire = Wire()
    await Whole(418, {"x": "y"}, b"teapot").send(wire, "request-1")
    start, body = wire.messages
    assert (start["type"], start["status"]) == ("http.response.start", 418)
    assert dict(start["headers"]) == {b"x": b"y", b"x-request-id": b"request-1", b"content-length": b"6"}
    assert body == {"type": "http.response.body", "body": b"teapot"}


async def test_nothing_is_sent_before_the_first_meaningful_piece_and_nothing_of_it_is_lost() -> None:
    wire = Wire()
    sent: list[int] = []

    async def pieces() -> AsyncGenerator[Piece, None]:
        for data, meaningful in ((b"a", False), (b"b", False), (b"c", True), (b"d", False), (b"e", True)):
            sent.append(len(wire.messages))
            yield Piece(data, meaningful)

    assert await streamed(pieces(), x="y").send(wire, "request-1") is None
    assert sent == [0, 0, 0, 2, 3]
    assert [message.get("body") for message in wire.messages] == [None, b"abc", b"d", b"e", b""]
    assert [message.get("more_body") for message in wire.messages] == [None, True, True, True, False]
    assert wire.headers == {
        b"x": b"y",
        b"content-type": b"text/event-stream",
        b"x-request-id": b"request-1",
        b"x-accel-buffering": b"no",
    }


async def test_a_failure_before_it_is_raised_and_nothing_was_sent() -> None:
    wire = Wire()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"a", meaningful=False)
        raise UpstreamDown("it is down", status=503)

    with pytest.raises(UpstreamDown):
        await streamed(pieces()).send(wire, "id")
    assert wire.messages == []


async def test_pitfall_19_a_failure_behind_it_is_an_error_frame_and_then_the_body_ends_without_an_end_mark() -> None:
    wire = Wire()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"data: {}\n\n", meaningful=True)
        raise UpstreamTruncated("it broke off")

    failure = await streamed(pieces()).send(wire, "id")
    assert isinstance(failure, UpstreamTruncated)
    frame = wire.body.removeprefix(b"data: {}\n\n").removeprefix(b"data: ")
    assert json.loads(frame)["error"]["code"] == "upstream_truncated"
    assert wire.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}


async def test_a_bug_behind_it_is_an_error_frame_too_and_raised_for_the_log() -> None:
    wire = Wire()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"data: {}\n\n", meaningful=True)
        raise KeyError("a text that quotes the prompt")

    with pytest.raises(KeyError):
        await streamed(pieces()).send(wire, "id")
    assert b'"code":"internal_error"' in wire.body
    assert b"prompt" not in wire.body
    assert b"[DONE]" not in wire.body
    assert wire.messages[-1]["more_body"] is False


async def test_silence_commits_to_200_and_is_then_filled_with_comments() -> None:
    wire = Wire()
    speak = asyncio.Event()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"held", meaningful=False)
        await speak.wait()
        yield Piece(b" and said", meaningful=True)

    sending = asyncio.create_task(streamed(pieces(), EAGER).send(wire, "id"))
    await wire.until(4)
    assert wire.messages[0]["status"] == 200
    assert {message["body"] for message in wire.messages[1:4]} == {PING}
    speak.set()
    assert await sending is None
    assert wire.body.replace(PING, b"") == b"held and said"


async def test_headers_that_come_late_are_left_out_when_silence_forced_the_start() -> None:
    wire = Wire()
    headers: dict[str, str] = {"x-early": "1"}
    speak = asyncio.Event()

    async def pieces() -> AsyncGenerator[Piece, None]:
        await speak.wait()
        headers["x-late"] = "1"
        yield Piece(b"said", meaningful=True)

    encoder = openai.DIALECT.encoder(Stamp("id", 0, "model"), include_usage=False)
    sending = asyncio.create_task(
        Streamed(headers, pieces(), encoder.content_type, encoder.feed, EAGER).send(wire, "id")
    )
    await wire.until(1)
    speak.set()
    await sending
    assert b"x-early" in wire.headers
    assert b"x-late" not in wire.headers


async def test_a_failure_after_the_first_comment_is_an_error_frame() -> None:
    wire = Wire()
    fail = asyncio.Event()

    async def pieces() -> AsyncGenerator[Piece, None]:
        await fail.wait()
        yield Piece(b"", meaningful=False)
        raise UpstreamDown("it is down", status=503, code="overloaded")

    sending = asyncio.create_task(streamed(pieces(), EAGER).send(wire, "id"))
    await wire.until(2)
    fail.set()
    failure = await sending
    assert failure is not None
    assert failure.code == "overloaded"
    assert wire.messages[0]["status"] == 200
    assert b'"code":"overloaded"' in wire.body


async def test_comments_do_not_pile_up_before_a_client_that_does_not_read() -> None:
    wire = Wire()
    speak = asyncio.Event()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"first", meaningful=True)
        await speak.wait()
        yield Piece(b"last", meaningful=True)

    sending = asyncio.create_task(streamed(pieces(), EAGER).send(wire, "id"))
    await wire.until(3)
    wire.open.clear()
    read = len(wire.messages)
    # Twenty more would be due while as many timers of the same length run out.
    for _ in range(20):
        await asyncio.sleep(EAGER.ping)
    wire.open.set()
    speak.set()
    await sending
    assert sum(message.get("body") == PING for message in wire.messages[read:]) <= 2
    assert wire.body.replace(PING, b"") == b"firstlast"


async def test_a_piece_without_bytes_is_no_message() -> None:
    wire = Wire()

    async def pieces() -> AsyncGenerator[Piece, None]:
        yield Piece(b"", meaningful=True)
        yield Piece(b"x", meaningful=True)

    await streamed(pieces()).send(wire, "id")
    assert [message.get("body") for message in wire.messages] == [None, b"x", b""]


async def test_pieces_are_closed_when_the_sending_is_cancelled_and_no_comment_comes_behind() -> None:
    wire = Wire()
    closed: list[str] = []

    async def pieces() -> AsyncGenerator[Piece, None]:
        try:
            yield Piece(b"x", meaningful=True)
            await asyncio.Event().wait()
        finally:
            closed.append("closed")

    sending = asyncio.create_task(streamed(pieces(), EAGER).send(wire, "id"))
    await wire.until(3)
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    assert closed == ["closed"]
    count = len(wire.messages)
    for _ in range(5):
        await asyncio.sleep(EAGER.ping)
    assert len(wire.messages) == count
