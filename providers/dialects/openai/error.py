"""OpenAI's error object: what its SDKs' exception classes read `message`, `type`, `param` and `code` from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from providers.jsonwalk import dump

if TYPE_CHECKING:
    from providers.errors import SabirError


def error_body(err: SabirError) -> bytes:
    return dump({"error": {"message": err.message, "type": err.type, "param": err.param, "code": err.code}})
