"""Thinking of other makers in the blocks of Anthropic's Messages API, and back.

A thinking block has room for a text and one signature, and neither says whose it is. So the signature that a client of
that API gets with another maker's thinking is ours: a mark, and behind it what the maker wants back. With it the block
returns to its maker whole, and is kept from Anthropic, which refuses what it did not sign.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Final

from providers.chat import Reasoning
from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.jsonwalk import Json

# Anthropic's own signatures and data are base64, which has no full stop.
MARK: Final = "sabir.v1."


def is_marked(sealed: Json) -> bool:
    """Whether a block's `signature` or `data` is ours."""
    return isinstance(sealed, str) and sealed.startswith(MARK)


def marked(signature: str, data: str, maker: str, block_id: str) -> str:
    """What stands for the maker's own words. `read_mark` gives them again."""
    said = dump([maker, block_id, signature, data])
    return MARK + base64.urlsafe_b64encode(said).decode("ascii")


def read_mark(sealed: str, text: str) -> Reasoning | None:
    """The block as its maker made it; None where the mark is not ours or was cut."""
    if not sealed.startswith(MARK):
        return None
    try:
        maker, block_id, signature, data = json.loads(base64.urlsafe_b64decode(sealed.removeprefix(MARK)))
    except (binascii.Error, ValueError, TypeError):
        return None
    words = (signature, data, maker, block_id)
    return Reasoning(text, *words) if all(isinstance(word, str) for word in words) else None
