import hashlib
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from cache.errors import CacheFault, Unopenable
from cache.sealed import MAX_PAYLOAD, CacheEntry, SealContext, SealedEntry, Sealer

NOW = 1_800_000_000
KEY = bytes(range(32))
NONCE = bytes(range(100, 112))
CONTEXT = SealContext(item_id=bytes(range(32, 64)), scope=b"key")
ENTRY = CacheEntry(b'{"content":"What is a proxy?"}', NOW, NOW + 60)
SEALER = Sealer(lambda: NONCE)

entries = st.builds(
    CacheEntry, payload=st.binary(max_size=5000), created_at=st.integers(0, 2**40), expires_at=st.integers(0, 2**40)
)
contexts = st.builds(SealContext, item_id=st.binary(min_size=32, max_size=32), scope=st.binary(max_size=255))
nonces = st.binary(min_size=12, max_size=12)
keys = st.binary(min_size=32, max_size=32)


@given(keys, entries, contexts, nonces)
def test_what_was_sealed_opens_to_the_same(key: bytes, entry: CacheEntry, context: SealContext, nonce: bytes) -> None:
    sealed = Sealer(lambda: nonce).seal(key, entry, context)
    assert sealed.expires_at == entry.expires_at
    assert sealed.nonce == nonce
    rebuilt = SealedEntry.from_stored(sealed.stored)
    assert Sealer(lambda: b"").open(key, rebuilt, context) == entry


@given(keys, entries, contexts, st.data())
def test_any_flipped_bit_keeps_it_shut(key: bytes, entry: CacheEntry, context: SealContext, data: Any) -> None:
    stored = bytearray(SEALER.seal(key, entry, context).stored)
    bit = data.draw(st.integers(0, len(stored) * 8 - 1))
    stored[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unopenable):
        SEALER.open(key, SealedEntry.from_stored(bytes(stored)), context)


def test_every_single_bit_of_the_header_and_the_tag_counts() -> None:
    stored = SEALER.seal(KEY, ENTRY, CONTEXT).stored
    for bit in [*range(29 * 8), *range(len(stored) * 8 - 16 * 8, len(stored) * 8)]:
        flipped = bytearray(stored)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unopenable):
            SEALER.open(KEY, SealedEntry.from_stored(bytes(flipped)), CONTEXT)


@given(contexts, contexts)
def test_another_context_keeps_it_shut(sealed_under: SealContext, opened_under: SealContext) -> None:
    assume(sealed_under != opened_under)
    with pytest.raises(Unopenable):
        SEALER.open(KEY, SEALER.seal(KEY, ENTRY, sealed_under), opened_under)


@given(
    st.tuples(st.binary(max_size=40), st.binary(max_size=40)), st.tuples(st.binary(max_size=40), st.binary(max_size=40))
)
def test_no_two_contexts_are_bound_by_the_same_bytes(left: tuple[bytes, bytes], right: tuple[bytes, bytes]) -> None:
    # Even ids of unusual length: moving a byte from the id to the scope must not go unnoticed.
    assume(left != right)
    with pytest.raises(Unopenable):
        SEALER.open(KEY, SEALER.seal(KEY, ENTRY, SealContext(*left)), SealContext(*right))


@given(keys, keys)
def test_another_key_keeps_it_shut(sealed_under: bytes, opened_under: bytes) -> None:
    assume(sealed_under != opened_under)
    with pytest.raises(Unopenable):
        SEALER.open(opened_under, SEALER.seal(sealed_under, ENTRY, CONTEXT), CONTEXT)


def test_a_longer_life_cannot_be_written_into_an_entry() -> None:
    stored = bytearray(SEALER.seal(KEY, ENTRY, CONTEXT).stored)
    stored[1:9] = struct.pack(">Q", NOW + 10**6)
    prolonged = SealedEntry.from_stored(bytes(stored))
    assert prolonged.expires_at == NOW + 10**6
    with pytest.raises(Unopenable):
        SEALER.open(KEY, prolonged, CONTEXT)


@given(st.binary(max_size=100))
def test_other_bytes_are_no_entry_or_do_not_open(stored: bytes) -> None:
    with pytest.raises(Unopenable):
        SEALER.open(KEY, SealedEntry.from_stored(stored), CONTEXT)


@pytest.mark.parametrize("length", range(49))
def test_bytes_too_short_for_an_entry_are_refused(length: int) -> None:
    with pytest.raises(Unopenable):
        SealedEntry.from_stored(b"\x01" * length)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_refused(version: int) -> None:
    with pytest.raises(Unopenable):
        SealedEntry.from_stored(bytes([version]) + SEALER.seal(KEY, ENTRY, CONTEXT).stored[1:])


def test_a_failure_to_open_says_always_the_same_and_carries_no_cause() -> None:
    with pytest.raises(CacheFault, match=r"^the stored entry could not be opened$") as caught:
        SEALER.open(bytes(32), SEALER.seal(KEY, ENTRY, CONTEXT), CONTEXT)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_pitfall_30_only_a_sealer_or_stored_bytes_make_a_sealed_entry() -> None:
    with pytest.raises(TypeError, match="only a Sealer makes a SealedEntry"):
        SealedEntry()
    with pytest.raises(TypeError):
        SealedEntry(b"plaintext")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="no subclasses"):
        type("Loose", (SealedEntry,), {})
    with pytest.raises(AttributeError):
        SEALER.seal(KEY, ENTRY, CONTEXT).stored = b"plaintext"  # type: ignore[misc]


