"""The request log and its sums by the admin API; on the embedded store, and on DynamoDB as MiniStack has it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.requests.dynamodb import DynamoRequests
from infra.requests.record import NO_ORG
from tests.handlers.admin.desk import START, desk_over
from tests.infra.limits.stores import client_of, fresh_table
from tests.infra.requests.records import a_record, full_record, put

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from handlers.admin.services import AdminServices
    from infra.requests.record import RequestRecord
    from tests.handlers.admin.desk import Desk

NOW: Final = int(START)
HOUR: Final = 3600


@asynccontextmanager
async def _on_ministack(folder: Path, url: str) -> AsyncIterator[Desk]:
    place = await fresh_table("ministack", url)
    async with client_of(place.url) as client:

        def change(services: AdminServices) -> AdminServices:
            return replace(services, requests=DynamoRequests(client.call, place.table))

        async with desk_over(folder, change=change) as desk:
            yield desk


@pytest.fixture(params=["sqlite", pytest.param("ministack", marks=pytest.mark.slow)])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Desk]:
    if request.param == "sqlite":
        async with desk_over(tmp_path) as desk:
            yield desk
        return
    async with _on_ministack(tmp_path, request.getfixturevalue("ministack_url")) as desk:
        yield desk


async def kept(desk: Desk, *records: RequestRecord) -> None:
    await put(desk.services.requests, *records)


async def ids(desk: Desk, path: str) -> list[str]:
    return [one["id"] for one in (await desk.made("GET", path))["data"]]


async def test_an_orgs_requests_newest_first_in_pages_and_one_in_full(desk: Desk) -> None:
    await desk.acme()
    records = [full_record(NOW - 60 * minute) for minute in (3, 2, 1)]
    await kept(desk, *records, a_record(NOW - 30, org="rival"))
    newest_first = [one.request_id for one in reversed(records)]
    assert await ids(desk, "/orgs/acme/requests") == newest_first
    first = await desk.made("GET", "/orgs/acme/requests?limit=2")
    assert [one["id"] for one in first["data"]] == newest_first[:2]
    rest = await desk.made("GET", f"/orgs/acme/requests?limit=2&after={first['next']}")
    assert ([one["id"] for one in rest["data"]], rest["next"]) == (newest_first[2:], None)
    shown = await desk.made("GET", f"/orgs/acme/requests/{records[0].request_id}")
    assert shown["cost_usd"] == "0.00387"
    assert "cost_nano_usd" not in shown
    assert shown["usage"] == {"input": 812, "output": 120, "cache_read": 0, "reasoning": 64}
    assert shown["tags"] == {"team": "search", "run": "nightly"}


async def test_requests_with_a_providers_own_key_are_those_of_the_org_dash(desk: Desk) -> None:
    own = a_record(NOW - 60, org=None, model="gpt-4o", provider="openai", cost_nano_usd=5)
    await kept(desk, own)
    assert own.owner == NO_ORG
    assert await ids(desk, "/orgs/-/requests") == [own.request_id]
    assert (await desk.made("GET", f"/orgs/-/requests/{own.request_id}"))["id"] == own.request_id
    (day,) = (await desk.made("GET", "/orgs/-/usage?by=key,model"))["data"]
    assert (day["key"], day["model"], day["cost_usd"]) == ("", "gpt-4o", "0.000000005")


@pytest.mark.parametrize("path", ["/requests", "/usage", "/requests/0190163d8694739b9aea7966c26f8ad9"])
async def test_an_org_that_is_not_there_is_a_404(desk: Desk, path: str) -> None:
    await kept(desk, a_record(NOW - 60, org="ghost"))
    assert (await desk.refused("GET", f"/orgs/ghost{path}", status=404))["code"] == "org_not_found"
    assert (await desk.refused("GET", f"/orgs/--{path}", status=404))["code"] == "org_not_found"


async def test_another_orgs_request_is_not_there_by_its_id(desk: Desk) -> None:
    await desk.acme()
    theirs = a_record(NOW - 60, org="rival")
    await kept(desk, theirs)
    error = await desk.refused("GET", f"/orgs/acme/requests/{theirs.request_id}", status=404)
    assert error["code"] == "request_not_found"


async def test_filters_hold_together(desk: Desk) -> None:
    await desk.acme()
    wanted = full_record(NOW - 60, status=429, error="rate_limit_exceeded", cause="provider", cache="bypass")
    await kept(desk, wanted, full_record(NOW - 50), full_record(NOW - 40, user="u-2", error="x", status=429))
    query = "key=7f3kq2mz4a&model=smart&provider=openai&status=429&outcome=error&cache=bypass&user=u-1&tag=team:search"
    assert await ids(desk, f"/orgs/acme/requests?{query}&since={NOW - 100}&until={NOW}") == [wanted.request_id]
    assert await ids(desk, f"/orgs/acme/requests?{query}&since={NOW - 59}") == []


async def test_usage_is_split_summed_and_paged(desk: Desk) -> None:
    await desk.acme()
    await kept(
        desk,
        full_record(NOW - 2 * HOUR, key="aaaaaaaaaa"),
        full_record(NOW - 2 * HOUR, key="bbbbbbbbbb", cache="hit", cost_nano_usd=0, saved_nano_usd=3_870_000),
        full_record(NOW - HOUR, key="aaaaaaaaaa", error="upstream_timeout", cause="provider"),
    )
    path = f"/orgs/acme/usage?step=hour&by=key&since={NOW - 3 * HOUR}"
    rows = (await desk.made("GET", path))["data"]
    assert [(row["at"], row["key"]) for row in rows] == [
        (NOW - 2 * HOUR, "aaaaaaaaaa"),
        (NOW - 2 * HOUR, "bbbbbbbbbb"),
        (NOW - HOUR, "aaaaaaaaaa"),
    ]
    assert [row["errors"] for row in rows] == [{}, {}, {"provider": 1}]
    assert [row["cost_usd"] for row in rows] == ["0.00387", "0.00", "0.00387"]
    assert rows[1]["saved_usd"] == "0.00387"
    assert (rows[0]["average_first_token_ms"], rows[0]["total_ms"]) == (402, 1205)
    paged: list[Any] = []
    after = ""
    for _ in range(3):
        page = await desk.made("GET", f"{path}&limit=1{after}")
        paged += page["data"]
        after = f"&after={page['next']}"
    assert page["next"] is None
    assert paged == rows


@pytest.mark.parametrize(
    "query", ["colour=red", "limit=0", "status=1&status=2", "since=x", "outcome=maybe", "after=eA%3D%3D", "tag=x"]
)
async def test_what_it_does_not_know_is_refused(desk: Desk, query: str) -> None:
    await desk.acme()
    error = await desk.refused("GET", f"/orgs/acme/requests?{query}")
    assert error["param"] == query.partition("=")[0]


async def test_a_store_that_is_out_is_a_503(desk: Desk) -> None:
    await desk.acme()
    await desk.services.requests.close()
    for path in ("requests", "usage", "requests/0190163d8694739b9aea7966c26f8ad9"):
        error = await desk.refused("GET", f"/orgs/acme/{path}", status=503)
        assert error["code"] == "request_log_unavailable"


async def test_a_keys_access_to_the_log_is_set_shown_and_in_the_trail(desk: Desk) -> None:
    await desk.acme()
    key = await desk.made("POST", "/orgs/acme/keys", {"name": "ci"})
    assert key["log_access"] == "own"
    path = f"/orgs/acme/keys/{key['key_id']}"
    assert (await desk.made("PATCH", path, {"log_access": "org"}))["log_access"] == "org"
    assert (await desk.made("GET", path))["log_access"] == "org"
    assert (await desk.trail())[0]["changes"] == {"log_access": {"before": "own", "after": "org"}}
    for value in ("all", None, True, ["org"]):
        assert (await desk.refused("PATCH", path, {"log_access": value}))["param"] == "log_access"
