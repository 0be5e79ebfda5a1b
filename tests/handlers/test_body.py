"""Reading the body, message by message, as a server may deliver it."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from handlers.body import ClientGone, read_body
from providers.errors import InvalidRequest, TooLarge

if TYPE_CHECKING:
    from starlette.types import Receive


class Delivery:
    """`receive` that hands out parts, and counts how many were taken."""

    def __init__(self, *parts: bytes, gone: bool = False) -> None:
        last = {"type": "http.disconnect"} if gone else None
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": part, "more_body": gone or index + 1 < len(parts)}
            for index, part in enumerate(parts)
        ]
        self._messages += [last] if last else []
        self.taken = 0

    async def __call__(self) -> dict[str, Any]:
        message = self._messages[self.taken]
        self.taken += 1
        return message


async def read(receive: Receive, *, limit: int = 100, encoding: str = "") -> bytes:
    return await read_body(receive, {"content-encoding": encoding} if encoding else {}, limit)


async def test_parts_are_joined() -> None:
    assert await read(Delivery(b"one ", b"", b"two")) == b"one two"


async def test_a_message_without_a_body_is_an_empty_one() -> None:
    async def bare() -> dict[str, Any]:
        return {"type": "http.request"}

    assert await read(bare) == b""


@pytest.mark.parametrize("parts", [(), (b"half",)])
async def test_a_client_that_leaves_is_gone(parts: tuple[bytes, ...]) -> None:
    with pytest.raises(ClientGone):
        await read(Delivery(*parts, gone=True))


async def test_a_body_of_exactly_the_limit_is_taken() -> None:
    assert len(await read(Delivery(b"x" * 60, b"x" * 40))) == 100


async def test_a_body_over_the_limit_is_read_to_its_end_so_that_the_client_hears_the_answer() -> None:
    delivery = Delivery(*[b"x" * 60] * 5)
    with pytest.raises(TooLarge, match="limit of 100 bytes"):
        await read(delivery)
    assert delivery.taken == 5


async def test_patience_with_an_endless_body_ends() -> None:
    delivery = Delivery(*[b"x" * 100] * 1000)
    with pytest.raises(TooLarge):
        await read(delivery)
    assert delivery.taken == 9


@pytest.mark.parametrize("encoding", ["gzip", " GZip ", "x-gzip", "deflate", "identity", ""])
async def test_codings_are_undone(encoding: str) -> None:
    plain = b'{"model": "gpt-4"}'
    coded = {"gzip": gzip.compress(plain), "x-gzip": gzip.compress(plain), "deflate": zlib.compress(plain)}
    assert await read(Delivery(coded.get(encoding.strip().lower(), plain)), encoding=encoding) == plain


async def test_a_decompressed_body_of_exactly_the_limit_is_taken() -> None:
    assert await read(Delivery(gzip.compress(b"x" * 100)), encoding="gzip") == b"x" * 100


@pytest.mark.parametrize("size", [101, 50_000])
async def test_a_decompressed_body_over_the_limit_is_too_large(size: int) -> None:
    body = gzip.compress(b"x" * size)
    assert len(body) <= 100
    with pytest.raises(TooLarge):
        await read(Delivery(body), encoding="gzip")


async def test_a_bomb_is_never_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            await read(Delivery(bomb), limit=1_000_000, encoding="gzip")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body", [b"", b"plain", gzip.compress(b"x" * 50)[:-1], gzip.compress(b"x") + gzip.compress(b"y")]
)
async def test_what_is_not_one_whole_compressed_stream_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(Delivery(body), encoding="gzip")
    assert refused.value.code == "invalid_encoding"


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x"])
async def test_an_unknown_coding_is_a_415(encoding: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        await read(Delivery(b"x"), encoding=encoding)
    assert refused.value.status == 415
