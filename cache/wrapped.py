"""An org's data key: wrapped under each Sabir key, and the roots that its cache and its content log are sealed under.

FORMAT.md holds the byte layouts and what somebody who has stolen them can open. As in `keyring`, HKDF is RFC 5869 by
`hmac`; cryptography is first loaded when something is wrapped or opened.
"""

import base64
from typing import Final

from cache.errors import Unopenable
from cache.keyring import expand, extract
from cache.sealed import NONCE_SIZE

CACHE_KEY_SIZE: Final = 32
WRAPPED_VERSION: Final = 1

_TAG_SIZE: Final = 16
_BODY: Final = 1 + NONCE_SIZE  # where the ciphertext starts
_SIZE: Final = _BODY + CACHE_KEY_SIZE + _TAG_SIZE

# One label per purpose and format version; FORMAT.md lists them. Changing one orphans whatever was made under it.
_WRAP_SALT: Final = b"sabir/cache/wrap/v1"
_TOKEN_SALT: Final = b"sabir/cache/token/v1"
_ORG_SALT: Final = b"sabir/cache/org/v1"
_CONTENT_SALT: Final = b"sabir/content/v1"


def wrap(cache_key: bytes, key_text: bytes, *, org_id: str, key_id: str, nonce: bytes) -> bytes:
    """The org's cache key, sealed under one of its Sabir keys (the whole text as UTF-8): 61 bytes for its record.

    `nonce`: 12 random bytes, other ones at each call. Raises ValueError for one of another length, an empty key text,
    a cache key that has not 32 bytes, and ids of more than 255.
    """
    return _seal(_wrapping_key(key_text), cache_key, _bound_to(org_id, key_id), nonce)


def unwrap(wrapped: bytes, key_text: bytes, *, org_id: str, key_id: str) -> bytes:
    """The org's cache key. Raises `Unopenable` for whatever was not wrapped for this very key."""
    return _open(_wrapping_key(key_text), wrapped, _bound_to(org_id, key_id))


def seal_for_token(cache_key: bytes, token_key: bytes, *, token_id: str, nonce: bytes) -> str:
    """The org's cache key for a temporary credential to carry: 82 characters of base64url, sealed for this token alone.

    Raises ValueError as `wrap` does.
    """
    sealed = _seal(_token_wrapping_key(token_key, token_id), cache_key, _bound_to(token_id), nonce)
    return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")


def open_from_token(sealed: str, token_key: bytes, *, token_id: str) -> bytes:
    """The org's cache key. Raises `Unopenable` for whatever was not sealed for this very token."""
    return _open(_token_wrapping_key(token_key, token_id), _from_base64url(sealed), _bound_to(token_id))


def org_root(cache_key: bytes, epoch: int) -> bytes:
    """The root secret, 32 bytes, of an org's shared entries. A purge raises the epoch, and no earlier entry is found.

    Raises ValueError for a cache key that has not 32 bytes, or an epoch that 8 bytes do not hold.
    """
    return _epoch_root(_ORG_SALT, cache_key, epoch)


def content_root(cache_key: bytes, epoch: int) -> bytes:
    """The root secret, 32 bytes, of an org's content log, which a purge hides too. Raises ValueError as `org_root`."""
    return _epoch_root(_CONTENT_SALT, cache_key, epoch)


def org_scope(org_id: str, epoch: int) -> bytes:
    """Whose entries they are, for `SealContext.scope`. Raises ValueError for an org id that does not fit into one."""
    scope = f"org:{org_id}:{epoch}".encode()
    if len(scope) > 255:
        raise ValueError("the org id is too long for the scope of an entry")
    return scope


def _epoch_root(salt: bytes, cache_key: bytes, epoch: int) -> bytes:
    _check_cache_key(cache_key)
    if not 0 <= epoch < 2**64:
        raise ValueError("an epoch is a number from 0 to 2**64 - 1")
    return _hkdf(salt, cache_key, b"epoch" + epoch.to_bytes(8))


def _seal(key: bytes, cache_key: bytes, associated: bytes, nonce: bytes) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    _check_cache_key(cache_key)
    if len(nonce) != NONCE_SIZE:
        raise ValueError(f"a nonce has {NONCE_SIZE} bytes, not {len(nonce)}")
    return bytes([WRAPPED_VERSION]) + nonce + AESGCM(key).encrypt(nonce, cache_key, associated)


def _open(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(sealed) != _SIZE or sealed[0] != WRAPPED_VERSION:
        raise Unopenable
    try:
        return AESGCM(key).decrypt(sealed[1:_BODY], sealed[_BODY:], associated)
    except InvalidTag:
        raise Unopenable from None


def _wrapping_key(key_text: bytes) -> bytes:
    return _hkdf(_WRAP_SALT, key_text, b"key")


def _token_wrapping_key(token_key: bytes, token_id: str) -> bytes:
    # One key for each token: it seals a single message, however many tokens an org makes under one token key.
    return _hkdf(_TOKEN_SALT, token_key, b"token" + token_id.encode())


def _bound_to(*names: str) -> bytes:
    """Associated data, injective: the version, and every name after its length."""
    parts = [bytes([WRAPPED_VERSION])]
    for name in names:
        encoded = name.encode()
        if len(encoded) > 255:
            raise ValueError("an id that a cache key is bound to has at most 255 bytes")
        parts += [bytes([len(encoded)]), encoded]
    return b"".join(parts)


def _from_base64url(text: str) -> bytes:
    """Strict: what `seal_for_token` would not have written does not open."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise Unopenable from None
    if base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=") != text:
        raise Unopenable
    return raw


def _check_cache_key(cache_key: bytes) -> None:
    if len(cache_key) != CACHE_KEY_SIZE:
        raise ValueError(f"a cache key has {CACHE_KEY_SIZE} bytes, not {len(cache_key)}")


def _hkdf(salt: bytes, secret: bytes, info: bytes) -> bytes:
    """RFC 5869 for L = HashLen, in which the first block is the whole output."""
    if not secret:
        raise ValueError("the secret that a key is derived from is empty")
    return expand(extract(salt, secret), info)
