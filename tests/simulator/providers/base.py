"""What every simulated provider has to say for itself."""

from __future__ import annotations

import hashlib
import json
import string
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulator.fault import Status
    from tests.simulator.http1 import Headers, Request
    from tests.simulator.model import Answer, Prompt
    from tests.simulator.reply import Reply
    from tests.simulator.spoil import Frame

Json = dict[str, Any]
"""A request or answer in the provider's own form: checked field by field, never trusted."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One accepted request, with what the model will say to it."""

    number: int
    body: Json
    answers: Sequence[Answer]
    """One for each choice."""
    tomorrow: bool = False
    """Answer with fields, events and blocks that do not exist yet."""
    finish: str | None = None
    """A stop reason to give, whatever the answer is."""
    created: int = field(default_factory=lambda: int(time.time()))

    def id(self, prefix: str, length: int, salt: str = "") -> str:
        """An id that no other request has, and the same in every frame of this one."""
        return prefix + opaque(f"{self.number} {salt} {self.created}", length)


class Refused(Exception):
    """The provider's "no": everything its error answer says."""

    def __init__(
        self, status: int, kind: str, message: str, *, param: str | None = None, code: str | int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.kind, self.message, self.param, self.code = status, kind, message, param, code
        self.headers: Headers = ()


class Provider(Protocol):
    name: ClassVar[str]
    variable: ClassVar[str]
    """The environment variable that the official SDK reads its base URL from."""
    suffix: ClassVar[str]
    """What the base URL has after the host."""
    path: ClassVar[str]
    broken: ClassVar[bytes]
    """An event with half its JSON."""

    def check(self, request: Request) -> Json:
        """The body of a request the provider accepts. Raises `Refused`."""

    def prompt(self, body: Json) -> Prompt: ...

    def choices(self, body: Json) -> int: ...

    def headers(self, turn: Turn, *, streamed: bool) -> Headers: ...

    def whole(self, turn: Turn) -> bytes: ...

    def frames(self, turn: Turn) -> list[Frame]: ...

    def error(self, refused: Refused, number: int) -> Reply: ...

    def outage(self, fault: Status) -> Refused:
        """The provider's words for a status."""

    def stream_error(self, number: int, *, overloaded: bool) -> Frame: ...


def opaque(seed: str, length: int) -> str:
    """Letters and digits that look random, and are the same for the same seed."""
    alphabet = string.ascii_letters + string.digits
    stream = hashlib.shake_128(seed.encode()).digest(length)
    return "".join(alphabet[byte % len(alphabet)] for byte in stream)


def parse_json(body: bytes) -> Any:
    """The body as JSON, or None when it is not JSON in UTF-8."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def count_tokens(body: Json) -> int:
    """About what a tokenizer would count for the prompt; the same for the same request."""
    counted = {key: body[key] for key in ("messages", "system", "tools") if key in body}
    return max(1, len(json.dumps(counted, ensure_ascii=False)) // 4)


def text_of(content: object) -> str:
    """The text of a message, of a string or of typed parts; parts of other types are left out."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
