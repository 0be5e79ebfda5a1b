"""The request log as clients read it, with a Sabir key: `/v1/requests` and `/v1/usage`."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.requests.record import BUCKETS, NO_ORG
from infra.requests.store import Wanted
from tests.contract.org_rig import an_org, endpoint, org_env
from tests.contract.rig import KEYS

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


async def chat(sabir: Sabir, http: aiohttp.ClientSession, key: str, **members: Any) -> str:
    """One chat, over and logged; its request id. An hour passes, so that each one has a time of its own."""
    sabir.clock.now += 3600
    headers = {"authorization": f"Bearer {key}", **members.pop("headers", {})}
    async with http.post(sabir.completions, json={**CHAT, **members}, headers=headers) as answer:
        await answer.read()
    return (await sabir.log.of(answer.headers["x-request-id"])).request_id


async def read(
    sabir: Sabir, http: aiohttp.ClientSession, key: str, path: str, /, **query: str | int
) -> tuple[int, dict[str, Any]]:
    headers = {"authorization": f"Bearer {key}"}
    async with http.get(sabir.url() + path, params=query, headers=headers) as answer:
        return answer.status, json.loads(await answer.read())


async def ids(sabir: Sabir, http: aiohttp.ClientSession, key: str, /, **query: str | int) -> list[str]:
    status, page = await read(sabir, http, key, "/requests", **query)
    assert (status, page["object"]) == (200, "list"), page
    return [one["id"] for one in page["data"]]


# -- what is kept -----------------------------------------------------------------------------------------------------


async def test_the_store_has_each_request_as_the_log_has_it(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    await chat(sabir, http, key, headers={"x-sabir-tags": "team=search"}, user="ada", stream=True)
    await chat(sabir, http, key, user="ada")
    await chat(sabir, http, key, model="no-such-model")
    await chat(sabir, http, KEYS["openai"])
    await chat(sabir, http, "sbr_acme_zzzzzzzzzz_no-such-key")
    assert sabir.services.orgs is not None
    store, now = sabir.services.orgs.stores.requests, int(sabir.clock.now)
    kept = [
        record for org in ("acme", NO_ORG) for record in (await store.page(Wanted(org, 0, now + 9), now=now)).records
    ]
    logged = [record.document() for record in sabir.log.records]
    assert sorted(kept, key=lambda one: str(one["request_id"])) == logged
    assert [one.get("org") for one in logged] == ["acme", "acme", "acme", None, None]
    assert [one["cache"] for one in logged[:2]] == ["miss", "hit"]


async def test_a_record_is_gone_after_the_days_that_the_operator_says(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    sabir = await start({**org_env(tmp_path), "SABIR_REQUEST_DAYS": "2"})
    key = await (await an_org(sabir, [endpoint("openai")])).key()
    asked = await chat(sabir, http, key)
    sabir.clock.now += 2 * 86_400 - 1
    assert await ids(sabir, http, key) == [asked]
    sabir.clock.now += 1
    assert await ids(sabir, http, key) == []


async def test_reading_is_logged_but_not_kept_and_counts_as_a_request(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    from infra.control.records import Limits

    key = await acme.key(limits=Limits(requests_per_minute=3))
    asked = await chat(sabir, http, key)
    assert await ids(sabir, http, key) == [asked]
    assert (await read(sabir, http, key, "/usage"))[0] == 200
    status, refusal = await read(sabir, http, key, "/requests")
    assert (status, refusal["error"]["code"]) == (429, "requests_per_minute")
    assert [one.operation for one in await sabir.log.records_of(4)] == ["chat", "requests", "usage", "requests"]
    sabir.clock.now += 60
    assert await ids(sabir, http, key) == [asked]


# -- what is shown ----------------------------------------------------------------------------------------------------


async def test_one_request_in_full_with_its_money_as_exact_text(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    key = await acme.key()
    asked = await chat(sabir, http, key)
    status, shown = await read(sabir, http, key, f"/requests/{asked}")
    record = await sabir.log.last(1)
    assert status == 200
    document = record.document()
    assert record.cost_nano_usd
    assert Decimal(shown.pop("cost_usd")) * 10**9 == document.pop("cost_nano_usd")
    assert (shown.pop("object"), shown.pop("id")) == ("request", asked)
    assert shown == document
    assert shown["attempts"][0]["endpoint"] == "openai"


async def test_filters_pages_and_their_order(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key()
    first = await chat(sabir, http, key, headers={"x-sabir-tags": "team=search%3Ax"}, user="ada")
    hit = await chat(sabir, http, key, user="ada")
    other = await chat(sabir, http, key, model="claude-instant-1.2")
    bad = await chat(sabir, http, key, model="no-such-model")
    began = sabir.clock.now
    assert await ids(sabir, http, key) == [bad, other, hit, first]
    for query, expected in {
        ("user", "ada"): [hit, first],
        ("tag", "team:search:x"): [first],
        ("cache", "hit"): [hit],
        ("model", "claude-instant-1.2"): [other],
        ("provider", "openai"): [hit, first],
        ("status", "404"): [bad],
        ("outcome", "error"): [bad],
        ("outcome", "ok"): [other, hit, first],
        ("since", f"{began - 3600:.3f}"): [bad, other],
        ("until", "2027-01-15T10:00:00Z"): [first],
        ("until", "2027-01-15T11:00:00+01:00"): [first],
    }.items():
        assert await ids(sabir, http, key, **dict([query])) == expected, query
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        _, page = await read(sabir, http, key, "/requests", limit=3, outcome="ok", **after)
        seen += [one["id"] for one in page["data"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [other, hit, first]


async def test_usage_adds_up_to_what_the_records_say(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key()
    for members in ({}, {}, {"model": "claude-instant-1.2", "seed": 2}, {"model": "no-such-model"}):
        await chat(sabir, http, key, **members)
    records = list(sabir.log.records)
    status, page = await read(sabir, http, key, "/usage", step="hour", by="model,provider")
    assert status == 200
    rows = page["data"]
    assert page["next"] is None
    assert [(row["provider"], row["model"]) for row in rows] == [
        (one.provider or "", one.model if one.provider else "") for one in records
    ]
    assert [row["hits"] for row in rows] == [0, 1, 0, 0]
    assert [row["hit_rate"] for row in rows] == [0, 1, 0, 0]
    assert [row["errors"] for row in rows] == [{}, {}, {}, {"caller": 1}]
    _, whole = await read(sabir, http, key, "/usage")
    (day,) = whole["data"]
    assert (day["requests"], day["hits"], day["hit_rate"]) == (4, 1, 0.25)
    assert "model" not in day
    spent = sum(one.cost_nano_usd or 0 for one in records)
    assert spent > 0
    assert Decimal(day["cost_usd"]) * 10**9 == spent == sum(Decimal(row["cost_usd"]) for row in rows) * 10**9
    assert Decimal(day["saved_usd"]) * 10**9 == sum(one.saved_nano_usd or 0 for one in records) > 0
    for name in BUCKETS:
        assert day["tokens"][name] == sum(getattr(one.usage, name) or 0 for one in records if one.usage)
    assert day["average_ms"] == round(day["total_ms"] / 4, 1)


async def test_usage_comes_in_pages_too(sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession) -> None:
    key = await acme.key()
    for seed in range(5):
        await chat(sabir, http, key, seed=seed)
    seen: list[int] = []
    after: dict[str, str] = {}
    for size in (2, 2, 1):
        _, page = await read(sabir, http, key, "/usage", step="hour", by="model", limit=2, **after)
        assert len(page["data"]) == size
        seen += [row["at"] for row in page["data"]]
        after = {"after": page["next"]}
    assert page["next"] is None
    assert len(set(seen)) == 5
    assert seen == sorted(seen)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("/requests", {"colour": "red"}, "colour"),
        ("/requests", {"limit": 0}, "limit"),
        ("/requests", {"limit": 101}, "limit"),
        ("/requests", {"limit": "²"}, "limit"),
        ("/requests", {"status": "4xx"}, "status"),
        ("/requests", {"outcome": "bad"}, "outcome"),
        ("/requests", {"cache": "maybe"}, "cache"),
        ("/requests", {"tag": "team"}, "tag"),
        ("/requests", {"model": ""}, "model"),
        ("/requests", {"user": "x" * 1025}, "user"),
        ("/requests", {"since": "yesterday"}, "since"),
        ("/requests", {"since": "1800000000000"}, "since"),
        ("/requests", {"since": "-1"}, "since"),
        ("/requests", {"since": "nan"}, "since"),
        ("/requests", {"since": "200", "until": "100"}, "since"),
        ("/requests", {"after": "x"}, "after"),
        ("/requests/0", {"limit": 3}, "limit"),
        ("/usage", {"by": "user"}, "by"),
        ("/usage", {"step": "week"}, "step"),
        ("/usage", {"limit": 1001}, "limit"),
        ("/usage", {"status": "200"}, "status"),
        ("/usage", {"after": "W10="}, "after"),
        ("/usage", {"after": "\u0130"}, "after"),
    ],
)
async def test_what_it_does_not_know_is_named(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession, path: str, query: dict[str, Any], param: str
) -> None:
    status, refusal = await read(sabir, http, await acme.key(), path, **query)
    assert (status, refusal["error"]["param"]) == (400, param)
    assert param in refusal["error"]["message"]


async def test_a_parameter_that_is_there_twice_is_refused(
    sabir: Sabir, acme: TestOrg, http: aiohttp.ClientSession
) -> None:
    status, refusal = await read(sabir, http, await acme.key(), "/requests?model=a&model=b")
    assert (status, refusal["error"]["param"]) == (400, "model")


async def test_a_store_that_is_out_is_said_to_be_and_fails_no_chat(
    start: Start, tmp_path: Path, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    sabir = await start(org_env(tmp_path))
    acme = await an_org(sabir, [endpoint("openai")])
    key = await acme.key()
    assert sabir.services.orgs is not None
    await sabir.services.orgs.stores.requests.close()
    async with http.post(sabir.completions, json=CHAT, headers={"authorization": f"Bearer {key}"}) as answer:
        assert answer.status == 200
    assert (await sabir.log.last(1)).unkept == ("store",)
    for path in ("/requests", "/requests/0190163d8694739b9aea7966c26f8ad9", "/usage"):
        status, refusal = await read(sabir, http, key, path)
        assert (status, refusal["error"]["code"]) == (503, "request_log_unavailable")
