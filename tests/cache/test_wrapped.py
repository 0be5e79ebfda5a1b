"""The org's cache key under each Sabir key and in temporary credentials, and the root that it gives.

The vectors stay for ever, as in `test_cache_vectors`: `_rederive…` is a second implementation, written from FORMAT.md on
the cryptography package alone.
"""

import base64
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import assume, given
from hypothesis import strategies as st

from cache.errors import Unopenable
from cache.keyring import derive
from cache.sealed import CacheEntry, SealContext, Sealer
from cache.wrapped import open_from_token, org_root, org_scope, seal_for_token, unwrap, wrap

FILE = Path(__file__).parents[1] / "vectors" / "wrapped_v1.json"
DOCUMENT: dict[str, Any] = json.loads(FILE.read_text())
CACHE_KEY = bytes(range(32))
TOKEN_KEY = bytes(range(32, 64))
KEY_TEXT = b"sbr_acme_aaaaaaaaaa_a-secret"
NONCE = bytes(range(100, 112))

keys = st.binary(min_size=32, max_size=32)
secrets = st.binary(min_size=1, max_size=100)
nonces = st.binary(min_size=12, max_size=12)
ids = st.text(max_size=60)


# --- vectors ----------------------------------------------------------------------------------------------------------


def _vectors(kind: str, expect: str) -> list[Any]:
    return [pytest.param(v, id=v["name"]) for v in DOCUMENT[kind] if v["expect"] == expect]


def _hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=salt, info=info).derive(secret)


def _rederive(key: bytes, vector: dict[str, Any], *names: str) -> bytes:
    associated = b"\x01" + b"".join(bytes([len(name.encode())]) + name.encode() for name in names)
    nonce = bytes.fromhex(vector["nonce"])
    return b"\x01" + nonce + AESGCM(key).encrypt(nonce, bytes.fromhex(vector["cache_key"]), associated)


def test_the_file_of_vectors_has_not_changed() -> None:
    assert (
        hashlib.sha256(FILE.read_bytes()).hexdigest()
        == "5427cc334a8e20ae6d3d744d40c68290600aed904a9cb46586a494f4cc845327"
    )
    assert {name: len(DOCUMENT[name]) for name in ("wrapped", "tokens", "roots")} == {
        "wrapped": 13,
        "tokens": 8,
        "roots": 4,
    }


@pytest.mark.parametrize("vector", _vectors("wrapped", "opens"))
def test_a_wrapped_key_opens_for_ever(vector: dict[str, Any]) -> None:
    key_text, names = vector["key_text"].encode(), {"org_id": vector["org_id"], "key_id": vector["key_id"]}
    wrapped, cache_key = bytes.fromhex(vector["wrapped"]), bytes.fromhex(vector["cache_key"])
    assert unwrap(wrapped, key_text, **names) == cache_key
    assert wrap(cache_key, key_text, **names, nonce=bytes.fromhex(vector["nonce"])) == wrapped
    wrapping_key = _hkdf(b"sabir/cache/wrap/v1", key_text, b"key")
    assert _rederive(wrapping_key, vector, vector["org_id"], vector["key_id"]) == wrapped


@pytest.mark.parametrize("vector", _vectors("wrapped", "fails"))
def test_a_spoilt_wrapped_key_stays_shut(vector: dict[str, Any]) -> None:
    with pytest.raises(Unopenable):
        unwrap(
            bytes.fromhex(vector["wrapped"]),
            vector["key_text"].encode(),
            org_id=vector["org_id"],
            key_id=vector["key_id"],
        )


@pytest.mark.parametrize("vector", _vectors("tokens", "opens"))
def test_a_token_s_cache_key_opens_for_ever(vector: dict[str, Any]) -> None:
    token_key, token_id, sealed = bytes.fromhex(vector["token_key"]), vector["token_id"], vector["sealed"]
    cache_key = bytes.fromhex(vector["cache_key"])
    assert open_from_token(sealed, token_key, token_id=token_id) == cache_key
    assert seal_for_token(cache_key, token_key, token_id=token_id, nonce=bytes.fromhex(vector["nonce"])) == sealed
    key = _hkdf(b"sabir/cache/token/v1", token_key, b"token" + token_id.encode())
    assert base64.urlsafe_b64encode(_rederive(key, vector, token_id)).decode().rstrip("=") == sealed


