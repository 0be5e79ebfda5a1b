"""Sealing of documents: what opens, and that nothing else does."""

import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from infra.secrets.sealing import Unsealable, derive_key, seal, unseal

MASTER = bytes(range(32))
NONCE = bytes(range(100, 112))
KEY = derive_key(MASTER)
TEXT = b'{"secret":"sk-very-secret"}'

names = st.text(min_size=1, max_size=40)


@given(plain=st.binary(max_size=200), name=names, version=names, nonce=st.binary(min_size=12, max_size=12))
def test_what_was_sealed_opens_under_its_name_and_version(plain: bytes, name: str, version: str, nonce: bytes) -> None:
    sealed = seal(KEY, plain, nonce, name=name, version=version)
    assert unseal(KEY, sealed, name=name, version=version) == plain


def test_the_bytes_are_as_written_down() -> None:
    """Derived a second time, from the module's page alone: who changes a byte changes the format's version."""
    prk = hmac.digest(bytes(32), MASTER, "sha256")
    key = hmac.digest(prk, b"sabir/secrets/v1" + b"\x01", "sha256")
    associated = b"\x01" + b"\x00\x08" + b"org/acme" + b"v7"
    assert seal(KEY, TEXT, NONCE, name="org/acme", version="v7") == (
        b"\x01" + NONCE + AESGCM(key).encrypt(NONCE, TEXT, associated)
    )


def test_each_flipped_bit_and_each_missing_end_is_refused() -> None:
    sealed = seal(KEY, TEXT, NONCE, name="org/acme", version="v7")
    spoilt = [
        bytes((*sealed[:at], sealed[at] ^ 1 << bit, *sealed[at + 1 :])) for at in range(len(sealed)) for bit in range(8)
    ]
    for stored in (*spoilt, *(sealed[:end] for end in range(len(sealed))), sealed + b"\0"):
        with pytest.raises(Unsealable):
            unseal(KEY, stored, name="org/acme", version="v7")


@given(there=st.tuples(names, names), here=st.tuples(names, names))
def test_a_document_opens_under_no_other_name_or_version(there: tuple[str, str], here: tuple[str, str]) -> None:
    sealed = seal(KEY, TEXT, NONCE, name=there[0], version=there[1])
    if there == here:
        return
    with pytest.raises(Unsealable):
        unseal(KEY, sealed, name=here[0], version=here[1])


def test_where_the_name_ends_is_a_part_of_it() -> None:
    sealed = seal(KEY, TEXT, NONCE, name="org/acme", version="12")
    with pytest.raises(Unsealable):
        unseal(KEY, sealed, name="org/acme1", version="2")


def test_another_master_key_opens_nothing_and_the_fault_says_nothing() -> None:
    sealed = seal(KEY, TEXT, NONCE, name="org/acme", version="v7")
    with pytest.raises(Unsealable) as fault:
        unseal(derive_key(bytes(31) + b"\1"), sealed, name="org/acme", version="v7")
    assert str(fault.value) == "the document cannot be opened with this master key"
    assert fault.value.__cause__ is None


def test_the_master_key_itself_seals_nothing() -> None:
    assert KEY != MASTER
    assert len(KEY) == 32


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_master_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"32 bytes, not {size}"):
        derive_key(bytes(size))


@pytest.mark.parametrize("size", [0, 11, 13])
def test_a_nonce_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"the nonce source gave {size}"):
        seal(KEY, TEXT, bytes(size), name="org/acme", version="v7")
