"""The store as an attacker has it who got hold of all its bytes, but of no key.

Two callers ask the very same thing. Neither prompt, completion, model nor key may be found in the dump in any coding
an attacker would try, and nothing in it may tell that the two asked the same.
"""

import base64
import hashlib
import json
import os
import sqlite3
import urllib.parse
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path
from typing import Any

import pytest

from cache.directives import CacheDirectives
from cache.identity import request_identity
from cache.policy import CachePolicy, Outcome, RequestFacts
from cache.sealed import Sealer
from cache.sealed_cache import Hit, Miss, ResponseCache, Stored
from cache.stores.base import Store
from cache.stores.dynamodb import DynamoStore
from cache.stores.sqlite import SqliteStore
from infra.aws.json_client import AwsJsonClient

Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]

NOW = 1_800_000_000
KEYS = [b"sk-proj-0123456789abcdefghijklmnopqrstuvwxyz", b"sk-proj-zyxwvutsrqponmlkjihgfedcba9876543210"]
MODEL = "gpt-3.5-turbo-instruct-0914"
PROMPT = "What is a proxy, and who was the first to call one so?"
COMPLETION = "A proxy acts on behalf of another; the word is a contraction of procuracy, sagt das Wörterbuch."
REQUEST: dict[str, Any] = {
    "dialect": "openai",
    "endpoint": "/v1/chat/completions",
    "body": {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "seed": 1},
}
PAYLOAD = json.dumps({"model": MODEL, "text": COMPLETION, "prompt": PROMPT}).encode()
# Shorter runs of bytes repeat by chance: 10**7 pairs of positions, and 2**64 values.
SHARED_RUN = 8


def _codings(secret: bytes) -> Iterator[bytes]:
    """Everything an attacker greps for, in the forms in which it could lie around."""
    text = secret.decode()
    yield secret
    yield text.upper().encode()
    yield text.lower().encode()
    yield text.encode("utf-16-le")
    yield text.encode("utf-16-be")
    yield json.dumps(text)[1:-1].encode()
    yield urllib.parse.quote(text).encode()
    yield secret[::-1]
    for shift in range(3):
        # The three alignments of base64, without the characters that neighbours would change.
        aligned = base64.b64encode(b"\0" * shift + secret)[4:-4]
        yield aligned
        yield aligned.replace(b"+", b"-").replace(b"/", b"_")
    compressed = zlib.compress(secret)
    yield compressed[2:18]
    for digest in (hashlib.md5, hashlib.sha1, hashlib.sha256):
        yield digest(secret).digest()
        yield digest(secret).hexdigest().encode()
        yield base64.b64encode(digest(secret).digest())[:20]


def _needles() -> set[bytes]:
    secrets = [*KEYS, MODEL.encode(), PROMPT.encode(), COMPLETION.encode(), PAYLOAD, request_identity(REQUEST)]
    pieces = [secret[at : at + 12] for secret in secrets for at in range(0, len(secret) - 11, 4)]
    plain = {coding for piece in pieces if _is_text(piece) for coding in (piece, piece.decode().encode("utf-16-le"))}
    coded = {coding for secret in secrets for coding in _codings(secret)}
    needles = {needle for needle in plain | coded if len(needle) >= 12}
    return (
        needles | {needle.hex().encode() for needle in needles} | {needle.hex().upper().encode() for needle in needles}
    )


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


async def _two_callers_ask_the_same(store: Store) -> None:
    cache = ResponseCache(store, Sealer(lambda: os.urandom(12)), CachePolicy(), read_deadline=20, write_deadline=20)
    outcome = Outcome(200, complete=True, storable_finish=True, size=len(PAYLOAD))
    for caller, key in enumerate(KEYS):
        asked = (key, request_identity(REQUEST), CacheDirectives(), RequestFacts(deterministic=True))
        miss = await cache.look_up(*asked, now=NOW + caller)
        assert isinstance(miss, Miss)
        assert miss.reason == "absent"
        assert isinstance(await cache.put(miss.handle, PAYLOAD, outcome, now=NOW + caller), Stored)
        hit = await cache.look_up(*asked, now=NOW + caller)
        assert isinstance(hit, Hit)
        assert hit.entry.payload == PAYLOAD


