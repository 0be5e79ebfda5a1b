"""Embeddings for members of orgs: over their endpoints, within their limits, from their cache."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.control.records import Limits
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.embeddings_rig import SMALL, post
from tests.contract.org_rig import an_org, endpoint, org_env, secrets_seen
from tests.simulator import Cut, Hang, NotJson, Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator
    from tests.simulator.fault import Fault

Start = Any


@pytest.fixture
async def org_sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(org_sabir: Sabir) -> TestOrg:
    return await an_org(org_sabir, [endpoint("openai", "one"), endpoint("openai", "two")])


@pytest.mark.parametrize("fault", [Status(500), Hang(), Hang(after=0), Cut(after_bytes=20), NotJson()], ids=str)
async def test_another_endpoint_answers_where_one_fails(
    start: Start, http: aiohttp.ClientSession, simulator: Simulator, tmp_path: Path, fault: Fault
) -> None:
    org_sabir = await start({**org_env(tmp_path), "SABIR_TIMEOUT_ATTEMPT_SECONDS": "0.2"})
    acme = await an_org(org_sabir, [endpoint("openai", "one"), endpoint("openai", "two")])
    simulator.next(fault)
    status, headers, _ = await post(org_sabir, http, {"model": SMALL, "input": "x"}, await acme.key())
    assert (status, headers["x-sabir-attempts"]) == (200, "2")
    assert sorted(secrets_seen(simulator.requests)) == ["one", "two"]


async def test_requests_spread_over_the_endpoints(
    org_sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key()
    for number in range(16):
        await post(org_sabir, http, {"model": SMALL, "input": f"text {number}"}, key)
    assert set(secrets_seen(simulator.requests)) == {"one", "two"}


async def test_tokens_are_reserved_and_settled(org_sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key(limits=Limits(tokens_per_minute=1000))
    _, headers, body = await post(org_sabir, http, {"model": SMALL, "input": [1] * 600}, key)
    assert json.loads(body)["usage"]["prompt_tokens"] == 600
    assert headers["x-ratelimit-remaining-tokens"] == "400"
    status, _, said = await post(org_sabir, http, {"model": SMALL, "input": [2] * 600}, key)
    assert (status, json.loads(said)["error"]["code"]) == (429, "tokens_per_minute")
    status, headers, _ = await post(org_sabir, http, {"model": SMALL, "input": [1] * 600}, key)
    assert (status, headers["x-bt-cached"]) == (200, "HIT"), "a hit takes no tokens"


async def test_a_budget_holds_and_pays_what_was_used(
    org_sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    """2 US cents for a million tokens: a thousand take 20,000 nano-dollars."""
    key = await acme.key(limits=Limits(nano_usd_per_day=30_000))
    assert (await post(org_sabir, http, {"model": SMALL, "input": [1] * 1000}, key))[0] == 200
    status, _, said = await post(org_sabir, http, {"model": SMALL, "input": [2] * 1000}, key)
    assert (status, json.loads(said)["error"]["code"]) == (402, "daily_budget_exceeded")
    assert (await post(org_sabir, http, {"model": SMALL, "input": [3] * 400}, key))[0] == 200


async def test_a_member_of_an_org_that_shares_gets_anothers_hit(
    org_sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    await acme.change(share_cache=True)
    body = {"model": SMALL, "input": "shared"}
    await post(org_sabir, http, body, await acme.key())
    assert (await post(org_sabir, http, body, await acme.key()))[1]["x-bt-cached"] == "HIT"


async def test_a_key_may_use_its_models_alone(org_sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key(models=("gpt-*",))
    assert (await post(org_sabir, http, {"model": SMALL, "input": "x"}, key))[0] == 403


async def test_a_way_without_embeddings_is_passed_over(
    org_sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    both = VirtualModel("any", (Candidate("claude-3-opus-20240229"), Candidate(SMALL)))
    acme = await an_org(org_sabir, [endpoint("anthropic"), endpoint("openai")], models=(both,))
    status, headers, _ = await post(org_sabir, http, {"model": "any", "input": "x"}, await acme.key())
    assert (status, headers["x-bt-used-endpoint"]) == (200, "openai")
    assert (await org_sabir.log.last(1)).stored == "stand-in"