def _sealed_by_hand(plain: bytes) -> SealedEntry:
    """What somebody with the right key but another program might have stored."""
    header = struct.pack(">BQ12s", 1, NOW + 60, NONCE)
    associated = b"\x01\x20" + CONTEXT.item_id + b"\x03key" + struct.pack(">Q", NOW + 60)
    return SealedEntry.from_stored(header + AESGCM(KEY).encrypt(NONCE, plain, associated))


def test_the_format_written_by_hand_opens() -> None:
    stream = zlib.compress(b"by hand")
    opened = SEALER.open(KEY, _sealed_by_hand(struct.pack(">QI", NOW, len(stream)) + stream + b"\0" * 9), CONTEXT)
    assert opened == CacheEntry(b"by hand", NOW, NOW + 60)


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"this is no zlib stream",
        zlib.compress(b"cut short")[:-1],
        zlib.compress(b"wrong checksum")[:-1] + b"\xff",
        zlib.compress(bytes(MAX_PAYLOAD + 1)),
        zlib.compress(bytes(MAX_PAYLOAD * 8)),
    ],
    ids=["empty", "garbage", "cut", "checksum", "one-byte-too-much", "bomb"],
)
def test_a_broken_or_oversized_stream_under_the_right_key_is_unopenable(stream: bytes) -> None:
    with pytest.raises(Unopenable):
        SEALER.open(KEY, _sealed_by_hand(struct.pack(">QI", NOW, len(stream)) + stream), CONTEXT)


def test_a_length_beyond_the_end_is_unopenable() -> None:
    stream = zlib.compress(b"x")[:-2]
    with pytest.raises(Unopenable):
        SEALER.open(KEY, _sealed_by_hand(struct.pack(">QI", NOW, 2**32 - 1) + stream), CONTEXT)


def test_the_largest_payload_fits_and_one_byte_more_is_refused() -> None:
    largest = CacheEntry(bytes(MAX_PAYLOAD), NOW, NOW + 60)
    assert SEALER.open(KEY, SEALER.seal(KEY, largest, CONTEXT), CONTEXT) == largest
    with pytest.raises(ValueError, match=f"has {MAX_PAYLOAD + 1} bytes, an entry holds at most {MAX_PAYLOAD}"):
        SEALER.seal(KEY, CacheEntry(bytes(MAX_PAYLOAD + 1), NOW, NOW + 60), CONTEXT)


@pytest.mark.parametrize("length", [0, 11, 13])
def test_a_nonce_of_the_wrong_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="a nonce has 12 bytes"):
        Sealer(lambda: bytes(length)).seal(KEY, ENTRY, CONTEXT)


def test_every_sealing_takes_a_nonce_of_its_own() -> None:
    source = iter([b"a" * 12, b"b" * 12])
    sealer = Sealer(lambda: next(source))
    first, second = sealer.seal(KEY, ENTRY, CONTEXT), sealer.seal(KEY, ENTRY, CONTEXT)
    assert (first.nonce, second.nonce) == (b"a" * 12, b"b" * 12)
    assert first.stored[21:] != second.stored[21:]


def test_short_answers_all_have_one_length() -> None:
    lengths = {
        len(SEALER.seal(KEY, CacheEntry(text.encode(), NOW, NOW + 60), CONTEXT).stored)
        for text in ("", "No.", "Yes.", "A proxy acts on behalf of another. " * 10)
    }
    assert lengths == {21 + 768 + 16}


@given(st.integers(0, 20_000))
def test_the_padded_length_is_one_of_four_to_a_power_of_two_and_costs_a_quarter_at_most(size: int) -> None:
    payload = hashlib.shake_128(size.to_bytes(2, "big")).digest(size)
    padded = len(SEALER.seal(KEY, CacheEntry(payload, NOW, NOW + 60), CONTEXT).stored) - 21 - 16
    needed = 12 + len(zlib.compress(payload))
    power = 1 << padded.bit_length() - 1
    assert padded in {768, power, power * 5 // 4, power * 6 // 4, power * 7 // 4}
    assert needed <= padded <= max(768, needed * 5 // 4 + 1)


def test_neither_payload_nor_ciphertext_shows_in_a_repr() -> None:
    sealed = SEALER.seal(KEY, ENTRY, CONTEXT)
    assert "proxy" not in repr(ENTRY)
    assert repr(sealed) == f"SealedEntry(805 bytes, expires_at={NOW + 60})"


def test_pitfall_30_nothing_outside_the_cache_rebuilds_entries_from_bytes() -> None:
    root = Path(__file__).parents[2]
    users = {
        str(file.relative_to(root))
        for folder in ("cache", "handlers", "infra", "providers")
        for file in (root / folder).rglob("*.py")
        if "from_stored" in file.read_text()
    }
    assert users == {
        "cache/sealed.py",
        "cache/stores/dynamodb.py",
        "cache/stores/memory.py",
        "cache/stores/sqlite.py",
    }
