"""Sealing and opening of entries: compress, pad, AES-256-GCM. FORMAT.md holds the byte layout and the reasons."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Self, final

from cache.errors import Unopenable

FORMAT_VERSION: Final = 1
NONCE_SIZE: Final = 12
MAX_PAYLOAD: Final = 16 * 1024 * 1024
"""Bytes. No entry opens to more, whatever its ciphertext promises, so a crafted one cannot fill the memory."""

_TAG_SIZE: Final = 16
_HEADER: Final = struct.Struct(f">BQ{NONCE_SIZE}s")  # version, expires_at, nonce
_FRAME: Final = struct.Struct(">QI")  # created_at, length of the zlib stream that follows
# A smallest entry with its id and attribute names stays below 1 KB, which is one DynamoDB write unit.
_SMALLEST_BUCKET: Final = 768


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One answer in the clear. `payload` means nothing to the cache; times are epoch seconds."""

    payload: bytes = field(repr=False)
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class SealContext:
    """What an entry is bound to besides its key. `scope`: whose cache it is, e.g. `b"key"`; at most 255 bytes."""

    item_id: bytes
    scope: bytes


@final
class SealedEntry:
    """Ciphertext and its public header: all that a store ever holds.

    There is no constructor: `Sealer.seal` makes one, and a store rebuilds it from what it kept with `from_stored`.
    Bytes that did not come from a sealer pass `from_stored` at most in form; `Sealer.open` authenticates every bit.
    """

    __slots__ = ("_stored",)
    _stored: bytes

    def __init__(self) -> None:
        raise TypeError("only a Sealer makes a SealedEntry; a store rebuilds one with SealedEntry.from_stored()")

    def __init_subclass__(cls) -> None:
        raise TypeError("SealedEntry has no subclasses")

    @classmethod
    def from_stored(cls, stored: bytes) -> Self:
        """Raises `Unopenable` for bytes of another version or too short to hold an entry."""
        if len(stored) < _HEADER.size + _FRAME.size + _TAG_SIZE or stored[0] != FORMAT_VERSION:
            raise Unopenable
        entry = object.__new__(cls)
        entry._stored = bytes(stored)
        return entry

    @property
    def stored(self) -> bytes:
        """The whole entry as it is kept."""
        return self._stored

    @property
    def expires_at(self) -> int:
        """Epoch seconds. Authentic only once the entry has been opened."""
        expires_at: int = _HEADER.unpack_from(self._stored)[1]
        return expires_at

    @property
    def nonce(self) -> bytes:
        """12 random bytes, another for every sealing: a store that splits entries names the pieces by it."""
        nonce: bytes = _HEADER.unpack_from(self._stored)[2]
        return nonce

    def __repr__(self) -> str:
        return f"SealedEntry({len(self._stored)} bytes, expires_at={self.expires_at})"


class Sealer:
    """`nonces` returns 12 fresh random bytes at each call, e.g. `lambda: os.urandom(12)`.

    A random nonce is safe here because a data key belongs to one request of one caller: it seals as many entries as
    that very request is answered anew, while random 96-bit nonces hold for 2**32 messages of one key.
    """

    def __init__(self, nonces: Callable[[], bytes]) -> None:
        self._nonces = nonces

    def seal(self, key: bytes, entry: CacheEntry, context: SealContext) -> SealedEntry:
        """Raises ValueError for a payload above `MAX_PAYLOAD`, a wrong nonce or key length, or an overlong scope."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = self._nonces()
        if len(nonce) != NONCE_SIZE:
            raise ValueError(f"a nonce has {NONCE_SIZE} bytes, the nonce source gave {len(nonce)}")
        sealed = AESGCM(key).encrypt(nonce, _pack(entry), _associated_data(context, entry.expires_at))
        return SealedEntry.from_stored(_HEADER.pack(FORMAT_VERSION, entry.expires_at, nonce) + sealed)

    def open(self, key: bytes, sealed: SealedEntry, context: SealContext) -> CacheEntry:
        """Raises `Unopenable`, and nothing else, for whatever is not exactly what was sealed under this context."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        expires_at = sealed.expires_at
        try:
            plain = AESGCM(key).decrypt(
                sealed.nonce, memoryview(sealed.stored)[_HEADER.size :], _associated_data(context, expires_at)
            )
        except InvalidTag:
            raise Unopenable from None
        return _unpack(plain, expires_at)


def _associated_data(context: SealContext, expires_at: int) -> bytes:
    """Injective: every field has a fixed length but for the scope, whose length stands before it."""
    return b"".join(
        (
            struct.pack(">BB", FORMAT_VERSION, len(context.item_id)),
            context.item_id,
            struct.pack(">B", len(context.scope)),
            context.scope,
            struct.pack(">Q", expires_at),
        )
    )


def _pack(entry: CacheEntry) -> bytes:
    if len(entry.payload) > MAX_PAYLOAD:
        raise ValueError(f"the payload has {len(entry.payload)} bytes, an entry holds at most {MAX_PAYLOAD}")
    stream = zlib.compress(entry.payload)
    plain = _FRAME.pack(entry.created_at, len(stream)) + stream
    return plain.ljust(_bucket(len(plain)), b"\0")


def _unpack(plain: bytes, expires_at: int) -> CacheEntry:
    created_at, length = _FRAME.unpack_from(plain)
    inflater = zlib.decompressobj()
    try:
        # One byte above the limit is enough to know that it is broken.
        payload = inflater.decompress(memoryview(plain)[_FRAME.size : _FRAME.size + length], MAX_PAYLOAD + 1)
    except zlib.error:
        raise Unopenable from None
    if not inflater.eof or inflater.unused_data or len(payload) > MAX_PAYLOAD:
        raise Unopenable
    return CacheEntry(payload, created_at, expires_at)


def _bucket(length: int) -> int:
    """The next of 768, 896, 1024, 1280, 1536, 1792, 2048, 2560 …: four sizes to each power of two."""
    if length <= _SMALLEST_BUCKET:
        return _SMALLEST_BUCKET
    step = 1 << ((length - 1).bit_length() - 3)
    return -(-length // step) * step
