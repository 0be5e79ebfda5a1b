"""Bytes in, messages out: whole, byte by byte and at any split."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.runtime.framing import (
    MAX_CHUNK_LINE,
    MAX_HEAD,
    Data,
    End,
    Event,
    FramingError,
    Head,
    MessageReader,
    write_chunk,
    write_end,
    write_head,
)

SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\n\r\nhello"
CHUNKED = (
    b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nError-Type: Boom\r\n\r\n"
)
BARE = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
NO_TRAILERS = b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"


def merged(events: list[Event]) -> list[object]:
    """Heads, whole bodies and trailers: what no split may change."""
    out: list[object] = []
    for event in events:
        match event:
            case Head():
                out.append(("head", event.start, event.headers.fields))
            case Data() if out and isinstance(out[-1], bytes):
                out[-1] += event.content
            case Data():
                out.append(event.content)
            case End():
                out.append(("end", event.trailers.fields))
    return out


def read(*pieces: bytes) -> list[object]:
    reader = MessageReader()
    return merged([event for piece in pieces for event in reader.feed(piece)])


def test_a_sized_message_is_read_to_its_last_byte() -> None:
    assert read(SIZED) == [
        ("head", ("HTTP/1.1", "200", "OK"), [("Content-Length", "5"), ("X-A", "1")]),
        b"hello",
        ("end", []),
    ]


def test_a_chunked_message_gives_its_trailers() -> None:
    assert read(CHUNKED)[1:] == [b"abc0123456789", ("end", [("Error-Type", "Boom")])]


def test_messages_follow_each_other_on_one_connection() -> None:
    stream = SIZED + CHUNKED + BARE + NO_TRAILERS
    assert read(stream) == read(SIZED) + read(CHUNKED) + read(BARE) + read(NO_TRAILERS)


@given(st.lists(st.integers(0, len(SIZED + CHUNKED + BARE + NO_TRAILERS)), max_size=12))
def test_any_split_gives_the_same_messages(cuts: list[int]) -> None:
    stream = SIZED + CHUNKED + BARE + NO_TRAILERS
    edges = [0, *sorted(cuts), len(stream)]
    assert read(*(stream[a:b] for a, b in itertools.pairwise(edges))) == read(stream)


@pytest.mark.parametrize("message", [SIZED, CHUNKED, BARE, NO_TRAILERS])
def test_the_end_comes_with_the_last_byte_and_not_before(message: bytes) -> None:
    reader = MessageReader()
    seen = [reader.feed(message[i : i + 1]) for i in range(len(message))]
    assert not any(isinstance(event, End) for events in seen[:-1] for event in events)
    assert isinstance(seen[-1][-1], End)
    assert reader.idle


@given(st.lists(st.binary(min_size=1), max_size=8), st.text("abc xyz", max_size=10))
def test_what_is_written_chunked_is_read_again(chunks: list[bytes], trailer: str) -> None:
    head = write_head("POST / HTTP/1.1", [("Transfer-Encoding", "chunked")])
    body = b"".join(write_chunk(chunk) for chunk in chunks)
    messages = read(head + body + write_end([("T", trailer)]))
    assert b"".join(m for m in messages if isinstance(m, bytes)) == b"".join(chunks)
    assert messages[-1] == ("end", [("T", trailer.strip())])


def test_empty_data_writes_no_chunk_as_that_would_end_the_body() -> None:
    assert write_chunk(b"") == b""


def test_a_head_without_reason_or_with_blanks_in_it_is_read() -> None:
    assert read(b"HTTP/1.1 404 Not Found Here\r\n\r\n")[0] == ("head", ("HTTP/1.1", "404", "Not Found Here"), [])
    assert read(b"HTTP/1.1 404\r\n\r\n")[0] == ("head", ("HTTP/1.1", "404", ""), [])


@pytest.mark.parametrize(
    "bad",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nName : value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n folded: value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: value\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * (MAX_CHUNK_LINE + 1),
        b"A" * (MAX_HEAD + 1),
    ],
)
def test_bytes_that_are_no_such_message_are_refused(bad: bytes) -> None:
    with pytest.raises(FramingError):
        MessageReader().feed(bad)


@given(st.binary(max_size=300))
def test_arbitrary_bytes_give_events_or_a_framing_error_and_nothing_else(noise: bytes) -> None:
    reader = MessageReader()
    try:
        reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise)
    except FramingError:
        return


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_header_value_cannot_break_out_of_its_line(value: str) -> None:
    with pytest.raises(ValueError, match="line end or NUL"):
        write_head("GET / HTTP/1.1", [("X", value)])
