"""The cache as an attacker has it, who got hold of every byte of the store and of no key.

Two callers ask the very same things of three providers, whole and streamed. Neither a prompt, a completion, the name of
a model or provider nor a key may be found in what is stored, in any coding one would look for, and nothing in it may
tell that the two asked the same.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sqlite3
import sys
import urllib.parse
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import aiohttp
import pytest

from tests.contract.rig import STORY
from tests.simulator import Say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator
    from pathlib import Path

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any

PROMPT: Final = "Wer war eigentlich der Erfinder des Rechenschiebers?"
COMPLETION: Final = "Das war William Oughtred, ein Pfarrer aus Albury in Surrey, um 1622."
CALLERS: Final = (
    {"openai": "sk-proj-4a8fDq0Z7mTbL2", "anthropic": "sk-ant-api03-Qw7xN1cVb9", "perplexity": "pplx-8Jk2Lm5Np1Rt"},
    {"openai": "sk-proj-Zy6xW3vU9tSr5Q", "anthropic": "sk-ant-api03-Hn4jK8lP2m", "perplexity": "pplx-3Vb7Nc1Xz9As"},
)
# Eight bytes in common by chance: one in 2**64 for each of some 10**7 pairs of places.
RUN: Final = 8


def secrets() -> Iterator[str]:
    yield PROMPT
    yield COMPLETION
    yield from STORY
    yield from STORY.values()
    for caller in CALLERS:
        yield from caller.values()
    yield from (
        "chat/completions",
        "openai-chat",
        '"role"',
        '"seed"',
        "finish",
        "stop",
        "messages",
        "assistant",
        "content",
    )


def codings(secret: str) -> Iterator[bytes]:
    """The forms in which a text could lie around."""
    plain = secret.encode()
    for text in (secret, secret.upper(), secret[::-1]):
        yield text.encode()
    yield secret.encode("utf-16-le")
    yield secret.encode("utf-16-be")
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield urllib.parse.quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield zlib.compress(plain)[2:-4]
    for shift in range(3):  # the three alignments of base64, less what neighbours would change
        coded = base64.b64encode(b"\0" * shift + plain)[4 if shift else 0 : -4]
        yield coded
        yield coded.replace(b"+", b"-").replace(b"/", b"_")


def needles() -> set[bytes]:
    """Each secret in each coding, and long ones also by their parts: a leak need not be whole."""
    pieces = {secret[at : at + 12] for secret in secrets() for at in range(max(1, len(secret) - 11))}
    found = {coding for piece in {*pieces, *secrets()} for coding in codings(piece)}
    # Of four bytes and fewer, chance alone finds some in a file of ciphertext.
    return {needle for needle in found if len(needle) >= 6}


def leaks(dump: bytes) -> list[bytes]:
    return [needle for needle in needles() if needle in dump]


def assert_share_nothing(sealed: Iterable[bytes]) -> None:
    """No two entries have a run of bytes in common, nor one twice in itself."""
    seen: set[bytes] = set()
    for entry in sealed:
        runs = [entry[at : at + RUN] for at in range(len(entry) - RUN + 1)]
        assert len(set(runs)) == len(runs)
        assert seen.isdisjoint(runs)
        seen.update(runs)


async def two_callers_ask_the_same(sabir: Sabir, simulator: Simulator) -> None:
    """Six requests each, and each again: all of them answered from the cache the second time."""
    asked = 0
    for again in (False, True):
        for caller in CALLERS:
            for provider, model in STORY.items():
                for seed in (1, 2):
                    simulator.forget()
                    simulator.next(Say(COMPLETION))
                    answer = await sabir.openai(caller[provider]).chat.completions.with_raw_response.create(
                        model=model, messages=[{"role": "user", "content": PROMPT}], seed=seed
                    )
                    asked += 1
                    record = await sabir.log.last(asked)
                    assert answer.headers["x-bt-cached"] == ("HIT" if again else "MISS")
                    assert answer.parse().choices[0].message.content == COMPLETION
                    assert record.stored == (None if again else "stored")
                    # Entries of one moment would have their expiry in common, which is no secret, and need not be.
                    sabir.clock.now += 1 if not again else 0


@pytest.mark.parametrize("leak", [PROMPT[7:30], COMPLETION, CALLERS[0]["openai"], "claude-instant-1.2"])
@pytest.mark.parametrize("coded", ["plain", "hex", "base64", "base64-shifted", "utf-16", "url"])
def test_the_search_finds_what_is_there(leak: str, coded: str) -> None:
    plain = leak.encode()
    hidden = {
        "plain": plain,
        "hex": plain.hex().encode(),
        "base64": base64.b64encode(plain),
        "base64-shifted": base64.b64encode(b"!" + plain + b"?"),
        "utf-16": leak.encode("utf-16"),
        "url": urllib.parse.quote(leak).encode(),
    }[coded]
    assert leaks(os.urandom(1000) + hidden + os.urandom(1000))
    with pytest.raises(AssertionError):
        assert_share_nothing([os.urandom(100) + plain, plain + os.urandom(100)])


async def test_the_sqlite_file_and_its_log_tell_nothing(start: Start, simulator: Simulator, cache_file: Path) -> None:
    sabir = await start()
    await two_callers_ask_the_same(sabir, simulator)
    with closing(sqlite3.connect(cache_file)) as connection:
        rows = connection.execute("SELECT id, expires_at, sealed FROM entries").fetchall()
    files = {path.name: path.read_bytes() for path in cache_file.parent.iterdir()}
    dump = b"\n".join(files.values())
    assert {"cache.db", "cache.db-wal"} <= set(files)
    assert len(rows) == 12
    assert all(sealed[40:80] in dump for _, _, sealed in rows), "what is read here is not where the entries are"
    assert leaks(dump) == []
    # The header of an entry is its version and expiry: 9 bytes that are no secret.
    assert_share_nothing([*(item for item, _, _ in rows), *(sealed[9:] for _, _, sealed in rows)])
    assert len({item for item, _, _ in rows}) == 12
    # Answers of one length have entries of one length, whoever asked: not a byte of difference to tell them apart by.
    assert len({len(sealed) for _, _, sealed in rows}) <= len(STORY)


# --- DynamoDB ---------------------------------------------------------------------------------------------------------

FAKE_AWS: Final = {
    "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example-secret",
    "AWS_SESSION_TOKEN": "example-token",
    "AWS_REGION": "eu-central-1",
}


@pytest.fixture
async def moto() -> AsyncIterator[str]:
    """moto's server on a free port, once it answers."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        said = b""
        async with asyncio.timeout(60):
            while b"Running on http://127.0.0.1:" not in said:
                line = await process.stdout.readline()
                assert line, said.decode()
                said = line
        yield said.split(b"Running on ")[1].split()[0].decode()
    finally:
        process.terminate()
        await process.communicate()


