"""Errors as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handlers.answer import Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.base import Dialect
    from providers.errors import SabirError


def error_answer(error: SabirError, dialect: Dialect, notes: Mapping[str, str], request_id: str | None = None) -> Whole:
    """The error in the caller's dialect, with its status and, where there is one, its `retry-after`.

    `notes`: headers that any answer to this request bears.
    """
    headers = {**notes, "content-type": "application/json"}
    if error.retry_after is not None:
        headers["retry-after"] = error.retry_after
    if error.status == 401:
        headers["www-authenticate"] = "Bearer"  # RFC 9110 §15.5.2: it must say how, whoever refused the key
    return Whole(error.status, headers, dialect.error(error, request_id))
