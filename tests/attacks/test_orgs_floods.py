"""A flood of made-up keys, orgs and tokens costs no memory that stays, and drives out nobody who is known."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from infra.control import key_text
from infra.control.directory import DEFAULT_CAPACITY
from providers.errors import Unauthenticated
from providers.secret import Secret
from tests.attacks.hostile import asked, bearer, completion, saying
from tests.attacks.test_orgs_identity import token_for
from tests.contract.org_rig import an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

Before = Any
FLOOD: Final = DEFAULT_CAPACITY + 500


async def test_a_flood_of_made_up_keys_orgs_and_tokens_is_forgotten(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    sabir, _ = await before(saying(completion()), org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key()
    async with http.post(sabir.completions, json=asked(), headers=bearer(key)) as told:
        assert told.status == 200
    orgs: Any = sabir.services.orgs

    async def knock(text: str) -> None:
        try:
            await orgs.member(Secret(text), now=sabir.clock.now)
        except Unauthenticated:
            return
        raise AssertionError

    def ids(number: int) -> str:
        """None that is anybody's: those of `org_rig` end in zeros."""
        return key_text.new_key_id((number << 10 | 1 << 9).to_bytes(7))

    for begin in range(0, FLOOD, 250):
        numbers = range(begin, begin + 250)
        await asyncio.gather(
            *(knock(key_text.mint("acme", ids(n), n.to_bytes(32)).reveal()) for n in numbers),
            *(knock(key_text.mint(f"org-{n}", ids(n), n.to_bytes(32)).reveal()) for n in numbers),
            *(knock(token_for({"org": "acme", "sub": ids(n)}, kid="acme")) for n in numbers),
        )
    directory, reader = orgs.directory, orgs.secrets
    assert len(directory._unknown._values) <= DEFAULT_CAPACITY
    assert len(directory._known._values) == 1
    await asyncio.sleep(0)
    assert directory._reads == {}
    assert [org_id for org_id, _ in reader._copies] == ["acme"]
    assert len(orgs.health._seen) <= 1
