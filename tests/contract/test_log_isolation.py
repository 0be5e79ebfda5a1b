"""Who tries to read requests that are none of theirs: by id, by filter, by another's cursor, by injection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import KEYS
from tests.contract.test_request_log_contract import chat, ids, read

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir

Start = Any
UNKNOWN: Final = "0190163d8694739b9aea7966c26f8ad9"


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    return await an_org(sabir, [endpoint("openai")])


async def nothing_of(sabir: Sabir, http: aiohttp.ClientSession, key: str, request_id: str, /, **filters: str) -> None:
    """A request that is there and one that never was look alike, to the last byte."""
    there = await read(sabir, http, key, f"/requests/{request_id}")
    assert there == await read(sabir, http, key, f"/requests/{UNKNOWN}")
    assert (there[0], there[1]["error"]["code"]) == (404, "request_not_found")
    for query in ({}, *({name: value} for name, value in filters.items())):
        assert await ids(sabir, http, key, **query) == []
    for name in filters.keys() & {"key", "model", "provider"}:
        status, page = await read(sabir, http, key, "/usage", by="key,model", **{name: filters[name]})
        assert (status, page["data"], page["next"]) == (200, [], None)


async def test_another_orgs_requests_are_not_there(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    victim = await acme.key()
    asked = await chat(sabir, http, victim, user="ada")
    rival = await an_org(sabir, [endpoint("openai")], "rival")
    victims_id = acme.records[victim].key_id
    for access in ("own", "org"):
        spy = await rival.key(log_access=access)
        await nothing_of(sabir, http, spy, asked, key=victims_id, model="gpt-4", provider="openai", user="ada")


async def test_a_colleagues_requests_are_seen_with_the_right_to_and_not_without(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    ada, bob, boss = await acme.key(), await acme.key(), await acme.key(log_access="org")
    asked = await chat(sabir, http, ada, user="ada")
    await nothing_of(sabir, http, bob, asked, key=acme.records[ada].key_id, model="gpt-4", user="ada")
    mine = await chat(sabir, http, bob, seed=2)
    assert await ids(sabir, http, bob) == [mine]
    assert await ids(sabir, http, bob, key=acme.records[bob].key_id) == [mine]
    assert await ids(sabir, http, boss) == [mine, asked]
    assert (await read(sabir, http, boss, f"/requests/{asked}"))[0] == 200
    rows = {}
    for key in (ada, bob, boss):
        rows[key] = (await read(sabir, http, key, "/usage", by="key"))[1]["data"]
    assert [row["key"] for row in rows[bob]] == [acme.records[bob].key_id]
    assert sorted(row["key"] for row in rows[boss]) == sorted(acme.records[key].key_id for key in (ada, bob))
    await acme.change_key(boss, log_access="own")
    sabir.clock.now += 60
    assert await ids(sabir, http, boss) == []


async def test_a_cursor_is_of_no_use_to_anybody_else(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    ada, bob, boss = await acme.key(), await acme.key(), await acme.key(log_access="org")
    for seed in range(3):
        await chat(sabir, http, ada, seed=seed)
    rival = await (await an_org(sabir, [endpoint("openai")], "rival")).key(log_access="org")
    for path, extra in (("/requests", {}), ("/usage", {"step": "hour"})):
        _, page = await read(sabir, http, boss, path, limit=1, **extra)
        assert page["next"]
        for thief in (rival, bob, ada):
            status, refusal = await read(sabir, http, thief, path, after=page["next"], **extra)
            assert (status, refusal["error"]["param"]) == (400, "after"), path
        status, _ = await read(sabir, http, boss, path, after=page["next"], model="gpt-4", **extra)
        assert status == 400
        assert (await read(sabir, http, boss, path, after=page["next"], **extra))[0] == 200


async def test_a_temporary_credential_reads_nothing(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    for access in ("own", "org"):
        key = await acme.key(log_access=access)
        asked = await chat(sabir, http, key)
        headers = {"authorization": f"Bearer {key}"}
        async with http.post(sabir.url("/v1/credentials"), json={"model": "gpt-4"}, headers=headers) as answer:
            token = (await answer.json())["key"]
        for path in ("/requests", f"/requests/{asked}", f"/requests/{UNKNOWN}", "/usage"):
            status, refusal = await read(sabir, http, token, path)
            assert (status, refusal["error"]["code"]) == (403, "temporary_credential")


@pytest.mark.parametrize("key", [KEYS["openai"], "env", "-"])
async def test_a_providers_own_key_is_told_that_it_takes_a_sabir_key(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, key: str
) -> None:
    asked = await chat(sabir, http, KEYS["openai"])
    for path in ("/requests", f"/requests/{asked}", "/usage"):
        status, refusal = await read(sabir, http, key, path)
        assert (status, refusal["error"]["code"]) == (403, "sabir_key_needed")


@pytest.mark.parametrize("name", ["key", "model", "provider", "user"])
@pytest.mark.parametrize(
    "value",
    ["' OR 1=1 --", '") OR ("1"="1', "%", "*", "gpt-4#", "outcome#ok", ":pk", "\x00", "\ud83d\ude00"[:1] + "x", "a\nb"],
)
async def test_a_filter_is_a_value_and_nothing_else(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, name: str, value: str
) -> None:
    boss = await acme.key(log_access="org")
    await chat(sabir, http, boss)
    encoded = value.encode("utf-8", "replace").decode()
    assert await ids(sabir, http, boss, **{name: encoded}) == []


@pytest.mark.parametrize(
    "item", ["..%2Frequests", "%27%20OR%201%3D1", UNKNOWN.upper(), UNKNOWN + "0", "%00", "acme%23x"]
)
async def test_an_id_that_is_none_is_not_there(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, item: str
) -> None:
    status, refusal = await read(sabir, http, await acme.key(log_access="org"), f"/requests/{item}")
    assert status == 404, refusal
