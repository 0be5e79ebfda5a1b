"""The promise of FORMAT.md: every vector in tests/vectors opens, or stays shut, in every release.

`_rederive` is a second implementation, written from FORMAT.md on the cryptography package alone. Never change a vector
to make a test pass: a new format gets a new version and a new file.
"""

import hashlib
import hmac
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cache.errors import Unopenable
from cache.identity import request_identity
from cache.keyring import derive
from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer

FILE = Path(__file__).parents[1] / "vectors" / "cache_v1.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
FIELDS = {
    "name", "expect", "root", "request", "identity", "scope", "created_at", "expires_at", "nonce", "payload", "stream",
    "item_id", "data_key", "stored",
}  # fmt: skip


def _vectors(expect: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in DOCUMENT["vectors"] if v["expect"] == expect]


def _rederive(vector: dict[str, Any]) -> tuple[bytes, bytes, bytes]:
    """Item id, data key and stored bytes."""
    root, identity = bytes.fromhex(vector["root"]), vector["identity"].encode("ascii")

    def hkdf(info: bytes) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=b"sabir/cache/v1", info=info).derive(root)

    item_id = hmac.new(hkdf(b"id"), identity, hashlib.sha256).digest()
    data_key = hkdf(b"data" + hashlib.sha256(identity).digest())
    scope, stream = vector["scope"].encode(), bytes.fromhex(vector["stream"])
    plain = struct.pack(">QI", vector["created_at"], len(stream)) + stream
    bucket = min(size for size in _bucket_sizes() if size >= len(plain))
    expires_at = struct.pack(">Q", vector["expires_at"])
    associated = b"\x01" + b"\x20" + item_id + bytes([len(scope)]) + scope + expires_at
    nonce = bytes.fromhex(vector["nonce"])
    sealed = AESGCM(data_key).encrypt(nonce, plain + bytes(bucket - len(plain)), associated)
    return item_id, data_key, b"\x01" + expires_at + nonce + sealed


def _bucket_sizes() -> list[int]:
    return [768, 896, *(quarters << power for power in range(8, 23) for quarters in (4, 5, 6, 7))]


def test_the_file_holds_what_this_test_knows_and_nothing_else() -> None:
    assert DOCUMENT["version"] == 1
    assert all(set(vector) == FIELDS for vector in DOCUMENT["vectors"])
    assert {vector["expect"] for vector in DOCUMENT["vectors"]} == {"opens", "fails"}
    names = [vector["name"] for vector in DOCUMENT["vectors"]]
    assert len(names) == len(set(names)) == 14


def test_the_file_itself_has_not_changed() -> None:
    assert (
        hashlib.sha256(FILE.read_bytes()).hexdigest()
        == "3c8aaa436b639d51ee31993ef6912c00468d07669441d1690e5ad65f72aa11e4"
    )


@pytest.mark.parametrize("vector", _vectors("opens"))
def test_a_vector_opens_for_ever(vector: dict[str, Any]) -> None:
    identity = request_identity(vector["request"])
    assert identity == vector["identity"].encode("ascii")
    keys = derive(bytes.fromhex(vector["root"]), identity)
    assert keys.item_id.hex() == vector["item_id"]
    assert keys.data_key.hex() == vector["data_key"]
    sealed = SealedEntry.from_stored(bytes.fromhex(vector["stored"]))
    entry = Sealer(lambda: b"").open(keys.data_key, sealed, SealContext(keys.item_id, vector["scope"].encode()))
    assert entry == CacheEntry(bytes.fromhex(vector["payload"]), vector["created_at"], vector["expires_at"])


@pytest.mark.parametrize("vector", _vectors("opens"))
def test_a_vector_is_what_the_format_says(vector: dict[str, Any]) -> None:
    item_id, data_key, stored = _rederive(vector)
    assert (item_id.hex(), data_key.hex(), stored.hex()) == (vector["item_id"], vector["data_key"], vector["stored"])
    assert zlib.decompress(bytes.fromhex(vector["stream"])).hex() == vector["payload"]


@pytest.mark.parametrize("vector", _vectors("opens"))
def test_sealing_under_the_same_nonce_gives_the_same_entry(vector: dict[str, Any]) -> None:
    payload = bytes.fromhex(vector["payload"])
    entry = CacheEntry(payload, vector["created_at"], vector["expires_at"])
    context = SealContext(bytes.fromhex(vector["item_id"]), vector["scope"].encode())
    key = bytes.fromhex(vector["data_key"])
    sealer = Sealer(lambda: bytes.fromhex(vector["nonce"]))
    sealed = sealer.seal(key, entry, context)
    assert sealer.open(key, sealed, context) == entry
    # Another build of zlib may compress otherwise; what it makes opens just the same.
    assert (sealed.stored.hex() == vector["stored"]) == (zlib.compress(payload).hex() == vector["stream"])


@pytest.mark.parametrize("vector", _vectors("fails"))
def test_a_spoilt_vector_stays_shut(vector: dict[str, Any]) -> None:
    context = SealContext(bytes.fromhex(vector["item_id"]), vector["scope"].encode())
    with pytest.raises(Unopenable):
        Sealer(lambda: b"").open(
            bytes.fromhex(vector["data_key"]), SealedEntry.from_stored(bytes.fromhex(vector["stored"])), context
        )
