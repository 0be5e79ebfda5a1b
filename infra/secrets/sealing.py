"""Sealing of documents at rest: AES-256-GCM under a key derived from the master key.

All other cryptography of ours is in cache/, which infra/ must not import; these two verbs are kept here alone, with one
fault and no options, so that they too can be read at one sitting.

    key     HKDF-SHA-256(master key, no salt, info = "sabir/secrets/v1")
    sealed  version of the format (1) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
    AAD     version of the format (1) ‖ length of the name (2) ‖ name ‖ version of the document

A sealed document opens only under its own name and version: rows cannot be swapped. What the AAD cannot prevent is that
somebody who may write to the file puts an older row back.
"""

from __future__ import annotations

from typing import Final

MASTER_KEY_SIZE: Final = 32
NONCE_SIZE: Final = 12

_FORMAT: Final = b"\x01"
_LABEL: Final = b"sabir/secrets/v1"


class Unsealable(Exception):
    """The bytes are not what was sealed under this key, name and version. Says no more, so that it tells no more."""

    def __init__(self) -> None:
        super().__init__("the document cannot be opened with this master key")


def derive_key(master_key: bytes) -> bytes:
    """The key for `seal` and `unseal`, 32 bytes. Raises ValueError for a master key of another length than 32."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    if len(master_key) != MASTER_KEY_SIZE:
        raise ValueError(f"a master key has {MASTER_KEY_SIZE} bytes, not {len(master_key)}")
    # A salt adds nothing to key material that is uniformly random (RFC 5869 §3.1); the label keeps purposes apart.
    return HKDF(SHA256(), length=32, salt=None, info=_LABEL).derive(master_key)


def seal(key: bytes, plain: bytes, nonce: bytes, *, name: str, version: str) -> bytes:
    """`nonce`: 12 fresh random bytes. Random ones are safe for 2**32 messages of one key (NIST SP 800-38D §8.3); here
    one is sealed each time that a human or their script changes a secret. Raises ValueError for another length.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(nonce) != NONCE_SIZE:
        raise ValueError(f"a nonce has {NONCE_SIZE} bytes, the nonce source gave {len(nonce)}")
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plain, _associated_data(name, version))


def unseal(key: bytes, sealed: bytes, *, name: str, version: str) -> bytes:
    """Raises `Unsealable`, and nothing else, for what is not exactly what `seal` made for this name and version."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce, ciphertext = sealed[1 : 1 + NONCE_SIZE], sealed[1 + NONCE_SIZE :]
    if sealed[:1] != _FORMAT or len(nonce) != NONCE_SIZE:
        raise Unsealable
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, _associated_data(name, version))
    except InvalidTag:
        raise Unsealable from None


def _associated_data(name: str, version: str) -> bytes:
    """Injective: of three fields, the first has a fixed length and the second's stands before it."""
    named = name.encode()
    return b"".join((_FORMAT, len(named).to_bytes(2, "big"), named, version.encode()))
