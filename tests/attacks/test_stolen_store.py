"""A store in somebody else's hands: what can be put into it, and what it gives back."""

from __future__ import annotations

import os
import stat
import struct
import zlib
from typing import TYPE_CHECKING, Final

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cache.errors import Unopenable
from cache.keyring import derive
from cache.sealed import CacheEntry, SealContext, SealedEntry, Sealer
from cache.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

KEYS: Final = derive(b"root", b"{}")
CONTEXT: Final = SealContext(KEYS.item_id, b"key")
EXPIRES: Final = 2_000_000_000
ASSOCIATED: Final = struct.pack(">BB32sB3sQ", 1, 32, KEYS.item_id, 3, b"key", EXPIRES)
SEALER: Final = Sealer(lambda: bytes(12))


def sealed(frame: bytes) -> SealedEntry:
    """What somebody with the data key itself could write, by FORMAT.md."""
    nonce = bytes(range(12))
    ciphertext = AESGCM(KEYS.data_key).encrypt(nonce, frame, ASSOCIATED)
    return SealedEntry.from_stored(struct.pack(">BQ12s", 1, EXPIRES, nonce) + ciphertext)


def frame(stream: bytes, length: int | None = None) -> bytes:
    return struct.pack(">QI", 1, len(stream) if length is None else length) + stream + bytes(64)


def test_the_frame_by_hand_opens() -> None:
    assert SEALER.open(KEYS.data_key, sealed(frame(zlib.compress(b"x"))), CONTEXT) == CacheEntry(b"x", 1, EXPIRES)


@pytest.mark.parametrize(
    "spoilt",
    [
        frame(zlib.compress(b"x") + b"more"),
        frame(zlib.compress(b"x")[:-1]),
        frame(zlib.compress(b"x"), 2**32 - 1),
        frame(zlib.compress(b"x"), 0),
        frame(zlib.compress(bytes(17 * 2**20))),
        frame(b"not a stream"),
    ],
    ids=["more", "cut", "overlong", "empty", "bomb", "none"],
)
def test_a_stream_that_does_not_end_where_it_says_does_not_open(spoilt: bytes) -> None:
    with pytest.raises(Unopenable):
        SEALER.open(KEYS.data_key, sealed(spoilt), CONTEXT)


@pytest.mark.parametrize(
    "moved", [SealContext(bytes(32), b"key"), SealContext(KEYS.item_id, b"ke"), SealContext(KEYS.item_id, b"")]
)
def test_an_entry_cannot_be_moved(moved: SealContext) -> None:
    with pytest.raises(Unopenable):
        SEALER.open(KEYS.data_key, sealed(frame(zlib.compress(b"x"))), moved)


def modes(path: Path) -> dict[str, int]:
    """Of the file and those that SQLite puts beside it."""
    return {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.glob(f"{path.name}*")}


async def test_a_file_that_is_there_keeps_its_mode_and_what_we_make_is_ours_alone(tmp_path: Path) -> None:
    entry = SEALER.seal(KEYS.data_key, CacheEntry(b"x", 1, EXPIRES), CONTEXT)
    given = tmp_path / "given.db"
    given.touch()
    given.chmod(0o640)
    before = os.umask(0)
    try:
        for path, mode in ((tmp_path / "made.db", 0o600), (given, 0o640)):
            store = SqliteStore(path)
            await store.put(KEYS.item_id, entry, now=1)
            assert modes(path) == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm"), mode)
            await store.close()
    finally:
        os.umask(before)
