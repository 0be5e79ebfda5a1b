"""Sizes, codings and addresses of requests, before anybody looks at what they say."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from tests.contract.rig import BEARER, GOOD, refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any


async def in_pieces(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


def padded(size: int) -> bytes:
    body = json.dumps(GOOD).encode()
    return body + b" " * (size - len(body))


# A client that is still sending when it is cut off may see a reset before the answer: hence nothing larger in chunks.
@pytest.mark.parametrize(
    ("chunked", "over"), [(False, 1), (False, 5_000), (False, 200_000), (True, 1), (True, 5_000), (True, 60_000)]
)
async def test_a_body_over_the_limit_is_a_413(
    start: Start, simulator: Simulator, http: aiohttp.ClientSession, over: int, chunked: bool
) -> None:
    sabir = await start({"SABIR_MAX_BODY_BYTES": "10000"})
    body = padded(10_000 + over)
    status, error = await refused(http, sabir.completions, in_pieces(body) if chunked else body)
    assert (status, error["type"], error["code"]) == (413, "invalid_request_error", "request_too_large")
    assert simulator.calls() == 0


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
async def test_a_body_of_just_the_limit_is_taken(start: Start, http: aiohttp.ClientSession, chunked: bool) -> None:
    sabir = await start({"SABIR_MAX_BODY_BYTES": "10000"})
    body = padded(10_000)
    data: Any = in_pieces(body) if chunked else body
    async with http.post(sabir.completions, data=data, headers=BEARER) as answer:
        assert answer.status == 200


async def test_the_sdk_sees_a_413_as_a_status_error(start: Start) -> None:
    sabir = await start({"SABIR_MAX_BODY_BYTES": "10000"})
    with pytest.raises(openai.APIStatusError) as raised:
        await sabir.client_of("openai").chat.completions.create(
            model="gpt-4", messages=[{"role": "user", "content": "x" * 20_000}]
        )
    assert (raised.value.status_code, raised.value.code) == (413, "request_too_large")


CODINGS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "identity": bytes,
}


@pytest.mark.parametrize("coding", CODINGS)
async def test_pitfall_20_a_compressed_request_is_read(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, coding: str
) -> None:
    plain = json.dumps(GOOD).encode()
    headers = {**BEARER, "content-encoding": coding}
    async with http.post(sabir.completions, data=CODINGS[coding](plain), headers=headers) as answer:
        assert answer.status == 200
    (seen,) = simulator.requests
    assert seen.body == plain
    assert "content-encoding" not in seen.headers


@pytest.mark.parametrize(
    ("coding", "body", "status", "code"),
    [
        ("gzip", gzip.compress(b" " * 50_000_000), 413, "request_too_large"),
        ("deflate", zlib.compress(b" " * 50_000_000), 413, "request_too_large"),
        ("gzip", json.dumps(GOOD).encode(), 400, "invalid_encoding"),
        ("gzip", gzip.compress(json.dumps(GOOD).encode())[:-9], 400, "invalid_encoding"),
        ("gzip", gzip.compress(json.dumps(GOOD).encode()) + b"more", 400, "invalid_encoding"),
        ("gzip", b"", 400, "invalid_encoding"),
        ("br", b"whatever", 415, "unsupported_content_encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}")), 415, "unsupported_content_encoding"),
    ],
    ids=["bomb", "deflate-bomb", "not-gzip", "cut-gzip", "more-after-gzip", "empty", "brotli", "twice"],
)
async def test_a_compressed_body_that_is_none_or_too_large_is_refused(
    sabir: Sabir, simulator: Simulator, http: aiohttp.ClientSession, coding: str, body: bytes, status: int, code: str
) -> None:
    given = await refused(http, sabir.completions, body, {**BEARER, "content-encoding": coding})
    assert (given[0], given[1]["code"]) == (status, code)
    assert simulator.calls() == 0


# --- routes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/chat", "/v1/chat/completions/", "/v2/chat/completions", "/v1/files"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_url_is_a_404_that_says_what_there_is(
    sabir: Sabir, http: aiohttp.ClientSession, path: str, method: str
) -> None:
    status, error = await refused(http, sabir.origin + path, b"", BEARER, method)
    assert (status, error["type"], error["code"]) == (404, "invalid_request_error", "unknown_url")
    assert "/v1/chat/completions" in error["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_a_wrong_method_is_a_405_that_says_which_is_right(
    sabir: Sabir, http: aiohttp.ClientSession, method: str
) -> None:
    async with http.request(method, sabir.completions, headers=BEARER) as answer:
        error = json.loads(await answer.read())["error"]
    assert (answer.status, error["code"], error["type"]) == (405, "method_not_allowed", "invalid_request_error")
    assert answer.headers["allow"] == "POST"  # RFC 9110 §15.5.6


async def test_the_sdk_sees_an_unknown_url_as_not_found(sabir: Sabir) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        await sabir.client_of("openai").files.list()
    assert raised.value.code == "unknown_url"


async def test_health_needs_no_key(sabir: Sabir, http: aiohttp.ClientSession) -> None:
    async with http.get(sabir.origin + "/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})
