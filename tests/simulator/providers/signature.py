"""The seals on Anthropic's thinking: opaque to a client, checked when they come back."""

from __future__ import annotations

import base64
import hashlib


def signed(thinking: str) -> str:
    """The signature of a thinking block. Anything but the same text under it is refused."""
    return base64.b64encode(b"simulated signature " + hashlib.sha256(thinking.encode()).digest()).decode()


def redacted(thinking: str) -> str:
    """The `data` of a `redacted_thinking` block."""
    return base64.b64encode(b"simulated redaction " + hashlib.sha256(thinking.encode()).digest() * 3).decode()


def is_redacted(data: object) -> bool:
    return isinstance(data, str) and data.startswith(base64.b64encode(b"simulated redaction")[:24].decode())