@pytest.mark.parametrize("vector", _vectors("tokens", "fails"))
def test_a_spoilt_token_s_cache_key_stays_shut(vector: dict[str, Any]) -> None:
    with pytest.raises(Unopenable):
        open_from_token(vector["sealed"], bytes.fromhex(vector["token_key"]), token_id=vector["token_id"])


@pytest.mark.parametrize("vector", [pytest.param(v, id=v["name"]) for v in DOCUMENT["roots"]])
def test_a_root_and_its_scope_are_the_same_for_ever(vector: dict[str, Any]) -> None:
    cache_key, epoch = bytes.fromhex(vector["cache_key"]), vector["epoch"]
    assert org_root(cache_key, epoch).hex() == vector["root"]
    assert _hkdf(b"sabir/cache/org/v1", cache_key, b"epoch" + epoch.to_bytes(8)).hex() == vector["root"]
    assert org_scope(vector["org_id"], epoch) == vector["scope"].encode()


# --- properties -------------------------------------------------------------------------------------------------------


@given(keys, secrets, ids, ids, nonces)
def test_what_was_wrapped_unwraps(cache_key: bytes, key_text: bytes, org: str, key_id: str, nonce: bytes) -> None:
    wrapped = wrap(cache_key, key_text, org_id=org, key_id=key_id, nonce=nonce)
    assert len(wrapped) == 61
    assert unwrap(wrapped, key_text, org_id=org, key_id=key_id) == cache_key


def test_any_flipped_bit_of_a_wrapped_key_keeps_it_shut() -> None:
    wrapped = wrap(CACHE_KEY, KEY_TEXT, org_id="acme", key_id="aaaaaaaaaa", nonce=NONCE)
    for bit in range(len(wrapped) * 8):
        flipped = bytearray(wrapped)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unopenable):
            unwrap(bytes(flipped), KEY_TEXT, org_id="acme", key_id="aaaaaaaaaa")


@given(st.binary(max_size=80))
def test_no_made_up_bytes_unwrap(made_up: bytes) -> None:
    with pytest.raises(Unopenable):
        unwrap(made_up, KEY_TEXT, org_id="acme", key_id="aaaaaaaaaa")


@given(st.tuples(secrets, ids, ids), st.tuples(secrets, ids, ids))
def test_another_key_org_or_key_id_keeps_it_shut(made: tuple[bytes, str, str], opened: tuple[bytes, str, str]) -> None:
    assume(made != opened)
    wrapped = wrap(CACHE_KEY, made[0], org_id=made[1], key_id=made[2], nonce=NONCE)
    with pytest.raises(Unopenable):
        unwrap(wrapped, opened[0], org_id=opened[1], key_id=opened[2])


@given(st.text("abc", max_size=6), st.data())
def test_no_two_pairs_of_ids_are_bound_by_the_same_bytes(both: str, data: Any) -> None:
    lengths = st.integers(0, len(both))
    made, opened = data.draw(lengths), data.draw(lengths)
    assume(made != opened)
    wrapped = wrap(CACHE_KEY, KEY_TEXT, org_id=both[:made], key_id=both[made:], nonce=NONCE)
    with pytest.raises(Unopenable):
        unwrap(wrapped, KEY_TEXT, org_id=both[:opened], key_id=both[opened:])


@given(keys, keys, ids, nonces)
def test_what_was_sealed_for_a_token_opens(cache_key: bytes, token_key: bytes, token_id: str, nonce: bytes) -> None:
    sealed = seal_for_token(cache_key, token_key, token_id=token_id, nonce=nonce)
    assert len(sealed) == 82
    assert open_from_token(sealed, token_key, token_id=token_id) == cache_key


def test_any_changed_character_of_a_token_s_cache_key_keeps_it_shut() -> None:
    sealed = seal_for_token(CACHE_KEY, TOKEN_KEY, token_id="t1", nonce=NONCE)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=\n é"
    for place in range(len(sealed)):
        # Every other letter in the last place, whose low bits belong to no byte; a handful elsewhere.
        for letter in alphabet if place == len(sealed) - 1 else "Ab-=\n é":
            changed = sealed[:place] + letter + sealed[place + 1 :]
            if changed != sealed:
                with pytest.raises(Unopenable):
                    open_from_token(changed, TOKEN_KEY, token_id="t1")


@given(st.text(max_size=100))
def test_no_made_up_text_opens_as_a_token_s_cache_key(made_up: str) -> None:
    with pytest.raises(Unopenable):
        open_from_token(made_up, TOKEN_KEY, token_id="t1")


