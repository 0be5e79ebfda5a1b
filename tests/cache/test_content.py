"""The content log: what was kept is read by who brings the data key and the id, in every store, and by nobody else.

The vectors stay for ever, as in `test_cache_vectors`: `_rederive` is a second implementation, written from FORMAT.md on
the cryptography package alone.
"""

import asyncio
import hashlib
import hmac
import json
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from cache.content import ContentLog, Place, sampled
from cache.errors import CacheFault
from cache.sealed import MAX_PAYLOAD, CacheEntry, SealedEntry, Sealer
from cache.sidecar import Sidecar
from cache.stores.base import Store
from cache.stores.memory import MemoryStore
from cache.wrapped import content_root, org_root, org_scope
from infra.aws.json_client import AwsJsonClient

Dynamo = Callable[[str], AbstractAsyncContextManager[tuple[AwsJsonClient, str]]]

FILE = Path(__file__).parents[1] / "vectors" / "content_v1.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
NOW = 1_800_000_000
DATA_KEY = bytes(range(32))
PLACE = Place("acme", 3, "01a3185c5000703d814b0f586ae36888")
CONTENT = b'{"request":"Where is the key?","response":"Under the flower pot."}'


class AnyStore(MemoryStore):
    """An attacker's table: its one entry answers every question, at any time."""

    def __init__(self, entry: SealedEntry | None = None) -> None:
        super().__init__()
        self.entry = entry

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        return self.entry

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        self.entry = sealed


