import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from hypothesis import given
from hypothesis import strategies as st

from cache.keyring import derive


@given(st.binary(min_size=1, max_size=200), st.binary(max_size=300))
def test_the_keys_are_the_hkdf_of_the_cryptography_package(root: bytes, identity: bytes) -> None:
    keys = derive(root, identity)

    def hkdf(info: bytes) -> bytes:
        return HKDF(hashes.SHA256(), 32, salt=b"sabir/cache/v1", info=info).derive(root)

    assert keys.item_id == hmac.new(hkdf(b"id"), identity, hashlib.sha256).digest()
    assert keys.data_key == hkdf(b"data" + hashlib.sha256(identity).digest())


def test_the_first_block_of_rfc_5869_is_what_this_hkdf_expands_to() -> None:
    # RFC 5869 A.1: PRK, info and the first 32 bytes of its OKM, to make sure of the reference above.
    prk = bytes.fromhex("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    info = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9")
    expected = bytes.fromhex("3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
    assert HKDFExpand(hashes.SHA256(), 32, info=info).derive(prk) == expected
    assert hmac.digest(prk, info + b"\x01", "sha256") == expected


def test_another_root_or_request_shares_nothing() -> None:
    all_keys = [derive(root, identity) for root in (b"sk-a", b"sk-b") for identity in (b"{}", b"[]")]
    assert len({keys.item_id for keys in all_keys} | {keys.data_key for keys in all_keys}) == 8


def test_an_empty_root_is_refused() -> None:
    with pytest.raises(ValueError, match="root secret of the cache keys is empty"):
        derive(b"", b"{}")


def test_the_data_key_shows_in_no_repr() -> None:
    keys = derive(b"sk-caller", b"{}")
    for text in (repr(keys), str(keys), f"{keys}"):
        assert "data_key" not in text
        assert repr(keys.data_key) not in text
        assert keys.data_key.hex() not in text
