"""Orgs: made, shown, set, purged."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.admin.money import nano_usd, usd
from infra.control.codec import org_document, read_org
from infra.control.records import Limits, org_place
from infra.control.store import ItemKey, Put
from infra.secrets.org_secrets import read_cache_key, read_org_secrets
from providers.errors import InvalidRequest
from tests.handlers.admin.desk import BrokenControl, BrokenSecrets, desk_over

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from handlers.admin.services import AdminServices
    from infra.control.store import Item, Json, Write
    from tests.handlers.admin.desk import Desk


async def test_a_new_org_has_a_record_a_place_in_the_list_and_two_secret_documents(desk: Desk) -> None:
    made = await desk.made("POST", "/orgs", {"org_id": "acme", "limits": {"usd_per_month": "100"}})
    assert made["limits"]["usd_per_month"] == "100.00"
    assert made["created_at"] == int(desk.clock.now)
    found = await desk.services.control.get([org_place("acme"), ItemKey("ORGS", "acme")], now=0)
    assert read_org(found[org_place("acme")]).limits.nano_usd_per_month == 100 * 10**9
    assert found[ItemKey("ORGS", "acme")].document["created_at"] == made["created_at"]
    cache_key = await desk.services.secrets.read("cache-key/acme")
    secrets = await desk.services.secrets.read("org/acme")
    assert cache_key is not None
    assert secrets is not None
    assert len(read_cache_key(cache_key)) == 32
    assert read_org_secrets(secrets).endpoints == ()


async def test_an_org_is_made_once(desk: Desk) -> None:
    await desk.acme()
    error = await desk.refused("POST", "/orgs", {"org_id": "acme"}, status=409)
    assert error["code"] == "conflict"
    assert "already" in error["message"]


async def test_a_creation_that_broke_off_can_be_repeated_and_keeps_its_keys(tmp_path: Path) -> None:
    broken: BrokenControl | None = None

    def with_broken(services: Any) -> Any:
        nonlocal broken
        broken = BrokenControl(services.control, lambda keys: ItemKey("ORGS", "acme") in keys)
        return replace(services, control=broken)

    async with desk_over(tmp_path, change=with_broken) as desk:
        assert broken is not None
        await desk.refused("POST", "/orgs", {"org_id": "acme"}, status=503)
        first = await desk.services.secrets.read("cache-key/acme")
        broken.broken = lambda _: False
        await desk.refused("GET", "/orgs/acme", status=404)
        await desk.acme()
        assert first is not None
        assert await desk.services.secrets.read("cache-key/acme") == first
        assert [entry["outcome"] for entry in await desk.trail()] == ["done", "failed: outage"]


@pytest.mark.parametrize("org_id", ["", "Acme", "acme_eu", "-acme", "acme-", "a" * 41, "acme/eu", 7, None])
async def test_an_org_id_has_one_form(desk: Desk, org_id: Any) -> None:
    error = await desk.refused("POST", "/orgs", {"org_id": org_id})
    assert error["param"] == "org_id"


async def test_a_patch_changes_what_it_names_and_nothing_else(desk: Desk) -> None:
    await desk.made("POST", "/orgs", {"org_id": "acme", "share_cache": True, "limits": {"usd_per_day": "1.5"}})
    changed = await desk.made("PATCH", "/orgs/acme", {"limits": {"requests_per_minute": 60}})
    assert changed["share_cache"] is True
    assert changed["limits"] == {
        "requests_per_minute": 60,
        "tokens_per_minute": None,
        "parallel_requests": None,
        "usd_per_day": "1.50",
        "usd_per_month": None,
    }
    changed = await desk.made("PATCH", "/orgs/acme", {"limits": {"usd_per_day": None}, "limits_when_down": "open"})
    assert changed["limits"]["usd_per_day"] is None
    assert changed["limits_when_down"] == "open"
    assert (await desk.made("PATCH", "/orgs/acme", {"limits": None}))["limits"]["requests_per_minute"] is None
    assert await desk.made("GET", "/orgs/acme") == await desk.made("PATCH", "/orgs/acme", {})


async def test_content_is_logged_only_where_somebody_says_so_and_the_trail_tells_who(desk: Desk) -> None:
    made = await desk.made("POST", "/orgs", {"org_id": "acme"})
    assert (made["content_log_percent"], made["content_log_seconds"]) == (0, 7 * 86_400)
    changed = await desk.made("PATCH", "/orgs/acme", {"content_log_percent": 10, "content_log_seconds": 60})
    assert (changed["content_log_percent"], changed["content_log_seconds"]) == (10, 60)
    assert (await desk.trail())[0]["changes"] == {
        "content_log_percent": {"before": 0, "after": 10},
        "content_log_seconds": {"before": 7 * 86_400, "after": 60},
    }
    for bound in ({"content_log_percent": 100, "content_log_seconds": 30 * 86_400}, {"content_log_percent": 0}):
        assert (await desk.made("PATCH", "/orgs/acme", bound)).items() >= bound.items()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"share_cahce": True}, "share_cahce"),
        ({"limits": {"usd_per_mnth": "1"}}, "limits.usd_per_mnth"),
        ({"limits": {"usd_per_month": 12.5}}, "limits.usd_per_month"),
        ({"limits": {"usd_per_month": "-1"}}, "limits.usd_per_month"),
        ({"limits": {"usd_per_month": "1e3"}}, "limits.usd_per_month"),
        ({"limits": {"usd_per_month": "0.0000000001"}}, "limits.usd_per_month"),
        ({"limits": {"requests_per_minute": 1.5}}, "limits.requests_per_minute"),
        ({"limits": {"requests_per_minute": True}}, "limits.requests_per_minute"),
        ({"limits": {"parallel_requests": -1}}, "limits.parallel_requests"),
        ({"limits": []}, "limits"),
        ({"share_cache": "yes"}, "share_cache"),
        ({"limits_when_down": "ajar"}, "limits_when_down"),
        ({"assumed_output_tokens": 0}, "assumed_output_tokens"),
        ({"content_log_percent": 101}, "content_log_percent"),
        ({"content_log_percent": -1}, "content_log_percent"),
        ({"content_log_percent": 0.5}, "content_log_percent"),
        ({"content_log_percent": True}, "content_log_percent"),
        ({"content_log_seconds": 59}, "content_log_seconds"),
        ({"content_log_seconds": 30 * 86_400 + 1}, "content_log_seconds"),
        ({"content_log_seconds": None}, "content_log_seconds"),
        ({"models": [{"name": "a", "candidates": []}]}, "candidates"),
        ({"models": [{"name": "a", "candidates": [{"modle": "x"}]}]}, "models[0].candidates[0].model"),
        ({"models": [{"name": "a", "candidates": [{"model": "x", "wait": 1}]}]}, "models[0].candidates[0].wait"),
        ({"org_id": "other"}, "org_id"),
        ({"cache_epoch": 0}, "cache_epoch"),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_changes(desk: Desk, body: Any, param: str) -> None:
    await desk.acme()
    before = await desk.made("GET", "/orgs/acme")
    assert (await desk.refused("PATCH", "/orgs/acme", body))["param"] == param
    assert await desk.made("GET", "/orgs/acme") == before
    assert len(await desk.trail()) == 1


async def test_an_unknown_member_that_may_be_a_secret_is_not_quoted(desk: Desk) -> None:
    await desk.acme()
    error = await desk.refused("PATCH", "/orgs/acme", {"sk-secret-in-the-wrong-place": 1})
    assert error["code"] == "unknown_member"
    assert "sk-" not in error["message"]


@pytest.mark.parametrize("raw", [b"{", b"[]", b'{"share_cache": NaN}', b"\xff"])
async def test_a_body_that_is_no_json_object_is_a_400(desk: Desk, raw: bytes) -> None:
    await desk.acme()
    answer = await desk.http.patch("/admin/v1/orgs/acme", content=raw)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_json"


async def test_a_purge_raises_the_epoch(desk: Desk) -> None:
    await desk.acme()
    assert (await desk.made("POST", "/orgs/acme/purge-cache"))["cache_epoch"] == 1
    assert (await desk.made("POST", "/orgs/acme/purge-cache", {}))["cache_epoch"] == 2
    await desk.refused("POST", "/orgs/acme/purge-cache", {"epoch": 9})


async def test_a_listing_goes_on_where_it_ended(desk: Desk) -> None:
    for org_id in ("cc", "aa", "bb"):
        await desk.made("POST", "/orgs", {"org_id": org_id})
    first = await desk.made("GET", "/orgs?limit=2")
    assert [each["org_id"] for each in first["data"]] == ["aa", "bb"]
    second = await desk.made("GET", f"/orgs?limit=2&after={first['next']}")
    assert ([each["org_id"] for each in second["data"]], second["next"]) == (["cc"], None)


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "limit=²", "limit=-1", "page=2"])
async def test_a_listing_takes_a_limit_and_an_after_and_nothing_else(desk: Desk, query: str) -> None:
    await desk.refused("GET", f"/orgs?{query}")


@pytest.mark.parametrize("org_id", ["nobody", "KEY%23x", "A", "acme%2Fx"])
async def test_an_org_that_is_not_there_is_a_404(desk: Desk, org_id: str) -> None:
    for path in ("", "/keys", "/endpoints"):
        assert (await desk.refused("GET", f"/orgs/{org_id}{path}", status=404))["type"] == "invalid_request_error"


# --- races ------------------------------------------------------------------------------------------------------------


class Rival(BrokenControl):
    """A store in which somebody else writes the org just before we do, so many times."""

    times = 0

    async def write(self, writes: Sequence[Write], *, now: int) -> None:
        place = org_place("acme")
        if self.times and any(write.key == place for write in writes):
            self.times -= 1
            item: Item = (await self.store.get([place], now=now))[place]
            org = read_org(item)
            rival = replace(org, limits=replace(org.limits, tokens_per_minute=(org.limits.tokens_per_minute or 0) + 1))
            await self.store.write([Put(place, org_document(rival), version=item.version)], now=now)
        await super().write(writes, now=now)


@pytest.mark.parametrize(("times", "status"), [(1, 200), (2, 409)])
async def test_a_change_that_lost_a_race_is_made_once_more_and_then_given_up(
    tmp_path: Path, times: int, status: int
) -> None:
    async with desk_over(tmp_path, change=lambda services: replace(services, control=Rival(services.control))) as desk:
        await desk.acme()
        assert isinstance(desk.services.control, Rival)
        desk.services.control.times = times
        answer = await desk.ask("PATCH", "/orgs/acme", {"limits": {"requests_per_minute": 5}})
        assert answer.status_code == status
        limits = (await desk.made("GET", "/orgs/acme"))["limits"]
        # The rival's change is there in either case, and never overwritten.
        assert (limits["tokens_per_minute"], limits["requests_per_minute"]) == (times, 5 if status == 200 else None)
        outcomes = [entry["outcome"] for entry in await desk.trail()]
        assert outcomes[:2] == ["done" if status == 200 else "failed: conflict", "failed: conflict"]


async def test_of_many_who_make_the_same_org_at_once_one_does(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.ask("POST", "/orgs", {"org_id": "acme"}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 5]
    issued = await desk.made("POST", "/orgs/acme/keys", {"name": "ci"})
    assert issued["status"] == "active"
    assert {entry["outcome"] for entry in await desk.trail()} <= {"done", "failed: conflict"}


async def test_changes_of_different_members_at_once_are_both_made(desk: Desk) -> None:
    await desk.acme()
    bodies = ({"share_cache": True}, {"limits": {"parallel_requests": 3}})
    answers = await asyncio.gather(*(desk.ask("PATCH", "/orgs/acme", body) for body in bodies))
    assert [answer.status_code for answer in answers] == [200, 200]
    made = await desk.made("GET", "/orgs/acme")
    assert (made["share_cache"], made["limits"]["parallel_requests"]) == (True, 3)


class FirstThere(BrokenSecrets):
    """A store into which somebody else puts every new document just before we do."""

    async def write(self, name: str, value: Mapping[str, Json], *, version: str | None) -> str:
        if version is None:
            await self.store.write(name, value, version=None)
        return await super().write(name, value, version=version)


async def test_a_document_that_somebody_else_has_just_made_is_as_good(tmp_path: Path) -> None:
    def with_rival(services: AdminServices) -> AdminServices:
        return replace(services, secrets=FirstThere(services.secrets))

    async with desk_over(tmp_path, change=with_rival) as desk:
        await desk.acme()
        assert (await desk.made("POST", "/orgs/acme/keys", {"name": "ci"}))["key"]


# --- money ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**18 - 1))
def test_money_survives_its_writing(nano: int) -> None:
    assert nano_usd(usd(nano), "x") == nano


@pytest.mark.parametrize(
    ("written", "nano"), [("12.50", 12_500_000_000), ("0", 0), ("0.000000001", 1), ("3", 3 * 10**9)]
)
def test_money_is_kept_in_nano_dollars(written: str, nano: int) -> None:
    assert nano_usd(written, "x") == nano


@pytest.mark.parametrize("written", ["", "1,5", ".5", "5.", "+5", "5 ", "NaN", "\u0661", 5, 5.0, None, True])
def test_money_has_one_form(written: Any) -> None:
    with pytest.raises(InvalidRequest):
        nano_usd(written, "x")


def test_no_limit_is_not_a_limit_of_nothing() -> None:
    assert Limits(nano_usd_per_day=0) != Limits()
    assert usd(0) == "0.00"
