from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from providers.errors import UpstreamProtocolError
from providers.sse import Frame, SseDecoder

BREAKS = ["\n", "\r\n", "\r"]
line = st.one_of(
    st.just(""),
    st.sampled_from(
        ["data", "data:", ":", ": ping", "event: error", "id: 7", "retry: 10", "data: [DONE]", "dataset: x"]
    ),
    st.text(alphabet=st.characters(blacklist_characters="\r\n"), max_size=12).map(lambda text: f"data: {text}"),
)
streams = st.lists(st.tuples(line, st.sampled_from(BREAKS)), max_size=14).map(
    lambda lines: "".join(text + end for text, end in lines).encode("utf-8", "surrogatepass")
)


def decode(pieces: list[bytes]) -> list[Frame]:
    decoder = SseDecoder()
    return [*(frame for piece in pieces for frame in decoder.feed(piece)), *decoder.close()]


def reference(stream: bytes) -> list[tuple[str, bytes]]:
    """WHATWG HTML §9.2.6, line by line: event and data of every block that has data; a last block without its blank
    line counts too, as it does for us."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    seen: list[tuple[str, bytes]] = []
    event, data = "", list[bytes]()
    for each in [*text.split(b"\n"), b""]:
        if not each:
            if b"\n".join(data):
                seen.append((event, b"\n".join(data)))
            event, data = "", []
            continue
        name, _, value = each.partition(b":")
        value = value[1:] if value.startswith(b" ") else value
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value.decode()
    return seen


@given(streams)
@example(b"data: a\r\r\r\ndata: b\n\r\n")
@example(b"data: a\n\rdata: b\r\r")
@example(b"\xef\xbb\xbfdata: a\n\n")
def test_frames_are_those_of_the_standard(stream: bytes) -> None:
    assert [(frame.event, frame.data) for frame in decode([stream]) if frame.data] == reference(stream)


@given(streams, st.lists(st.integers(0, 200), max_size=10))
@example(b"data: \xe2\x80\xa8x\r\n\r\n", [7, 8, 10, 11, 12])
def test_frames_do_not_depend_on_how_the_bytes_are_cut_pitfall_18(stream: bytes, places: list[int]) -> None:
    whole = decode([stream])
    assert decode([stream[at : at + 1] for at in range(len(stream))]) == whole
    cuts = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    assert decode([stream[start:end] for start, end in pairwise(cuts)]) == whole


@given(streams)
def test_the_raw_bytes_of_all_frames_are_the_input(stream: bytes) -> None:
    joined = b"".join(frame.raw for frame in decode([stream]))
    assert stream.removeprefix(b"\xef\xbb\xbf").startswith(joined)
    assert stream.removeprefix(b"\xef\xbb\xbf")[len(joined) :].strip(b"\r\n") == b""


def test_only_cr_and_lf_end_a_line() -> None:
    text = 'data: {"a":"\u2028\u2029\x85\x0b\x0c"}\n\n'.encode()
    (frame,) = decode([text])
    assert frame.data == text[6:-2]


def test_several_data_lines_are_joined_and_one_space_is_taken() -> None:
    (frame,) = decode([b"data:  a\ndata:b\ndata\nevent: x\n\n"])
    assert (frame.data, frame.event) == (b" a\nb\n", "x")


def test_a_comment_is_a_frame_without_data() -> None:
    (frame,) = decode([b": ping\n\n"])
    assert (frame.raw, frame.data, frame.event) == (b": ping\n\n", b"", "")


def test_an_event_without_its_blank_line_counts_at_the_end() -> None:
    assert [frame.data for frame in decode([b"data: a\n\ndata: b"])] == [b"a", b"b"]
    assert decode([b"data: a\n\n", b"\r\n\n"])[1:] == [Frame(b"\r\n\n", "", b"")]


@pytest.mark.parametrize("head", [b"", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_alone_is_nothing(head: bytes) -> None:
    assert decode([head]) == []


def test_bytes_that_only_begin_like_a_byte_order_mark_are_kept() -> None:
    assert b"".join(frame.raw for frame in decode([b"\xef", b"\xbb", b"data: x\n\n"])) == b"\xef\xbbdata: x\n\n"


def test_an_event_name_that_is_not_utf8_is_no_fault() -> None:
    (frame,) = decode([b"event: \xff\ndata: x\n\n"])
    assert frame.event == "\ufffd"


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_a_frame_over_the_limit_fails_after_those_before_it_however_cut(size: int) -> None:
    stream = b"data: a\n\n" + b"data: " + b"x" * 20 + b"\n\n" + b"data: b\n\n"
    decoder = SseDecoder(max_frame=20)
    seen: list[bytes] = []

    def feed_all() -> None:
        for at in range(0, len(stream) + size, size):
            seen.extend(frame.data for frame in decoder.feed(stream[at : at + size]))

    with pytest.raises(UpstreamProtocolError, match="size limit"):
        feed_all()
    assert seen == [b"a"]
    with pytest.raises(UpstreamProtocolError, match="size limit"):
        decoder.close()


def test_a_frame_of_just_the_limit_passes() -> None:
    stream = b"data: 12345678\n\n"
    assert [frame.data for frame in SseDecoder(max_frame=len(stream)).feed(stream)] == [b"12345678"]


def test_a_frame_over_the_limit_that_comes_first_fails_at_once() -> None:
    with pytest.raises(UpstreamProtocolError, match="size limit"):
        SseDecoder(max_frame=4).feed(b"data: x\n\n")
