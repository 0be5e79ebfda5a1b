"""Credentials that are safe to hand out: for one model, for a while, and not to be multiplied."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.control import tokens
from infra.control.tokens import TokenClaims
from tests.contract.org_rig import TOKEN_KEY, an_org, endpoint, org_env

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
CHAT: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "seed": 1}


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    return await an_org(sabir, [endpoint("openai"), endpoint("anthropic")])


async def post(sabir: Sabir, http: aiohttp.ClientSession, key: str, path: str, body: Any) -> tuple[int, Any, Any]:
    headers = {"authorization": f"Bearer {key}"}
    data = body if isinstance(body, bytes) else json.dumps(body)
    async with http.post(sabir.url() + path, data=data, headers=headers) as answer:
        return answer.status, json.loads(await answer.read()), answer.headers


async def mint(sabir: Sabir, http: aiohttp.ClientSession, key: str, **wanted: Any) -> str:
    status, body, headers = await post(sabir, http, key, "/credentials", {"model": "gpt-4", **wanted})
    assert (status, headers["cache-control"]) == (200, "no-store"), body
    return str(body["key"])


async def chat(sabir: Sabir, http: aiohttp.ClientSession, key: str, model: str = "gpt-4") -> tuple[int, Any, Any]:
    return await post(sabir, http, key, "/chat/completions", {**CHAT, "model": model})


async def test_it_serves_its_model_through_the_sdk_until_it_ends(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    parent = await acme.key()
    token = await mint(sabir, http, parent, ttl_seconds=60)
    assert (await sabir.openai(token).chat.completions.create(**CHAT)).choices[0].message.content
    record = await sabir.log.last(2)
    assert (record.org, record.key) == ("acme", acme.records[parent].key_id)
    sabir.clock.now += 59
    assert (await chat(sabir, http, token))[0] == 200
    sabir.clock.now += 1
    status, body, _ = await chat(sabir, http, token)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


async def test_ten_minutes_unless_told_otherwise(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    status, body, _ = await post(sabir, http, await acme.key(), "/credentials", {"model": "gpt-4"})
    assert (status, body["expires_at"]) == (200, sabir.clock.now + 600)


async def test_it_is_for_no_other_model_and_makes_no_other_credential(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    token = await mint(sabir, http, await acme.key())
    status, body, _ = await chat(sabir, http, token, "claude-sonnet-4-5")
    assert (status, body["error"]["code"]) == (403, "model_not_allowed")
    status, body, _ = await post(sabir, http, token, "/credentials", {"model": "gpt-4"})
    assert (status, body["error"]["code"]) == (403, "temporary_credential")
    assert simulator.calls() == 0


async def test_it_ends_with_the_key_that_it_was_made_from(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    parent = await acme.key(expires_at=int(sabir.clock.now) + 30)
    status, body, _ = await post(sabir, http, parent, "/credentials", {"model": "gpt-4", "ttl_seconds": 86_400})
    assert (status, body["expires_at"]) == (200, sabir.clock.now + 30)
    other = await acme.key()
    token = await mint(sabir, http, other)
    await acme.change_key(other, revoked_at=int(sabir.clock.now))
    sabir.clock.now += sabir.services.settings.key_seconds
    status, body, _ = await chat(sabir, http, token)
    assert (status, body["error"]["code"]) == (401, "revoked_api_key")


async def test_a_key_gives_no_more_than_it_has(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key(models=("claude-*",))
    assert (await post(sabir, http, key, "/credentials", {"model": "gpt-4"}))[0] == 403
    assert (await post(sabir, http, key, "/credentials", {"model": "nobody-serves-it"}))[0] == 404
    status, body, _ = await post(sabir, http, "sk-own", "/credentials", {"model": "gpt-4"})
    assert (status, body["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{", None),
        ([], None),
        ({}, "model"),
        ({"model": ""}, "model"),
        ({"model": 4}, "model"),
        ({"model": "gpt-*"}, "model"),
        ({"model": "gpt-4", "ttl_seconds": 0}, "ttl_seconds"),
        ({"model": "gpt-4", "ttl_seconds": 86_401}, "ttl_seconds"),
        ({"model": "gpt-4", "ttl_seconds": 1.5}, "ttl_seconds"),
        ({"model": "gpt-4", "ttl_seconds": True}, "ttl_seconds"),
        ({"model": "gpt-4", "ttl": 5}, "ttl"),
    ],
    ids=repr,
)
async def test_a_wish_that_cannot_be_read_is_refused(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, body: Any, param: str | None
) -> None:
    status, answer, _ = await post(sabir, http, await acme.key(), "/credentials", body)
    assert (status, answer["error"]["param"], answer["error"]["type"]) == (400, param, "invalid_request_error")


@pytest.mark.parametrize("cut", [slice(0, -1), slice(0, -20), slice(0, -60)], ids=repr)
async def test_pitfall_34_a_token_that_was_changed_is_refused_and_shown_to_no_provider(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, cut: slice
) -> None:
    token = await mint(sabir, http, await acme.key())
    for changed in (token[cut], token[cut] + "A", token[cut] + "AAAA.x"):
        status, _, _ = await chat(sabir, http, changed)
        assert status == (200 if changed == token else 401)
    assert all("eyJ" not in str(seen.headers) for seen in simulator.requests)


async def test_a_token_of_a_key_that_never_was_is_refused(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    now = int(sabir.clock.now)
    claims = TokenClaims("acme", "aaaaaaaaaa", ("gpt-4",), "id", now, now + 60)
    nobody = tokens.mint(claims, TOKEN_KEY)
    forged = tokens.mint(replace(claims, key_id=acme.records[await acme.key()].key_id), bytes(32))
    header, _, signature = nobody.split(".")
    for token in (nobody, forged, f"{header}.{signature}.{signature}"):
        status, body, _ = await chat(sabir, http, token)
        assert (status, body["error"]["code"]) == (401, "invalid_api_key")
    assert simulator.calls() == 0


async def test_it_sees_the_shared_cache_and_has_one_of_its_own_otherwise(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    sharing = await an_org(sabir, [endpoint("openai")], "sharing", share_cache=True)
    seen = []
    for org in (sharing, acme):
        parent = await org.key()
        for key in (parent, await mint(sabir, http, parent)):
            _, _, headers = await chat(sabir, http, key)
            seen.append(headers["x-bt-cached"])
    assert seen == ["MISS", "HIT", "MISS", "MISS"]


async def test_a_browser_may_call_from_any_page(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    token = await mint(sabir, http, await acme.key())
    page = {"origin": "https://app.example"}
    asking = {
        **page,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-bt-use-cache",
    }
    async with http.options(sabir.completions, headers=asking) as preflight:
        assert preflight.status == 200
        assert preflight.headers["access-control-allow-origin"] == "*"
        assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
        assert "access-control-allow-credentials" not in preflight.headers
    async with http.post(sabir.completions, json=CHAT, headers={**page, "authorization": f"Bearer {token}"}) as answer:
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (200, "*")
        assert answer.headers["access-control-expose-headers"] == "*"


async def test_a_page_does_not_spend_the_keys_of_the_environment(start: Start, http: aiohttp.ClientSession) -> None:
    sabir = await start({"OPENAI_API_KEY": "sk-mine"}, with_keys=True)
    headers = {"authorization": "Bearer env"}
    async with http.post(sabir.completions, json=CHAT, headers=headers) as answer:
        assert answer.status == 200
    async with http.post(sabir.completions, json=CHAT, headers={**headers, "origin": "http://evil.example"}) as answer:
        assert answer.status == 401
