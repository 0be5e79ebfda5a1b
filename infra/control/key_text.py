"""The text of a Sabir key: `sbr_<org_id>_<key_id>_<secret>`.

`key_id` is ten characters of lower-case base32. `secret` is 256 random bits in base62, 43 characters, and then the
CRC-32 of all that stands before it, six more: a typo or a made-up key is known for one without asking any store. The
checksum is no protection, for everyone can compute it; the random bits are.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from dataclasses import dataclass
from typing import Final

from providers.secret import Secret

ORG_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)
KEY_ID: Final = re.compile(r"[a-z2-7]{10}", re.ASCII)
RANDOM_BYTES: Final = 32
"""How many random bytes `mint` takes."""
KEY_ID_BYTES: Final = 7
"""How many random bytes `new_key_id` takes; it shows 50 bits of them."""

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH: Final = 43  # 62**43 > 2**256
_CHECKSUM_LENGTH: Final = 6  # 62**6 > 2**32
# No part can hold an underscore, so there is one way to take a key apart.
_KEY: Final = re.compile(
    rf"sbr_({ORG_ID.pattern})_({KEY_ID.pattern})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECKSUM_LENGTH}}}", re.ASCII
)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """Where to look a key up: what it says of itself, which nobody has checked."""

    org_id: str
    key_id: str


def mint(org_id: str, key_id: str, random: bytes) -> Secret:
    """A new key from 32 random bytes. Raises ValueError for another number of them, or ids of another form."""
    if not ORG_ID.fullmatch(org_id):
        raise ValueError("an org id has 1 to 40 lower-case letters, digits and inner hyphens")
    if not KEY_ID.fullmatch(key_id):
        raise ValueError("a key id has ten characters of lower-case base32")
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"a key takes {RANDOM_BYTES} random bytes, not {len(random)}")
    body = f"sbr_{org_id}_{key_id}_{_base62(int.from_bytes(random), _SECRET_LENGTH)}"
    return Secret(body + _checksum(body))


def parse(secret: Secret) -> ParsedKey | None:
    """The ids of a key of our form, or None: not of our form, or mistyped. Only a look-up tells whether it exists."""
    text = secret.reveal()
    found = _KEY.fullmatch(text)
    if found is None or _checksum(text[:-_CHECKSUM_LENGTH]) != text[-_CHECKSUM_LENGTH:]:
        return None
    return ParsedKey(found[1], found[2])


def hash_of(secret: Secret) -> bytes:
    """SHA-256 of the whole text, 32 bytes: all of a key that is ever stored."""
    return hashlib.sha256(secret.reveal().encode()).digest()


def new_key_id(random: bytes) -> str:
    """An id from seven random bytes. Unique in an org by chance only: write its record as a new item."""
    if len(random) != KEY_ID_BYTES:
        raise ValueError(f"a key id takes {KEY_ID_BYTES} random bytes, not {len(random)}")
    return base64.b32encode(random).decode()[:10].lower()


def _checksum(text: str) -> str:
    return _base62(zlib.crc32(text.encode()), _CHECKSUM_LENGTH)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, len(_BASE62))
        digits.append(_BASE62[digit])
    return "".join(reversed(digits))