async def dynamodb(moto: str, operation: str, body: dict[str, Any]) -> Any:
    headers = {
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "content-type": "application/x-amz-json-1.0",
        "authorization": "AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20300101/eu-central-1/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=0",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(moto, data=json.dumps(body), headers=headers) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return json.loads(await answer.read())


@pytest.mark.slow
async def test_the_dynamodb_table_tells_nothing(start: Start, simulator: Simulator, moto: str) -> None:
    await dynamodb(
        moto,
        "CreateTable",
        {
            "TableName": "sabir-cache",
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "B"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    sabir = await start({"SABIR_CACHE_TABLE": "sabir-cache", "AWS_ENDPOINT_URL": moto, **FAKE_AWS})
    await two_callers_ask_the_same(sabir, simulator)
    items = (await dynamodb(moto, "Scan", {"TableName": "sabir-cache"}))["Items"]
    assert len(items) == 12
    assert {name for item in items for name in item} == {"id", "sealed", "expires_at"}
    binaries = [base64.b64decode(item[name]["B"]) for item in items for name in ("id", "sealed")]
    assert leaks(json.dumps(items).encode() + b"\n".join(binaries)) == []
    assert_share_nothing(
        [
            part
            for item in items
            for part in (base64.b64decode(item["id"]["B"]), base64.b64decode(item["sealed"]["B"])[9:])
        ]
    )
