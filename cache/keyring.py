"""Keys of one entry, from the caller's secret and the request. Nothing here is stored anywhere.

HKDF is RFC 5869 over SHA-256 in six lines of `hmac`, because a miss needs only these derivations: the cryptography
package is first loaded when an entry is opened or sealed. The tests compare it with the RFC's and cryptography's.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

# One label per purpose and format version; FORMAT.md lists them. Changing one orphans every stored entry.
_SALT: Final = b"sabir/cache/v1"
_ID_LABEL: Final = b"id"
_DATA_LABEL: Final = b"data"


@dataclass(frozen=True, slots=True)
class EntryKeys:
    """`item_id` (32 bytes) may be stored; `data_key` (32 bytes) may not, and shows in no repr."""

    item_id: bytes
    data_key: bytes = field(repr=False)


def derive(root: bytes, identity: bytes) -> EntryKeys:
    """`root`: the caller's API key as UTF-8, or an org's 32 random bytes. `identity`: from `request_identity`.

    Raises ValueError for an empty root, which would give every caller the same keys.
    """
    if not root:
        raise ValueError("the root secret of the cache keys is empty")
    prk = extract(_SALT, root)
    return EntryKeys(
        item_id=hmac.digest(expand(prk, _ID_LABEL), identity, "sha256"),
        data_key=expand(prk, _DATA_LABEL + hashlib.sha256(identity).digest()),
    )


def extract(salt: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt, secret, "sha256")


def expand(prk: bytes, info: bytes) -> bytes:
    # RFC 5869 §2.3 for L = HashLen: the first block is the whole output.
    return hmac.digest(prk, info + b"\x01", "sha256")
