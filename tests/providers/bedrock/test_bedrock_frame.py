"""Amazon's event stream, frame by frame; its own parser is the second opinion."""

import struct
from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from providers.bedrock.frame import MAX_HEADERS, MAX_PAYLOAD, Frame, FrameDecoder, MalformedFrame

Framed = Callable[..., bytes]

ALL_TYPES: dict[str, str | bytes] = {
    "yes": b"\x00",
    "no": b"\x01",
    "byte": b"\x02\xff",
    "short": b"\x03\xff\xfe",
    "int": b"\x04\x00\x01\x00\x00",
    "long": b"\x05" + struct.pack(">q", -(2**40)),
    "bytes": b"\x06\x00\x03abc",
    "string": "grüße",
    "timestamp": b"\x08" + struct.pack(">q", 1_700_000_000_000),
    "uuid": b"\x09" + bytes(range(16)),
}


def read(data: bytes) -> list[Frame]:
    return list(FrameDecoder().feed(data))


def prelude(total: int, headers: int) -> bytes:
    start = struct.pack(">II", total, headers)
    return start + struct.pack(">I", crc32(start))


def test_headers_of_every_type_are_read(framed: Framed) -> None:
    (frame,) = read(framed(ALL_TYPES, b"payload"))
    assert frame.payload == b"payload"
    assert frame.headers == {
        "yes": True,
        "no": False,
        "byte": -1,
        "short": -2,
        "int": 65_536,
        "long": -(2**40),
        "bytes": b"abc",
        "string": "grüße",
        "timestamp": 1_700_000_000_000,
        "uuid": bytes(range(16)),
    }
    assert (frame.text("string"), frame.text("int"), frame.text("missing")) == ("grüße", "", "")


def test_amazons_parser_reads_the_same_headers(framed: Framed) -> None:
    # It has no word for a UUID but reads its bytes.
    data = framed(ALL_TYPES, b"x")
    theirs = EventStreamBuffer()
    theirs.add_data(data)
    (message,) = theirs
    headers: Any = message.headers
    assert headers == dict(read(data)[0].headers)
    assert message.payload == b"x"


def test_frames_come_whatever_the_split(framed: Framed) -> None:
    data = framed({"a": "1"}, b"one") + framed({}, b"") + framed({"b": "2"}, b"three")
    decoder = FrameDecoder()
    assert [frame for place in range(len(data)) for frame in decoder.feed(data[place : place + 1])] == read(data)
    assert [frame.payload for frame in read(data)] == [b"one", b"", b"three"]


def test_a_frame_that_is_not_all_there_is_waited_for(framed: Framed) -> None:
    data = framed({"a": "1"}, b"one")
    assert [read(data[:end]) for end in range(len(data))] == [[]] * len(data)


@pytest.mark.parametrize(
    "start",
    [
        prelude(15, 0),
        prelude(16, 1),
        prelude(17 + MAX_HEADERS, MAX_HEADERS + 1),
        prelude(17 + MAX_PAYLOAD, 0),
        b"HTTP/1.1 500",
        b'{"message": "x"}',
        prelude(16, 0)[:-1] + b"\x00",
    ],
)
def test_a_prelude_that_cannot_be_is_refused_before_anything_is_waited_for(start: bytes) -> None:
    with pytest.raises(MalformedFrame):
        read(start)


def test_the_largest_frame_is_waited_for() -> None:
    assert read(prelude(16 + MAX_HEADERS + MAX_PAYLOAD, MAX_HEADERS)) == []


@pytest.mark.parametrize(
    "headers",
    [
        {"a": b"\x0a"},  # an unknown type
        {"a": b"\x07\x00\x05abc"},  # longer than what is there
        {"a": b"\x04\x00"},
        {"a": b""},  # no type
        {"a": b"\x07\x00\x01\xff"},  # not UTF-8
    ],
)
def test_headers_that_do_not_add_up_are_refused(framed: Framed, headers: dict[str, bytes]) -> None:
    with pytest.raises(MalformedFrame):
        read(framed(headers, b""))


def test_a_header_that_stands_twice_is_refused(framed: Framed) -> None:
    section = b"\x01a\x00\x01a\x01"
    start = prelude(16 + len(section), len(section)) + section
    with pytest.raises(MalformedFrame, match="twice"):
        read(start + struct.pack(">I", crc32(start)))


@given(st.data())
def test_any_flipped_bit_is_noticed(framed: Framed, data: st.DataObject) -> None:
    body = bytearray(framed({":event-type": "messageStop", "n": b"\x02\x01"}, b'{"stopReason":"end_turn"}'))
    bit = data.draw(st.integers(0, len(body) * 8 - 1))
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedFrame):
        read(bytes(body))
