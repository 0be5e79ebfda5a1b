"""The content log against callers who would rather not be in it, and against what providers say."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.attacks.hostile import asked, bearer, completion, provider, saying
from tests.contract.content_rig import kept
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import sabir_over

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

HALF = "\ud83d"
"""Of a pair. JSON spells it, UTF-8 does not."""


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ({"messages": [{"role": "user", "content": HALF}]}, completion()),
        ({"user": HALF, "metadata": {HALF: HALF}}, completion()),
        ({}, completion(HALF)),
        ({}, {**completion(), "model": HALF, "id": HALF}),
    ],
    ids=["prompt", "tags", "completion", "who answers"],
)
async def test_half_a_character_keeps_nothing_out_of_the_content_log(
    tmp_path: Path, http: aiohttp.ClientSession, said: dict[str, Any], answer: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        url, _ = await stack.enter_async_context(provider(saying(answer)))
        env = {**org_env(tmp_path), "OPENAI_BASE_URL": url, "SABIR_CACHE_PATH": str(tmp_path / "cache.db")}
        sabir = await stack.enter_async_context(sabir_over(None, env))
        acme = await an_org(sabir, [endpoint("openai")], content_log_percent=100)
        key = await acme.key()
        async with http.post(sabir.completions, data=json.dumps(asked(**said)), headers=bearer(key)) as got:
            assert got.status == 200
            heard = await got.read()
        record = await sabir.log.last(1)
        assert (record.content, record.unkept, record.bug) == ("kept", (), ())
        found = await kept(sabir, http, key, record.request_id)
        assert found["request"] == asked(**said)
        assert found["response"] == json.loads(heard)
