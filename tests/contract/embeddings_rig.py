"""Asking a running Sabir for embeddings, and a provider of another wire to answer it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

from tests.simulator.reply import Piece, Reply

if TYPE_CHECKING:
    import aiohttp

    from tests.contract.rig import Sabir

KEY: Final = "sk-key-of-a-test"
SMALL: Final = "text-embedding-3-small"


def single(values: list[float]) -> list[float]:
    """The float32 nearest to each."""
    return list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


async def post(
    sabir: Sabir, http: aiohttp.ClientSession, body: Any, key: str = KEY, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """When all that follows the last byte has happened."""
    done = len(sabir.log.records)
    sent = {"authorization": f"Bearer {key}", **headers}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with http.post(sabir.url() + "/embeddings", data=data, headers=sent) as answer:
        read = await answer.read()
        await sabir.log.records_of(done + 1)
        return answer.status, {name.lower(): value for name, value in answer.headers.items()}, read


def said(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(status, tuple(headers.items()), (Piece(json.dumps(body).encode()),), streamed=False)
