"""The metadata in front of a streamed body, written by the runtime and read by the gateway."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.gateway.answer import Ended, MalformedAnswerError, Metadata, Piece, PreludeReader, parse_whole
from infra.runtime.prelude import DELIMITER, MAX_METADATA, encode


def metadata(encoded: bytes) -> dict[str, object]:
    head, delimiter, rest = encoded.partition(DELIMITER)
    assert delimiter == bytes(8)
    assert rest == b""
    decoded = json.loads(head)
    assert isinstance(decoded, dict)
    return decoded


def test_single_headers_and_repeated_ones_go_to_their_own_places() -> None:
    headers = [(b"X-A", b"1"), (b"set-cookie", b"a=1; Path=/"), (b"Set-Cookie", b"b=2")]
    assert metadata(encode(200, headers, cookies_apart=False)) == {
        "statusCode": 200,
        "headers": {"x-a": "1"},
        "multiValueHeaders": {"set-cookie": ["a=1; Path=/", "b=2"]},
    }


def test_a_function_url_gets_cookies_apart_and_other_repeats_joined() -> None:
    headers = [(b"vary", b"a"), (b"vary", b"b"), (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2")]
    assert metadata(encode(201, headers, cookies_apart=True)) == {
        "statusCode": 201,
        "headers": {"vary": "a, b"},
        "cookies": ["a=1", "b=2"],
    }


def test_lengths_and_hop_by_hop_headers_stay_behind() -> None:
    headers = [(b"Content-Length", b"3"), (b"Connection", b"close"), (b"Transfer-Encoding", b"chunked"), (b"x", b"y")]
    assert metadata(encode(200, headers, cookies_apart=False))["headers"] == {"x": "y"}


def test_bytes_beyond_ascii_survive_and_no_nul_appears_in_the_json() -> None:
    encoded = encode(200, [(b"x", b"\xe9\x00")], cookies_apart=False)
    assert encoded.index(DELIMITER) == len(encoded) - 8
    assert metadata(encoded)["headers"] == {"x": "é\0"}


def test_headers_beyond_what_api_gateway_reads_are_refused_before_anything_is_sent() -> None:
    with pytest.raises(ValueError, match="larger than"):
        encode(200, [(b"x", b"v" * MAX_METADATA)], cookies_apart=False)


@given(st.binary(max_size=60), st.integers(1, 30))
def test_the_gateway_reads_it_in_any_pieces(body: bytes, step: int) -> None:
    stream = encode(200, [(b"x", b"1")], cookies_apart=False) + body
    reader = PreludeReader()
    parts = [part for i in range(0, len(stream), step) for part in reader.feed(stream[i : i + step])]
    reader.close()
    assert parts[0] == Metadata(200, [("x", "1")])
    assert b"".join(part.content for part in parts[1:] if isinstance(part, Piece)) == body


@pytest.mark.parametrize("bad", [b"no json" + DELIMITER, b"[]" + DELIMITER, b'{"statusCode": "x"}' + DELIMITER])
def test_the_gateway_refuses_other_metadata(bad: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        PreludeReader().feed(bad)


def test_the_gateway_gives_up_without_a_delimiter() -> None:
    with pytest.raises(MalformedAnswerError):
        PreludeReader().feed(b"x" * (MAX_METADATA + 1))
    reader = PreludeReader()
    reader.feed(b'{"statusCode": 200, "headers": {}, "body": "buffered"}')
    with pytest.raises(MalformedAnswerError):
        reader.close()


def test_the_gateway_reads_buffered_proxy_json() -> None:
    answer = {"statusCode": 200, "headers": {"A": "1", "B": "2"}, "multiValueHeaders": {"b": ["3", "4"]}}
    binary = {**answer, "body": "AP8=", "isBase64Encoded": True}
    head = Metadata(200, [("b", "3"), ("b", "4"), ("a", "1")])
    assert parse_whole(json.dumps(answer).encode()) == [head, Ended()]
    assert parse_whole(json.dumps(binary).encode()) == [head, Piece(b"\0\xff"), Ended()]
    with pytest.raises(MalformedAnswerError):
        parse_whole(json.dumps({**answer, "body": 5}).encode())