class Failing(MemoryStore):
    """Raises, or hangs where there is nothing to raise."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__()
        self.error = error

    async def get(self, item_id: bytes, *, now: int) -> SealedEntry | None:
        await self._fail()
        return None

    async def put(self, item_id: bytes, sealed: SealedEntry, *, now: int) -> None:
        await self._fail()

    async def _fail(self) -> None:
        if self.error is None:
            await asyncio.get_running_loop().create_future()
        else:
            raise self.error


def log_over(store: Store, **options: Any) -> ContentLog:
    return ContentLog(store, Sealer(lambda: os.urandom(12)), **options)


# The largest that the proxy makes, of bytes that do not compress: several parts in DynamoDB.
@pytest.mark.parametrize("content", [b"", CONTENT, os.urandom(2 * 1024 * 1024)], ids=["empty", "small", "large"])
async def test_what_was_kept_is_there_until_it_ends(store: Store, content: bytes) -> None:
    log = log_over(store, read_deadline=20, write_deadline=20)
    assert await log.put(DATA_KEY, PLACE, content, now=NOW, ttl=60) == ""
    entry = CacheEntry(content, NOW, NOW + 60)
    assert await log.get(DATA_KEY, PLACE, now=NOW) == entry
    assert await log.get(DATA_KEY, PLACE, now=NOW + 59) == entry
    assert await log.get(DATA_KEY, PLACE, now=NOW + 60) is None


async def test_nobody_else_finds_it(store: Store) -> None:
    log = log_over(store)
    await log.put(DATA_KEY, PLACE, CONTENT, now=NOW, ttl=60)
    for other in (replace(PLACE, org_id="beta"), replace(PLACE, epoch=4), replace(PLACE, request_id="0" * 32)):
        assert await log.get(DATA_KEY, other, now=NOW) is None
    assert await log.get(bytes(32), PLACE, now=NOW) is None


@given(st.binary(min_size=32, max_size=32), st.integers(0, 7), st.text(max_size=40), st.binary(max_size=2000))
async def test_it_opens_for_the_key_the_org_the_epoch_and_the_request_together(
    data_key: bytes, epoch: int, request_id: str, content: bytes
) -> None:
    store = AnyStore()
    log = log_over(store)
    place = Place("acme", epoch, request_id)
    assert await log.put(data_key, place, content, now=NOW, ttl=60) == ""
    assert store.entry is not None
    assert len(content) < 16 or content not in store.entry.stored
    assert await log.get(data_key, place, now=NOW) == CacheEntry(content, NOW, NOW + 60)
    spoilt = bytes([data_key[0] ^ 1]) + data_key[1:]
    assert await log.get(spoilt, place, now=NOW) is None
    for other in (
        replace(place, org_id="acm"),
        replace(place, epoch=epoch + 1),
        replace(place, request_id=request_id + "0"),
    ):
        assert await log.get(data_key, other, now=NOW) is None


async def test_an_entry_that_the_store_is_late_to_delete_has_ended() -> None:
    log = log_over(AnyStore())
    await log.put(DATA_KEY, PLACE, CONTENT, now=NOW, ttl=60)
    assert await log.get(DATA_KEY, PLACE, now=NOW + 59) is not None
    assert await log.get(DATA_KEY, PLACE, now=NOW + 60) is None


async def test_a_note_of_the_same_name_is_another_thing() -> None:
    """Even where one root is used for both, which is never so."""
    store = MemoryStore()
    sidecar = Sidecar(store, Sealer(lambda: os.urandom(12)))
    root, scope = content_root(DATA_KEY, PLACE.epoch), org_scope(PLACE.org_id, PLACE.epoch)
    note = sidecar.hold(root, {"of": PLACE.request_id}, b"a note", scope=scope)
    assert note is not None
    await sidecar.put(note, now=NOW)
    assert await log_over(store).get(DATA_KEY, PLACE, now=NOW) is None


@pytest.mark.parametrize("epoch", [0, 1, 2**64 - 1])
def test_its_root_is_no_cache_s(epoch: int) -> None:
    assert content_root(DATA_KEY, epoch) != org_root(DATA_KEY, epoch)
    assert len(content_root(DATA_KEY, epoch)) == 32


@pytest.mark.parametrize(("data_key", "epoch"), [(b"", 0), (bytes(31), 0), (bytes(33), 0), (bytes(32), -1)])
def test_a_root_is_of_a_whole_key_and_a_true_epoch(data_key: bytes, epoch: int) -> None:
    with pytest.raises(ValueError, match=r"32 bytes|epoch"):
        content_root(data_key, epoch)


# --- faults -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CacheFault("the table is on fire"), "the table is on fire"),
        (RuntimeError("it quotes the prompt"), "unexpected RuntimeError"),
        (None, "the cache did not take the content in time"),
    ],
    ids=["fault", "bug", "hangs"],
)
async def test_a_put_that_fails_says_so_and_raises_nothing(error: Exception | None, words: str) -> None:
    log = log_over(Failing(error), write_deadline=0.01)
    assert await log.put(DATA_KEY, PLACE, CONTENT, now=NOW, ttl=60) == words


async def test_what_no_entry_holds_is_a_fault() -> None:
    log = log_over(MemoryStore())
    assert await log.put(DATA_KEY, PLACE, bytes(MAX_PAYLOAD + 1), now=NOW, ttl=60) == "unexpected ValueError"
    assert await log.put(DATA_KEY, replace(PLACE, org_id="x" * 300), b"", now=NOW, ttl=60) == "unexpected ValueError"


@pytest.mark.parametrize("error", [CacheFault("the table is on fire"), None], ids=["fault", "hangs"])
async def test_a_get_that_fails_is_no_absence(error: Exception | None) -> None:
    with pytest.raises(CacheFault, match="on fire" if error else "did not find the content in time"):
        await log_over(Failing(error), read_deadline=0.01).get(DATA_KEY, PLACE, now=NOW)


# --- samples ----------------------------------------------------------------------------------------------------------


@given(st.text())
def test_all_is_all_and_none_is_none(request_id: str) -> None:
    assert sampled(request_id, 100)
    assert not sampled(request_id, 0)


@given(st.text(), st.integers(0, 99))
def test_who_is_in_stays_in_at_a_higher_rate(request_id: str, percent: int) -> None:
    assert not sampled(request_id, percent) or sampled(request_id, percent + 1)


@pytest.mark.parametrize("percent", [1, 10, 50, 90])
def test_a_sample_is_of_the_size_that_was_asked_for(percent: int) -> None:
    among = sum(sampled(f"{number:032x}", percent) for number in range(10_000))
    # Fixed ids, so no chance in it; four standard deviations of a fair coin for the day that the hash changes.
    assert abs(among - 100 * percent) < 4 * (percent * (100 - percent)) ** 0.5


# --- vectors ----------------------------------------------------------------------------------------------------------


def _vectors(expect: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in DOCUMENT["vectors"] if v["expect"] == expect]


def _place(vector: dict[str, Any]) -> Place:
    return Place(vector["org_id"], vector["epoch"], vector["request_id"])


def _rederive(vector: dict[str, Any]) -> dict[str, str]:
    def hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(secret)

    epoch = struct.pack(">Q", vector["epoch"])
    root = hkdf(b"sabir/content/v1", bytes.fromhex(vector["cache_key"]), b"epoch" + epoch)
    identity = f'{{"content":1,"of":"{vector["request_id"]}"}}'.encode()
    scope = f"org:{vector['org_id']}:{vector['epoch']}".encode()
    item_id = hmac.new(hkdf(b"sabir/cache/v1", root, b"id"), identity, hashlib.sha256).digest()
    data_key = hkdf(b"sabir/cache/v1", root, b"data" + hashlib.sha256(identity).digest())
    stream, expires_at = bytes.fromhex(vector["stream"]), struct.pack(">Q", vector["expires_at"])
    frame = (struct.pack(">QI", vector["created_at"], len(stream)) + stream).ljust(768, b"\0")
    associated = b"\x01\x20" + item_id + bytes([len(scope)]) + scope + expires_at
    nonce = bytes.fromhex(vector["nonce"])
    stored = b"\x01" + expires_at + nonce + AESGCM(data_key).encrypt(nonce, frame, associated)
    return {
        "root": root.hex(),
        "identity": identity.decode(),
        "scope": scope.decode(),
        "item_id": item_id.hex(),
        "data_key": data_key.hex(),
        "stored": stored.hex(),
    }


def test_the_file_of_vectors_has_not_changed() -> None:
    assert (
        hashlib.sha256(FILE.read_bytes()).hexdigest()
        == "f9baa199e919aea3579f922da634ff68e6ba25589c33de5586d1ff57cf5641e9"
    )
    assert (len(_vectors("opens")), len(_vectors("fails"))) == (6, 9)


@pytest.mark.parametrize("vector", _vectors("opens"))
async def test_a_vector_opens_for_ever(vector: dict[str, Any]) -> None:
    log = log_over(AnyStore(SealedEntry.from_stored(bytes.fromhex(vector["stored"]))))
    entry = CacheEntry(bytes.fromhex(vector["payload"]), vector["created_at"], vector["expires_at"])
    assert await log.get(bytes.fromhex(vector["cache_key"]), _place(vector), now=NOW) == entry


@pytest.mark.parametrize("vector", _vectors("opens"))
def test_a_vector_is_what_the_format_says(vector: dict[str, Any]) -> None:
    derived = _rederive(vector)
    assert derived == {name: vector[name] for name in derived}
    assert zlib.decompress(bytes.fromhex(vector["stream"])).hex() == vector["payload"]


@pytest.mark.parametrize("vector", _vectors("opens"))
async def test_keeping_it_anew_gives_the_same_entry(vector: dict[str, Any]) -> None:
    store = AnyStore()
    log = ContentLog(store, Sealer(lambda: bytes.fromhex(vector["nonce"])))
    payload, ttl = bytes.fromhex(vector["payload"]), vector["expires_at"] - vector["created_at"]
    await log.put(bytes.fromhex(vector["cache_key"]), _place(vector), payload, now=vector["created_at"], ttl=ttl)
    assert store.entry is not None
    # Another build of zlib may compress otherwise; what it makes opens just the same.
    same = zlib.compress(payload).hex() == vector["stream"]
    assert (store.entry.stored.hex() == vector["stored"]) == same


@pytest.mark.parametrize("vector", _vectors("fails"))
async def test_a_spoilt_vector_stays_shut(vector: dict[str, Any]) -> None:
    log = log_over(AnyStore(SealedEntry.from_stored(bytes.fromhex(vector["stored"]))))
    assert await log.get(bytes.fromhex(vector["cache_key"]), _place(vector), now=NOW) is None
