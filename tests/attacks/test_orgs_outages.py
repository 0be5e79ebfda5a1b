"""Stores that hang, flap or answer garbage: never a 401, never a 500, never a key at a provider, never without end."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.control.records import Limits
from infra.control.store import ControlFault
from infra.limits.counters import CountersFault
from infra.secrets.store import SecretDocument, SecretsFault
from tests.attacks.hostile import asked, bearer, completion, saying
from tests.contract.org_rig import an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.attacks.hostile import Heard
    from tests.contract.rig import Sabir

Before = Any


class Store:
    """Another store as it is, until `mood` says otherwise: `hang`, `fault`, `garbage`."""

    def __init__(self, real: Any, fault: type[Exception], garbage: Any) -> None:
        self._real = real
        self._fault = fault
        self._garbage = garbage
        self.mood = ""

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._real, name)

        async def called(*args: Any, **options: Any) -> Any:
            match self.mood:
                case "hang":
                    await asyncio.Event().wait()
                case "fault":
                    raise self._fault("out")
                case "garbage":
                    return self._garbage(await method(*args, **options))
            return await method(*args, **options)

        return called


def spoilt(items: Any) -> Any:
    return {key: replace(item, document={"schema": 1, "org_id": [], "hash": "\ud800"}) for key, item in items.items()}


@pytest.fixture
async def world(before: Before, tmp_path: Path) -> tuple[Sabir, list[Heard], dict[str, Store], str]:
    return await a_world(before, tmp_path)


async def a_world(before: Before, tmp_path: Path) -> tuple[Sabir, list[Heard], dict[str, Store], str]:
    sabir, heard = await before(saying(completion()), {**org_env(tmp_path), "SABIR_KEY_SECONDS": "1"})
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key(limits=Limits(requests_per_minute=1000, parallel_requests=50))
    orgs: Any = sabir.services.orgs
    stores = {
        "control": Store(orgs.stores.control, ControlFault, spoilt),
        "secrets": Store(
            orgs.stores.secrets, SecretsFault, lambda _: SecretDocument({"schema": 9, "endpoints": "x"}, "v")
        ),
        "counters": Store(orgs.stores.counters, CountersFault, lambda values: values),
    }
    orgs.directory._store = orgs.health._control = stores["control"]
    orgs.secrets._store = stores["secrets"]
    orgs.limiter._counters = stores["counters"]
    return sabir, heard, stores, key


async def ask(sabir: Sabir, http: aiohttp.ClientSession, key: str) -> tuple[int, float]:
    began = time.monotonic()
    async with http.post(sabir.completions, json=asked(), headers=bearer(key)) as told:
        await told.read()
        return told.status, time.monotonic() - began


MOODS: Final = [("control", "fault"), ("control", "garbage"), ("secrets", "fault"), ("secrets", "garbage")]


@pytest.mark.parametrize(("name", "mood"), [*MOODS, ("counters", "fault")])
async def test_a_store_that_flaps_is_a_503_while_it_is_out_and_nothing_when_it_is_back(
    world: tuple[Sabir, list[Heard], dict[str, Store], str], http: aiohttp.ClientSession, name: str, mood: str
) -> None:
    sabir, heard, stores, key = world
    for number in range(4):
        stores[name].mood = mood if number % 2 == 0 else ""
        sabir.clock.now += 10_000  # beyond what is remembered
        status, _ = await ask(sabir, http, key)
        assert status == (503 if number % 2 == 0 else 200)
        assert (await sabir.log.last(number + 1)).bug == ()
    assert not any(key.encode() in one.head + one.body for one in heard)


async def test_a_store_that_hangs_is_a_503_in_seconds_that_names_it(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    codes = {
        "control": "key_store_unavailable",
        "secrets": "secret_store_unavailable",
        "counters": "limits_unavailable",
    }

    async def outage(name: str) -> None:
        sabir, heard, stores, key = await a_world(before, tmp_path / name)
        stores[name].mood = "hang"
        status, took = await ask(sabir, http, key)
        assert (status, heard) == (503, [])
        assert took < 12
        assert (await sabir.log.last(1)).error == codes[name]

    for name in codes:
        (tmp_path / name).mkdir()
    async with asyncio.timeout(20):
        await asyncio.gather(*map(outage, codes))


async def test_a_secret_store_that_hangs_after_a_401_does_not_hold_the_client_up(
    before: Before, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    sabir, _ = await before(saying({"error": {"message": "no"}}, status="401 No"), org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key()
    orgs: Any = sabir.services.orgs

    async with http.post(sabir.completions, json=asked(), headers=bearer(key)) as told:
        assert told.status == 502
    stuck = Store(orgs.stores.secrets, SecretsFault, None)
    orgs.secrets._store = stuck
    stuck.mood = "hang"
    sabir.clock.now += 20
    async with asyncio.timeout(25):
        status, took = await ask(sabir, http, key)
    assert status == 502
    assert took < 22


async def test_stores_that_hang_at_the_end_do_not_keep_the_answer_back(
    world: tuple[Sabir, list[Heard], dict[str, Store], str], http: aiohttp.ClientSession
) -> None:
    sabir, _, _, key = world
    assert (await ask(sabir, http, key))[0] == 200

    class Late(Store):
        def __getattr__(self, name: str) -> Any:
            self.mood = "hang" if name in ("settle", "write") else ""
            return super().__getattr__(name)

    orgs: Any = sabir.services.orgs
    orgs.limiter._counters = Late(orgs.stores.counters, CountersFault, None)
    async with asyncio.timeout(25):
        status, took = await ask(sabir, http, key)
        assert (status, took < 2) == (200, True)
        assert (await sabir.log.last(2)).uncounted == "not_settled"
