"""A server that answers every request with one recorded exchange, in the chunks one asks for."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tests.simulator.reply import Piece, Reply
from tests.simulator.server import Listener
from tests.simulator.spoil import rechunked

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from tests.simulator.http1 import Headers
    from tests.simulator.ledger import Seen

Chunking = Literal["whole", "bytes", "events"] | int
"""One body with a content-length, a chunk for each byte, a chunk for each SSE event, or chunks of so many bytes."""

# Of a recording's headers only these are sent: the body was decoded and joined when it was recorded, so what described
# its transfer (content-encoding, content-length, transfer-encoding) no longer fits it.
_KEPT = re.compile(
    r"content-type|retry-after(-ms)?|x-request-id|request-id|x-should-retry|(x|anthropic)-ratelimit-.*|openai-.*"
)

_EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\n|\r\r)|.+\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recording:
    """An answer of a provider as it was recorded."""

    status: int
    headers: Headers
    body: bytes = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Reads a case of the recorded traffic (`response.status`, `.headers`, `.body` or `.body_base64`)."""
        response = json.loads(path.read_text(encoding="utf-8"))["response"]
        encoded = response.get("body_base64")
        body = base64.b64decode(encoded) if encoded is not None else (response.get("body") or "").encode()
        headers = tuple((name, str(value)) for name, value in response["headers"].items() if _KEPT.fullmatch(name))
        return cls(response["status"], headers, body)

    def events(self) -> list[bytes]:
        """The body split behind each blank line; joined it is the body again."""
        return _EVENT.findall(self.body)

    def reply(self, chunking: Chunking) -> Reply:
        whole = (Piece(self.body),)
        match chunking:
            case "whole":
                return Reply(self.status, self.headers, whole, streamed=False)
            case "events":
                pieces = tuple(Piece(event) for event in self.events())
            case "bytes":
                pieces = rechunked(whole, 1)
            case size:
                pieces = rechunked(whole, size)
        return Reply(self.status, self.headers, pieces, streamed=True)


class ReplayServer:
    """`async with ReplayServer(Recording.load(path), "bytes") as server:` and point a base URL at `server.url`.

    The path of a request does not matter. `recording` and `chunking` may be changed between requests.
    """

    def __init__(self, recording: Recording, chunking: Chunking = "whole") -> None:
        self.recording = recording
        self.chunking = chunking
        self._listener = Listener("replay", lambda _seen: self.recording.reply(self.chunking))
        self.gate = self._listener.gate

    async def __aenter__(self) -> Self:
        await self._listener.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._listener.stop()

    @property
    def url(self) -> str:
        return self._listener.origin

    @property
    def requests(self) -> list[Seen]:
        return self._listener.ledger.requests

    async def seen(self, count: int = 1) -> list[Seen]:
        return await asyncio.wait_for(self._listener.ledger.at_least(count), 30)
