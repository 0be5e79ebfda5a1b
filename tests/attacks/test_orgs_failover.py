"""Providers that fail in ways of their own: the client of an org sees one clean answer, or one clear error."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from providers.routing.virtual import Candidate, VirtualModel
from tests.attacks.hostile import DONE, STREAM_HEAD, asked, bearer, chunk, completion, provider, whole
from tests.contract.org_rig import an_org, endpoint, org_env

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    import aiohttp

    from handlers.services import Services
    from tests.attacks.hostile import Answer, Heard
    from tests.contract.rig import Sabir

Before = Any
GOOD: Final = chunk({"role": "assistant", "content": "It is fine."}) + chunk({}, "stop") + DONE


async def good(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter, heard: Heard) -> None:
    if heard.json.get("stream"):
        writer.write(STREAM_HEAD + GOOD)
        await writer.drain()
        writer.close()
    else:
        writer.write(whole(completion()))


def _then(*pieces: bytes, hang: bool = False, every: bytes = b"") -> Answer:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _heard: Heard) -> None:
        writer.write(b"".join(pieces))
        while every and not writer.is_closing():
            writer.write(every)
            await writer.drain()
            await asyncio.sleep(0.01)
        await writer.drain()
        if hang:
            await reader.read()
        writer.close()

    return answer


JSON_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"
ERROR: Final = json.dumps({"error": {"message": "broken", "type": "server_error", "code": None}}).encode()

# What fails before a first meaningful piece; each is followed by the good one.
BAD: Final[dict[str, Answer]] = {
    "endless keep-alives": _then(STREAM_HEAD, every=b": keep-alive\n\n"),
    "endless blank lines": _then(STREAM_HEAD, every=b"\n\n\n\n"),
    "endless whitespace before the JSON": _then(JSON_HEAD, every=b" \n"),
    "a role and silence": _then(STREAM_HEAD, chunk({"role": "assistant", "content": ""}), hang=True),
    "an endless line": _then(STREAM_HEAD, b"data: ", every=b"x"),
    "only the end": _then(STREAM_HEAD, DONE),
    "nothing at all": _then(hang=True),
    "the head and nothing": _then(STREAM_HEAD, hang=True),
    "an error event first": _then(STREAM_HEAD, b"data: " + ERROR + b"\n\n"),
    "an error as a 200": _then(JSON_HEAD, ERROR),
    "HTML": _then(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>login</html>"),
    "an empty 200": _then(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"),
    "a 204": _then(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "huge headers": _then(b"HTTP/1.1 200 OK\r\nx-big: " + b"a" * 100_000 + b"\r\n\r\n"),
    "many headers": _then(b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: a\r\n" % n for n in range(5000)) + b"\r\n"),
    "no HTTP": _then(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a status of nonsense": _then(b"HTTP/1.1 999 What\r\ncontent-length: 0\r\n\r\n"),
    "a switch of protocols": _then(b"HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    "a broken chunk": _then(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"),
    "broken gzip": _then(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc"),
}


def quick(services: Services) -> Services:
    """Fails over after a fifth of a second, and does not pause between tries."""

    async def at_once(_: float) -> None:
        return None

    times = replace(services.settings.timeouts, first_token=0.3, attempt=0.3, total=15.0)
    return replace(services, pause=at_once, settings=replace(services.settings, timeouts=times))


@pytest.fixture
async def pair(before: Before, tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as stack:

        async def started(bad: Answer, env: dict[str, str] | None = None, change: Any = quick) -> tuple[Sabir, str]:
            """An org whose first endpoint answers badly and whose second one well."""
            wrong, _ = await stack.enter_async_context(provider(bad))
            right, _ = await stack.enter_async_context(provider(good))
            sabir, _ = await before(good, {**org_env(tmp_path), **(env or {})}, change=change)
            # Real time: how long an endpoint may be silent is measured with it.
            endpoints = [endpoint("openai", "bad", base_url=wrong), endpoint("openai", "good", base_url=right)]
            acme = await an_org(sabir, endpoints)
            chain = VirtualModel(
                "chain", (Candidate("gpt-4o", "bad"), Candidate("gpt-4o", "good")), "priority", frozenset()
            )
            await acme.change(models=(chain,))
            return sabir, await acme.key()

        yield started


def said(body: bytes) -> str:
    """The text of a stream, which has to be one from its first frame to `[DONE]`."""
    frames = [frame for frame in body.decode().split("\n\n") if frame and not frame.startswith(":")]
    assert frames[-1] == "data: [DONE]", frames
    assert frames.count("data: [DONE]") == 1
    chunks = [json.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]
    assert len({each["id"] for each in chunks}) == 1
    deltas = [choice["delta"] for each in chunks for choice in each["choices"]]
    assert sum("role" in delta for delta in deltas) <= 1
    assert not any("error" in each for each in chunks)
    return "".join(delta.get("content") or "" for delta in deltas)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_a_broken_endpoint_is_passed_over_unseen(
    pair: Callable[..., Any], http: aiohttp.ClientSession, bad: str, stream: bool
) -> None:
    sabir, key = await pair(BAD[bad])
    body = asked(model="chain", stream=stream)
    async with http.post(sabir.completions, json=body, headers=bearer(key)) as told:
        data = await told.read()
        assert told.status == 200, data
        assert told.headers["x-bt-used-endpoint"] == "good"
        assert told.headers["x-sabir-attempts"] == "2"
    if stream:
        assert said(data) == "It is fine."
    else:
        assert json.loads(data)["choices"][0]["message"]["content"] == "It is fine."
    record = await sabir.log.last(1)
    assert record.bug == ()
    assert len(record.failed) == 1


@pytest.mark.parametrize("bad", ["endless keep-alives", "a role and silence", "nothing at all"])
async def test_a_stream_that_fails_over_behind_an_open_line_is_one_clean_stream(
    pair: Callable[..., Any], http: aiohttp.ClientSession, bad: str
) -> None:
    env = {"SABIR_FIRST_EVENT_SECONDS": "0.05", "SABIR_PING_SECONDS": "0.05"}
    sabir, key = await pair(BAD[bad], env)
    async with http.post(sabir.completions, json=asked(model="chain", stream=True), headers=bearer(key)) as told:
        assert told.status == 200
        assert said(await told.read()) == "It is fine."


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_error_and_is_not_followed_with_the_secret(
    pair: Callable[..., Any], http: aiohttp.ClientSession, code: int
) -> None:
    async with provider(good) as (elsewhere, heard):
        moved = b"HTTP/1.1 %d Moved\r\nlocation: %b/v1\r\ncontent-length: 0\r\n\r\n" % (code, elsewhere.encode())
        sabir, key = await pair(_then(moved))
        async with http.post(sabir.completions, json=asked(model="chain"), headers=bearer(key)) as told:
            assert told.status in (200, 502)
        assert heard == []


async def test_what_comes_after_the_end_is_nobodys(pair: Callable[..., Any], http: aiohttp.ClientSession) -> None:
    sabir, key = await pair(_then(STREAM_HEAD, GOOD, b"data: " + ERROR + b"\n\n", chunk({"content": "and more"})))
    async with http.post(sabir.completions, json=asked(model="chain", stream=True), headers=bearer(key)) as told:
        data = await told.read()
    assert b"and more" not in data
    assert data.count(b"[DONE]") <= 1
    assert (await sabir.log.last(1)).bug == ()


async def test_endless_roles_end_with_the_time_there_is(pair: Callable[..., Any], http: aiohttp.ClientSession) -> None:
    def short(services: Services) -> Services:
        changed = quick(services)
        times = replace(changed.settings.timeouts, total=1.0, unread=1.0)
        return replace(changed, settings=replace(changed.settings, timeouts=times))

    sabir, key = await pair(_then(STREAM_HEAD, every=chunk({"role": "assistant", "content": ""}) * 20), change=short)
    async with asyncio.timeout(15):
        async with http.post(sabir.completions, json=asked(model="chain", stream=True), headers=bearer(key)) as told:
            await told.content.read(1)
            told.close()
    await sabir.log.records_of(1)
