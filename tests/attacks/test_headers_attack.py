"""Headers as a way in: into the provider's request, into the client's answer, into the log."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks.hostile import DONE, KEY, STREAM_HEAD, asked, bearer, chunk, completion, saying, streaming

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir

Before = Any

STREAM = (chunk({"content": "Fine."}), chunk({}, "stop"), DONE)


async def raw(sabir: Sabir, *lines: bytes) -> bytes:
    """The answer to a request whose head no client library would write."""
    body = json.dumps(asked()).encode()
    head = (b"POST /v1/chat/completions HTTP/1.1", b"host: sabir", b"connection: close", *lines)
    host, port = sabir.origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    with closing(writer):
        writer.write(b"\r\n".join(head) + b"\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        return await asyncio.wait_for(reader.read(), 20)


CREDENTIAL = b"authorization: Bearer " + KEY.encode()


@pytest.mark.parametrize(
    "lines",
    [
        (CREDENTIAL, b"Authorization: Bearer other"),
        (CREDENTIAL, CREDENTIAL),
        (b"authorization: Basic YTpi",),
        (b"authorization: Bearer \xe9",),
        (b"authorization: Bearer a\x01b",),
        (b"authorization: Bearer " + b"k" * 9000,),
        (b"x-api-key: a b",),
    ],
)
async def test_two_keys_or_half_a_key_are_no_key(before: Before, lines: tuple[bytes, ...]) -> None:
    sabir, heard = await before(saying(completion()))
    assert (await raw(sabir, *lines)).startswith(b"HTTP/1.1 401")
    assert heard == []


@pytest.mark.parametrize(
    "lines",
    [
        (CREDENTIAL, b"openai-organization: a\rx-injected: b"),
        (CREDENTIAL, b"openai-organization: a\x00b"),
        (CREDENTIAL, b"openai-organization: a\x01b"),
        (CREDENTIAL, b"openai-organization: \xe9"),
        (CREDENTIAL, b"idempotency-key: a\x1fb"),
        (CREDENTIAL, b"host: elsewhere"),
    ],
)
async def test_a_header_that_cannot_be_passed_on_is_a_400_and_no_bug(before: Before, lines: tuple[bytes, ...]) -> None:
    sabir, heard = await before(saying(completion()))
    assert (await raw(sabir, *lines)).startswith(b"HTTP/1.1 400")
    assert heard == []
    assert [record.bug for record in sabir.log.records if record.bug] == []


async def test_what_looks_like_a_way_to_choose_the_host_is_none(before: Before) -> None:
    sabir, heard = await before(saying(completion()))
    names = (b"x-base-url", b"openai-base-url", b"x-bt-base-url", b"x-portkey-custom-host", b"x-forwarded-host")
    assert (await raw(sabir, CREDENTIAL, *(name + b": http://127.0.0.1:1" for name in names))).startswith(
        b"HTTP/1.1 200"
    )
    assert [b"127.0.0.1:1\r" in request.head for request in heard] == [False]


@pytest.mark.parametrize("name", [b"x-ratelimit-note", b"openai-model", b"x-request-id", b"anthropic-ratelimit-a"])
@pytest.mark.parametrize("value", [b"a\x0bb", b"a\x01b", b"\x1b[2J", b"\xff\xfe", "€".encode(), b"z" * 5000])
@pytest.mark.parametrize("stream", [False, True])
async def test_a_header_of_the_provider_can_break_no_answer(
    before: Before, http: aiohttp.ClientSession, name: bytes, value: bytes, stream: bool
) -> None:
    line = name + b": " + value + b"\r\n"
    answer = (
        streaming(*STREAM, head=STREAM_HEAD[:-2] + line + b"\r\n") if stream else saying(completion(), headers=line)
    )
    sabir, _ = await before(answer)
    async with http.post(sabir.completions, json=asked(stream=stream), headers=bearer()) as got:
        assert got.status == 200
        assert b"fine" in (await got.read()).lower()
        assert name.decode() not in {each.lower() for each in got.headers} or name == b"x-request-id"
        assert "x-upstream-request-id" not in got.headers


async def test_the_providers_headers_fit_into_what_api_gateway_takes(
    before: Before, http: aiohttp.ClientSession
) -> None:
    many = b"".join(b"x-ratelimit-%d: %b\r\n" % (number, b"z" * 120) for number in range(90))
    sabir, _ = await before(saying(completion(), headers=many))
    async with http.post(sabir.completions, json=asked(), headers=bearer()) as got:
        assert sum(len(name) + len(value) for name, value in got.headers.items()) < 10_240
        assert got.headers["x-ratelimit-0"] == "z" * 120


async def test_a_dropped_parameter_may_be_named_by_half_a_character(
    before: Before, http: aiohttp.ClientSession
) -> None:
    """JSON can spell a lone surrogate; UTF-8, and so a header, cannot."""
    answer = {"type": "message", "id": "m", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn"}
    sabir, _ = await before(saying(answer))
    body = b'{"model":"claude-sonnet-4-5","messages":[{"role":"user","content":"x"}],"\\ud800":1}'
    async with http.post(sabir.completions, data=body, headers=bearer()) as got:
        assert got.status == 200
        assert got.headers["x-sabir-dropped-params"] == "%5Cud800"


@pytest.mark.parametrize("status", ["600 Odd", "999 Odd"])
@pytest.mark.parametrize("model", ["gpt-4o", "claude-sonnet-4-5", "sonar"])
async def test_a_status_that_no_server_can_pass_on_is_a_502(
    before: Before, http: aiohttp.ClientSession, status: str, model: str
) -> None:
    sabir, _ = await before(saying({"error": {"message": "no"}}, status=status))
    async with http.post(sabir.completions, json=asked(model=model), headers=bearer()) as got:
        assert got.status == 502
