"""Limits and budgets as a client meets them: refused in its dialect, told in its headers, settled on what was used."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from infra.control.records import Limits
from infra.limits.counters import CountersFault
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.simulator import Cut, Status

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

    from tests.contract.org_rig import TestOrg
    from tests.contract.rig import Sabir
    from tests.simulator import Simulator

Start = Any
CHAT: Final[dict[str, Any]] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Say it"}], "max_tokens": 50}
USD: Final = 10**9


@pytest.fixture
async def sabir(start: Start, tmp_path: Path) -> Sabir:
    started: Sabir = await start(org_env(tmp_path))
    return started


@pytest.fixture
async def acme(sabir: Sabir) -> TestOrg:
    return await an_org(sabir, [endpoint("openai")])


async def ask(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, **more: Any
) -> tuple[int, dict[str, str], dict[str, Any]]:
    async with http.post(
        sabir.completions, json={**CHAT, **more}, headers={"authorization": f"Bearer {key}"}
    ) as answer:
        body = await answer.read()
        headers = {name.lower(): value for name, value in answer.headers.items()}
    streamed = headers["content-type"].startswith("text/event-stream")
    return answer.status, headers, {} if streamed else json.loads(body)


async def test_requests_per_minute_are_counted_down_and_begin_anew(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key(limits=Limits(requests_per_minute=2))
    for left in ("1", "0"):
        status, headers, _ = await ask(sabir, http, key)
        assert (status, headers["x-ratelimit-limit-requests"]) == (200, "2")
        assert headers["x-ratelimit-remaining-requests"] == left
    status, headers, body = await ask(sabir, http, key)
    assert (status, body["error"]["type"], body["error"]["code"]) == (429, "rate_limit_error", "requests_per_minute")
    assert 1 <= int(headers["retry-after"]) <= 60
    assert headers["x-ratelimit-remaining-requests"] == "0"
    assert simulator.calls() == 2
    sabir.clock.now += int(headers["retry-after"])
    assert (await ask(sabir, http, key))[0] == 200


async def test_the_providers_own_limits_are_not_told_to_a_member(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    _, headers, _ = await ask(sabir, http, await acme.key())
    assert [name for name in headers if name.startswith("x-ratelimit")] == []
    _, own, _ = await ask(sabir, http, "sk-own")
    assert "x-ratelimit-limit-requests" in own


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_are_reserved_and_then_settled_on_what_was_used(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, stream: bool
) -> None:
    key = await acme.key(limits=Limits(tokens_per_minute=10_000))
    _, reserved, _ = await ask(sabir, http, key, stream=stream)
    await sabir.log.records_of(1)
    _, headers, body = await ask(sabir, http, key)
    await sabir.log.records_of(2)
    used = body["usage"]["total_tokens"]
    before, after = (int(told["x-ratelimit-remaining-tokens"]) for told in (reserved, headers))
    # Both reserve the same; between them stands what the first one really took.
    assert before - after == used
    assert 10_000 - before != used


@pytest.mark.parametrize(("limit", "code"), [("nano_usd_per_day", "daily"), ("nano_usd_per_month", "monthly")])
async def test_pitfall_38_a_budget_is_spent_to_the_last_and_never_beyond(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, limit: str, code: str
) -> None:
    budget = 10_000_000  # a cent
    key = await acme.key(limits=Limits(**{limit: budget}))
    answers = await asyncio.gather(*(ask(sabir, http, key) for _ in range(20)))
    for _ in range(40):  # one by one, until what is left is less than one request may take
        answers.append(await ask(sabir, http, key))
    paid = [body["usage"] for status, _, body in answers if status == 200]
    # gpt-4: 30 and 60 dollars for a million tokens.
    spent = sum(usage["prompt_tokens"] * 30_000 + usage["completion_tokens"] * 60_000 for usage in paid)
    assert 0 < spent <= budget
    assert simulator.calls() == len(paid)
    status, headers, body = answers[-1]
    assert (status, body["error"]["code"], body["error"]["type"]) == (
        402,
        f"{code}_budget_exceeded",
        "insufficient_quota",
    )
    assert Decimal(headers["x-sabir-budget-remaining-usd"]) == Decimal(budget - spent) / USD
    assert int(headers["retry-after"]) > 60


async def test_an_orgs_limit_holds_over_all_its_keys(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    await acme.change(limits=Limits(requests_per_minute=3))
    keys = [await acme.key(), await acme.key(limits=Limits(requests_per_minute=2))]
    statuses = [(await ask(sabir, http, key))[0] for key in (keys[1], keys[1], keys[1], keys[0], keys[0])]
    assert statuses == [200, 200, 429, 200, 429]


async def test_parallel_requests_are_limited_while_they_run(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key(limits=Limits(parallel_requests=1))
    simulator.hold()
    running = asyncio.create_task(ask(sabir, http, key, stream=True))
    await simulator.seen(1)
    status, headers, body = await ask(sabir, http, key)
    assert (status, body["error"]["code"], headers["retry-after"]) == (429, "parallel_requests", "1")
    simulator.release()
    assert (await running)[0] == 200
    await sabir.log.records_of(2)
    assert (await ask(sabir, http, key))[0] == 200


async def test_a_hit_takes_no_tokens_and_no_money_but_is_a_request(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key(limits=Limits(requests_per_minute=10, tokens_per_minute=400, nano_usd_per_day=16_000_000))
    _, first, _ = await ask(sabir, http, key, seed=1, max_tokens=200)
    await sabir.log.records_of(1)
    for number in range(5):
        status, headers, _ = await ask(sabir, http, key, seed=1, max_tokens=200)
        assert (status, headers["x-bt-cached"]) == (200, "HIT")
        assert int(headers["x-ratelimit-remaining-requests"]) == 8 - number
    assert first["x-bt-cached"] == "MISS"


@pytest.mark.parametrize("fault", [Status(500), Status(400)], ids=repr)
async def test_what_no_provider_charges_for_is_given_back(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator, fault: Any
) -> None:
    key = await acme.key(limits=Limits(tokens_per_minute=1000))
    _, before, _ = await ask(sabir, http, key)
    await sabir.log.records_of(1)
    simulator.next(fault, times=1)
    await ask(sabir, http, key, max_tokens=60)
    await sabir.log.records_of(2)
    _, after, body = await ask(sabir, http, key)
    taken = int(before["x-ratelimit-remaining-tokens"]) - int(after["x-ratelimit-remaining-tokens"])
    charged = 2 if isinstance(fault, Status) and fault.status == 500 else 1  # the retry after a 500 was answered
    assert taken == pytest.approx(charged * body["usage"]["total_tokens"], abs=20)


async def test_an_answer_that_broke_off_is_charged_for_what_was_said(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key(limits=Limits(tokens_per_minute=1000))
    _, before, _ = await ask(sabir, http, key, stream=True)
    await sabir.log.records_of(1)
    simulator.next(Cut(after=10))
    _, middle, _ = await ask(sabir, http, key, stream=True)
    await sabir.log.records_of(2)
    _, after, _ = await ask(sabir, http, key, stream=True)
    whole, cut = (
        int(one["x-ratelimit-remaining-tokens"]) - int(other["x-ratelimit-remaining-tokens"])
        for one, other in ((before, middle), (middle, after))
    )
    assert 0 < cut < whole


async def test_a_request_that_needs_more_than_the_whole_limit_need_not_come_back(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    status, headers, body = await ask(sabir, http, await acme.key(limits=Limits(tokens_per_minute=10)))
    assert (status, body["error"]["code"]) == (429, "request_too_large")
    assert "retry-after" not in headers


async def test_a_model_without_a_price_is_not_for_those_who_have_a_budget(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key(limits=Limits(nano_usd_per_day=USD))
    status, _, body = await ask(sabir, http, key, model="openai/nobody-knows-its-price")
    assert (status, body["error"]["code"], simulator.calls()) == (403, "model_without_price", 0)


async def test_the_sdk_raises_its_own_errors_for_a_limit_and_for_a_budget(sabir: Sabir, acme: TestOrg) -> None:
    limited = sabir.openai(await acme.key(limits=Limits(requests_per_minute=1)))
    await limited.chat.completions.create(**CHAT)
    with pytest.raises(openai.RateLimitError) as refused:
        await limited.chat.completions.create(**CHAT)
    assert int(refused.value.response.headers["retry-after"]) >= 1
    poor = sabir.openai(await acme.key(limits=Limits(nano_usd_per_month=1)))
    with pytest.raises(openai.APIStatusError) as spent:
        await poor.chat.completions.create(**CHAT)
    assert spent.value.status_code == 402


class Out:
    async def reserve(self, *_: Any, **__: Any) -> Any:
        raise CountersFault("out")

    settle = read = reserve


@pytest.mark.parametrize("seed", [None, 1], ids=["a miss", "a hit"])
@pytest.mark.parametrize(("when_down", "expected"), [("open", 200), ("closed", 503)])
async def test_when_the_counters_are_out_the_org_decides_whether_requests_go_on(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, when_down: str, expected: int, seed: int | None
) -> None:
    await acme.change(limits_when_down=when_down)
    key = await acme.key(limits=Limits(requests_per_minute=9))
    more = {} if seed is None else {"seed": seed, "max_tokens": 500}
    assert (await ask(sabir, http, key, **more))[0] == 200
    assert (await sabir.log.last(1)).stored == (None if seed is None else "stored")
    assert sabir.services.orgs is not None
    limiter: Any = sabir.services.orgs.limiter
    limiter._counters = Out()
    status, headers, body = await ask(sabir, http, key, **more)
    assert status == expected
    record = await sabir.log.last(2)
    assert (record.uncounted, record.cache == "hit") == ("limits_unavailable", seed is not None and expected == 200)
    if expected == 503:
        assert (body["error"]["code"], headers["retry-after"]) == ("limits_unavailable", "1")


async def test_what_cannot_be_booked_is_no_clients_trouble_and_noted(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    key = await acme.key(limits=Limits(tokens_per_minute=9_000))
    simulator.hold()
    running = asyncio.create_task(ask(sabir, http, key, stream=True))
    await simulator.seen(1)
    counters: Any = sabir.services.members.stores.counters
    await counters.close()
    simulator.release()
    assert (await running)[0] == 200
    assert (await sabir.log.last(1)).uncounted == "not_settled"