def _assert_tells_nothing(dump: bytes) -> None:
    needles = _needles()
    assert len(needles) > 500
    assert [needle for needle in needles if needle in dump] == []


def _assert_share_nothing(items: Iterable[tuple[bytes, bytes]]) -> None:
    """`items`: id and sealed bytes. Only the version may be alike; expiry differs because the callers asked in turn."""
    (first_id, first), (second_id, second) = items
    left, right = first_id + first[9:], second_id + second[9:]
    runs = {left[at : at + SHARED_RUN] for at in range(len(left) - SHARED_RUN + 1)}
    assert len(runs) == len(left) - SHARED_RUN + 1
    assert not [at for at in range(len(right) - SHARED_RUN + 1) if right[at : at + SHARED_RUN] in runs]


def test_the_search_itself_finds_what_is_in_the_clear() -> None:
    for leak in (PAYLOAD, base64.b64encode(KEYS[1]), PROMPT.encode("utf-16-le"), b"x" + MODEL.encode().hex().encode()):
        with pytest.raises(AssertionError):
            _assert_tells_nothing(b"\0" * 50 + leak + b"\0" * 50)
    with pytest.raises(AssertionError):
        _assert_tells_nothing(b"??" + zlib.compress(PAYLOAD))
    shared = os.urandom(600)
    with pytest.raises(AssertionError):
        _assert_share_nothing([(os.urandom(32), shared), (os.urandom(32), os.urandom(300) + shared[100:])])


async def test_a_sqlite_file_with_its_log_tells_nothing(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "cache.db")
    await _two_callers_ask_the_same(store)
    in_use = _files(tmp_path)
    assert {"cache.db", "cache.db-wal"} <= set(in_use)
    assert max(map(len, in_use.values())) > 2 * 805
    await store.close()
    at_rest = _files(tmp_path)["cache.db"]
    with closing(sqlite3.connect(tmp_path / "cache.db")) as connection:
        rows = connection.execute("SELECT id, sealed FROM entries").fetchall()
    assert len(rows) == len(KEYS)
    assert all(sealed in at_rest for _, sealed in rows)
    _assert_tells_nothing(b"\n".join([*in_use.values(), at_rest]))
    _assert_share_nothing(rows)


def _files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize("emulator", ["moto_url", "ministack_url"])
@pytest.mark.parametrize("part_size", [390 * 1024, 500], ids=["whole", "in-parts"])
async def test_a_scan_of_the_dynamodb_table_tells_nothing(
    dynamo: Dynamo, request: pytest.FixtureRequest, emulator: str, part_size: int
) -> None:
    async with dynamo(request.getfixturevalue(emulator)) as (client, table):
        await _two_callers_ask_the_same(DynamoStore(client.call, table, part_size=part_size))
        items = (await client.call("Scan", {"TableName": table}))["Items"]
        assert len(items) == (2 if part_size > 1000 else 4)
        assert {name for item in items for name in item} <= {"id", "sealed", "expires_at", "parts"}
        _assert_tells_nothing(json.dumps(items).encode() + b"\n".join(_binaries(items)))
        _assert_share_nothing(_per_caller(items))


def _binaries(items: list[dict[str, Any]]) -> list[bytes]:
    return [base64.b64decode(value["B"]) for item in items for value in item.values() if "B" in value]


def _per_caller(items: list[dict[str, Any]]) -> list[tuple[bytes, bytes]]:
    """All ids and all sealed bytes of one caller together, heads first; callers are told apart by the expiry."""
    callers: dict[str, list[dict[str, Any]]] = {}
    for item in sorted(items, key=lambda item: "parts" not in item):
        callers.setdefault(item["expires_at"]["N"], []).append(item)
    return [
        (
            b"".join(base64.b64decode(item["id"]["B"]) for item in own),
            b"".join(base64.b64decode(item["sealed"]["B"]) for item in own),
        )
        for own in callers.values()
    ]
