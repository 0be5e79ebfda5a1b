"""Reading the request body: whole, bounded, decompressed."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from providers.errors import InvalidRequest, TooLarge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive

# A client that is still sending does not read: an answer before it is done would reach it as a reset. So a body over
# the limit is read and thrown away up to this multiple of it.
_PATIENCE: Final = 8


class ClientGone(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


async def read_body(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """Raises `TooLarge` beyond `limit` bytes, before or after decompression, `InvalidRequest`, and `ClientGone`."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(chunk)
        if size <= limit:
            parts.append(chunk)
        elif size > limit * _PATIENCE:
            break
    if size > limit:
        raise _too_large(limit)
    return _decoded(b"".join(parts), headers.get("content-encoding", ""), limit)


def _decoded(body: bytes, encoding: str, limit: int) -> bytes:
    match encoding.strip().lower():
        case "" | "identity":
            return body
        case "gzip" | "x-gzip":
            return _inflated(body, 16 + zlib.MAX_WBITS, limit)
        case "deflate":
            return _inflated(body, zlib.MAX_WBITS, limit)
        case _:
            raise InvalidRequest(
                "The content-encoding of the request is not supported; use gzip, deflate or none.",
                status=415,
                code="unsupported_content_encoding",
            )


def _inflated(body: bytes, window: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise InvalidRequest("The request body cannot be decompressed.", code="invalid_encoding") from None
    if len(plain) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise InvalidRequest("The compressed request body is not one whole stream.", code="invalid_encoding")
    return plain


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The request body is larger than the limit of {limit} bytes.")
