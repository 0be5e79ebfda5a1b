"""What a function's answer is made of, read from the bytes that its runtime posts."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from infra.runtime.prelude import DELIMITER, MAX_METADATA


class MalformedAnswerError(Exception):
    """The function did not keep to the format; API Gateway answers its client 502."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """A status line and headers for the client, names in lower case, several of one name allowed."""

    status: int
    headers: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Piece:
    """Body bytes, as they arrived."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The answer is complete."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The function failed; ``error`` is the JSON that its runtime gave, or empty when it just died."""

    error_type: str
    error: bytes = b""


Part = Metadata | Piece | Ended | Broken


class PreludeReader:
    """Splits a streamed answer into its metadata and its body, whatever the chunks."""

    def __init__(self) -> None:
        self._waiting: bytearray | None = bytearray()

    def feed(self, data: bytes) -> list[Part]:
        """Raises MalformedAnswerError."""
        if self._waiting is None:
            return [Piece(data)]
        self._waiting += data
        at = self._waiting.find(DELIMITER)
        if at < 0:
            if len(self._waiting) > MAX_METADATA:
                raise MalformedAnswerError("no delimiter within the first 16 KB")
            return []
        metadata, rest = self._waiting[:at], bytes(self._waiting[at + len(DELIMITER) :])
        self._waiting = None
        head: list[Part] = [parse_metadata(_object(bytes(metadata)))]
        return [*head, Piece(rest)] if rest else head

    def close(self) -> None:
        """Raises MalformedAnswerError when the answer ended inside of its metadata."""
        if self._waiting is not None:
            raise MalformedAnswerError("the answer has no metadata with a delimiter")


def parse_whole(answer: bytes) -> list[Part]:
    """Proxy JSON, as a buffered function gives it.

    Raises:
        MalformedAnswerError: it is something else.
    """
    fields = _object(answer)
    body = fields.get("body") or ""
    if not isinstance(body, str):
        raise MalformedAnswerError("the body is no string")
    content = base64.b64decode(body) if fields.get("isBase64Encoded") else body.encode()
    return [parse_metadata(fields), *([Piece(content)] if content else []), Ended()]


def parse_metadata(fields: dict[str, Any]) -> Metadata:
    """``headers``, ``multiValueHeaders`` and ``cookies`` in one list; a name in the first two is the second's."""
    status = fields.get("statusCode", 200)
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise MalformedAnswerError("statusCode is no HTTP status")
    several: dict[str, list[Any]] = fields.get("multiValueHeaders") or {}
    single: dict[str, Any] = fields.get("headers") or {}
    headers = [(name.lower(), str(value)) for name, values in several.items() for value in values]
    taken = {name for name, _ in headers}
    headers += [(name.lower(), str(value)) for name, value in single.items() if name.lower() not in taken]
    headers += [("set-cookie", str(cookie)) for cookie in fields.get("cookies") or []]
    return Metadata(status, headers)


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as exc:
        raise MalformedAnswerError("the answer is no JSON") from exc
    if not isinstance(value, dict):
        raise MalformedAnswerError("the answer is no JSON object")
    return value
