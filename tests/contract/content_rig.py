"""Orgs with a content log, and reading it back as its users do."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import aiohttp

    from infra.requests.record import RequestRecord
    from tests.contract.rig import Sabir

PROMPT: Final = "Wo liegt der Schlüssel zum Gartenhaus?"
COMPLETION: Final = "Unter dem dritten Blumentopf von links, wie immer."
CHAT: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": PROMPT}]}


async def said(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, *, headers: dict[str, str] | None = None, **members: Any
) -> tuple[int, bytes, RequestRecord]:
    """The answer, and the record of a request that is over with all that follows its last byte."""
    done = len(sabir.log.records)
    bearer = {"authorization": f"Bearer {key}", "content-type": "application/json", **(headers or {})}
    data = json.dumps({**CHAT, **members}, ensure_ascii=False)
    async with http.post(sabir.completions, data=io.BytesIO(data.encode()), headers=bearer) as answer:
        body = await answer.read()
    return answer.status, body, await sabir.log.last(done + 1)


async def read(sabir: Sabir, http: aiohttp.ClientSession, key: str, request_id: str) -> tuple[int, Any, Any]:
    done = len(sabir.log.records)
    url = f"{sabir.url()}/requests/{request_id}/content"
    async with http.get(url, headers={"authorization": f"Bearer {key}"}) as answer:
        body = json.loads(await answer.read())
    await sabir.log.records_of(done + 1)
    return answer.status, body, answer.headers


async def kept(sabir: Sabir, http: aiohttp.ClientSession, key: str, request_id: str) -> Any:
    status, body, _ = await read(sabir, http, key, request_id)
    assert status == 200, body
    return body