@given(st.tuples(keys, ids), st.tuples(keys, ids))
def test_another_token_or_token_key_keeps_it_shut(made: tuple[bytes, str], opened: tuple[bytes, str]) -> None:
    assume(made != opened)
    sealed = seal_for_token(CACHE_KEY, made[0], token_id=made[1], nonce=NONCE)
    with pytest.raises(Unopenable):
        open_from_token(sealed, opened[0], token_id=opened[1])


def test_neither_kind_opens_as_the_other_even_under_one_secret() -> None:
    sealed = seal_for_token(CACHE_KEY, TOKEN_KEY, token_id="x", nonce=NONCE)
    with pytest.raises(Unopenable):
        unwrap(base64.urlsafe_b64decode(sealed + "=="), TOKEN_KEY, org_id="x", key_id="")


@given(st.tuples(keys, st.integers(0, 2**64 - 1)), st.tuples(keys, st.integers(0, 2**64 - 1)))
def test_another_cache_key_or_epoch_is_another_root(left: tuple[bytes, int], right: tuple[bytes, int]) -> None:
    assume(left != right)
    assert org_root(*left) != org_root(*right)


def test_a_purge_hides_every_entry_and_opens_none_that_is_found_all_the_same() -> None:
    sealer, request = Sealer(lambda: NONCE), b'{"model":"m"}'
    before, after = (derive(org_root(CACHE_KEY, epoch), request) for epoch in (7, 8))
    assert before.item_id != after.item_id
    entry = CacheEntry(b"an answer", 1_800_000_000, 1_800_000_060)
    sealed = sealer.seal(before.data_key, entry, SealContext(before.item_id, org_scope("acme", 7)))
    assert sealer.open(before.data_key, sealed, SealContext(before.item_id, org_scope("acme", 7))) == entry
    for keyring, epoch in ((after, 8), (after, 7), (before, 8)):
        with pytest.raises(Unopenable):
            sealer.open(keyring.data_key, sealed, SealContext(before.item_id, org_scope("acme", epoch)))


# --- what is refused, and what is not loaded --------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_cache_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"a cache key has 32 bytes, not {size}"):
        wrap(bytes(size), KEY_TEXT, org_id="acme", key_id="aaaaaaaaaa", nonce=NONCE)
    with pytest.raises(ValueError, match=f"a cache key has 32 bytes, not {size}"):
        seal_for_token(bytes(size), TOKEN_KEY, token_id="t1", nonce=NONCE)
    with pytest.raises(ValueError, match=f"a cache key has 32 bytes, not {size}"):
        org_root(bytes(size), 0)


@pytest.mark.parametrize("size", [0, 11, 13, 16])
def test_a_nonce_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"a nonce has 12 bytes, not {size}"):
        wrap(CACHE_KEY, KEY_TEXT, org_id="acme", key_id="aaaaaaaaaa", nonce=bytes(size))


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="is empty"):
        wrap(CACHE_KEY, b"", org_id="acme", key_id="aaaaaaaaaa", nonce=NONCE)
    with pytest.raises(ValueError, match="is empty"):
        unwrap(bytes(61), b"", org_id="acme", key_id="aaaaaaaaaa")
    with pytest.raises(ValueError, match="is empty"):
        open_from_token("", b"", token_id="t1")


def test_an_id_over_255_bytes_is_refused() -> None:
    assert wrap(CACHE_KEY, KEY_TEXT, org_id="a" * 255, key_id="k", nonce=NONCE)
    with pytest.raises(ValueError, match="at most 255 bytes"):
        wrap(CACHE_KEY, KEY_TEXT, org_id="a" * 256, key_id="k", nonce=NONCE)


def test_a_scope_holds_the_longest_org_id_and_epoch_and_refuses_more() -> None:
    assert len(org_scope("z" * 40, 2**64 - 1)) == 65
    assert len(org_scope("z" * 249, 1)) == 255
    with pytest.raises(ValueError, match="too long for the scope"):
        org_scope("z" * 250, 1)


@pytest.mark.parametrize("epoch", [-1, 2**64])
def test_an_epoch_that_eight_bytes_do_not_hold_is_refused(epoch: int) -> None:
    with pytest.raises(ValueError, match="an epoch is a number from 0"):
        org_root(CACHE_KEY, epoch)


def test_deriving_a_root_does_not_load_cryptography() -> None:
    script = (
        "import sys; from cache.wrapped import org_root, org_scope\n"
        "org_root(bytes(32), 1), org_scope('acme', 1)\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", script], cwd=root, check=False, timeout=60).returncode == 0
