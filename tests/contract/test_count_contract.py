"""`/v1/chat/completions/input_tokens`, through a running Sabir."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from infra.control.records import Limits
from providers.routing.virtual import Candidate, VirtualModel
from tests.contract.org_rig import an_org, endpoint, org_env, secrets_seen
from tests.contract.rig import KEYS, refused
from tests.simulator import Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

CLAUDE = "claude-sonnet-4-5"


async def counted(
    sabir: Sabir, http: aiohttp.ClientSession, model: str, key: str, prefix: str = "/v1", **members: Any
) -> tuple[int, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "x" * 400}], **members}
    headers = {"authorization": f"Bearer {key}"}
    async with http.post(f"{sabir.url(prefix)}/chat/completions/input_tokens", json=body, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


@pytest.mark.parametrize("prefix", ["/v1", "/v1/proxy"])
async def test_anthropic_is_asked_for_the_number(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator, prefix: str
) -> None:
    status, told = await counted(
        sabir, http, CLAUDE, KEYS["anthropic"], prefix, stream=True, max_tokens=9, temperature=0
    )
    (seen,) = simulator.requests
    assert seen.path == "/v1/messages/count_tokens"
    assert status == 200
    assert told.pop("input_tokens") > 100
    assert told == {
        "object": "chat.completion.input_tokens",
        "model": CLAUDE,
        "provider": "anthropic",
        "exact": True,
    }


async def test_where_nobody_counts_the_number_is_likely_and_nobody_is_asked(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    status, told = await counted(sabir, http, "gpt-4", KEYS["openai"], max_tokens=500)
    assert (status, told["provider"], told["input_tokens"], told["exact"]) == (200, "openai", 104, False)
    assert simulator.calls() == 0
    record = await sabir.log.last(1)
    assert (record.provider, record.model, record.attempts) == ("openai", "gpt-4", [])


async def test_an_error_of_the_provider_is_in_openais_words(
    sabir: Sabir, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.next(Status(429, retry_after="7"))
    body = json.dumps({"model": CLAUDE, "messages": [{"role": "user", "content": "hi"}]})
    url = sabir.completions + "/input_tokens"
    headers = {"authorization": f"Bearer {KEYS['anthropic']}"}
    status, error = await refused(http, url, body, headers)
    assert (status, error["type"]) == (429, "rate_limit_error")
    status, error = await refused(http, url, b"{", headers)
    assert status == 400
    status, error = await refused(http, url, body, {**headers, "cache-control": "only-if-cached"})
    assert (status, error["code"]) == (504, "not_cached")


async def test_the_next_endpoint_counts_where_the_first_fails(
    start: Any, http: aiohttp.ClientSession, simulator: Simulator, tmp_path: Path
) -> None:
    sabir = await start(org_env(tmp_path))
    model = VirtualModel("house", (Candidate(f"anthropic/{CLAUDE}"), Candidate("openai/gpt-4")))
    acme = await an_org(sabir, [endpoint("anthropic"), endpoint("openai")], models=(model,))
    key = await acme.key()
    simulator.next(Status(503), times=9)
    status, told = await counted(sabir, http, "house", key)
    assert (status, told["provider"], told["exact"]) == (200, "openai", False)
    assert set(secrets_seen(simulator.requests)) == {"anthropic"}
    record = await sabir.log.last(1)
    assert [attempt.status for attempt in record.attempts] == [503] * simulator.calls()


async def test_a_count_that_is_limited_says_nothing_of_the_endpoints_answers(
    start: Any, http: aiohttp.ClientSession, simulator: Simulator, tmp_path: Path
) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("anthropic", "a"), endpoint("anthropic", "b")])
    simulator.next(Status(429, retry_after="60"))
    assert (await counted(sabir, http, CLAUDE, await acme.key()))[0] == 200
    await sabir.log.records_of(1)
    assert sabir.services.members.health.of("acme", {}) == {}


async def test_a_count_is_one_request_and_no_tokens(start: Any, http: aiohttp.ClientSession, tmp_path: Path) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("anthropic")])
    key = await acme.key(limits=Limits(requests_per_minute=2, tokens_per_minute=1, nano_usd_per_day=1))
    assert [(await counted(sabir, http, CLAUDE, key))[0] for _ in range(3)] == [200, 200, 429]
