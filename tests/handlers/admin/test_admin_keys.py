"""Sabir keys: issued, shown once, set, revoked."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cache.wrapped import unwrap
from infra.control.codec import read_key
from infra.control.directory import Directory
from infra.control.key_text import KEY_ID_BYTES, hash_of, parse
from infra.control.records import key_place
from infra.secrets.org_secrets import read_cache_key
from providers.secret import Secret
from tests.handlers.admin.desk import desk_over

if TYPE_CHECKING:
    from pathlib import Path

    from handlers.admin.services import AdminServices
    from infra.control.records import SabirKey
    from tests.handlers.admin.desk import Desk

KEYS = "/orgs/acme/keys"


@pytest.fixture
async def acme(desk: Desk) -> Desk:
    await desk.acme()
    return desk


async def record(desk: Desk, key_id: str) -> SabirKey:
    place = key_place("acme", key_id)
    return read_key((await desk.services.control.get([place], now=0))[place])


async def test_a_key_is_kept_as_its_hash_and_opens_the_orgs_cache_key(acme: Desk) -> None:
    answer = await acme.ask("POST", KEYS, {"name": "ci"})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    issued = answer.json()
    key = Secret(issued["key"])
    ids = parse(key)
    assert ids is not None
    assert (ids.org_id, ids.key_id) == ("acme", issued["key_id"])
    kept = await record(acme, ids.key_id)
    assert kept.hash == hash_of(key)
    document = await acme.services.secrets.read("cache-key/acme")
    assert document is not None
    opened = unwrap(kept.wrapped_cache_key, key.reveal().encode(), org_id="acme", key_id=ids.key_id)
    assert opened == read_cache_key(document)


async def test_the_proxys_directory_finds_it_until_it_is_revoked(acme: Desk) -> None:
    issued = await acme.made("POST", KEYS, {"name": "ci", "limits": {"requests_per_minute": 7}})
    now = acme.clock.now
    known = await Directory(acme.services.control).find(Secret(issued["key"]), now=now)
    assert known is not None
    assert (known.verdict(now), known.key.limits.requests_per_minute) == ("usable", 7)
    await acme.made("DELETE", f"{KEYS}/{issued['key_id']}")
    known = await Directory(acme.services.control).find(Secret(issued["key"]), now=now)
    assert known is not None
    assert known.verdict(now) == "revoked"


async def test_a_key_is_shown_once(acme: Desk) -> None:
    issued = await acme.made("POST", KEYS, {"name": "ci"})
    shown = await acme.made("GET", f"{KEYS}/{issued['key_id']}")
    assert shown == {name: value for name, value in issued.items() if name != "key"}
    assert (await acme.made("GET", KEYS))["data"] == [shown]


async def test_two_keys_are_never_the_same(acme: Desk) -> None:
    made = [await acme.made("POST", KEYS, {"name": "ci"}) for _ in range(3)]
    assert len({each["key"] for each in made}) == len({each["key_id"] for each in made}) == 3


async def test_a_key_may_do_what_it_was_issued_for(acme: Desk) -> None:
    body = {
        "name": "ada",
        "owner": "ada@acme.example",
        "expires_at": int(acme.clock.now) + 60,
        "models": ["gpt-4o*"],
        "providers": ["openai", "a*"],
        "limits": {"requests_per_minute": 5, "usd_per_month": "12.50"},
    }
    issued = await acme.made("POST", KEYS, body)
    kept = await record(acme, issued["key_id"])
    assert (kept.owner, kept.models, kept.providers) == ("ada@acme.example", ("gpt-4o*",), ("openai", "a*"))
    assert kept.limits.nano_usd_per_month == 12_500_000_000
    assert issued["status"] == "active"
    acme.clock.now += 60
    assert (await acme.made("GET", KEYS))["data"][0]["status"] == "expired"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "ci", "providers": ["opnai"]}, "providers[0]"),
        ({"name": "ci", "models": "gpt-4"}, "models"),
        ({"name": "ci", "models": ["a"] * 201}, "models"),
        ({"name": "ci", "expires_at": 1}, "expires_at"),
        ({"name": "ci", "expires_at": 1_800_000_000_000}, "expires_at"),
        ({"name": "ci", "key": "sbr_acme_mine"}, "key"),
        ({"name": "ci", "hash": "x"}, "hash"),
    ],
)
async def test_what_no_key_can_be_is_refused(acme: Desk, body: Any, param: str) -> None:
    assert (await acme.refused("POST", KEYS, body))["param"] == param
    assert (await acme.made("GET", KEYS))["data"] == []


async def test_no_key_without_an_org(desk: Desk) -> None:
    assert (await desk.refused("POST", "/orgs/nobody/keys", {"name": "ci"}, status=404))["code"] == "org_not_found"


async def test_a_patch_changes_what_it_names_and_never_what_the_key_is(acme: Desk) -> None:
    issued = await acme.made("POST", KEYS, {"name": "ci", "models": ["gpt-4"], "owner": "ada"})
    path = f"{KEYS}/{issued['key_id']}"
    before = await record(acme, issued["key_id"])
    body: dict[str, Any] = {"name": "web", "models": [], "owner": None, "limits": {"tokens_per_minute": 9}}
    changed = await acme.made("PATCH", path, body)
    assert (changed["name"], changed["models"], changed["owner"]) == ("web", [], None)
    after = await record(acme, issued["key_id"])
    assert (after.hash, after.wrapped_cache_key) == (before.hash, before.wrapped_cache_key)
    await acme.refused("PATCH", path, {"revoked_at": None})


async def test_an_expiry_can_be_moved_and_taken_away(acme: Desk) -> None:
    now = int(acme.clock.now)
    issued = await acme.made("POST", KEYS, {"name": "ci", "expires_at": now + 10})
    path = f"{KEYS}/{issued['key_id']}"
    acme.clock.now += 20
    # What has passed and is not named stays as it is; what is named must be ahead.
    assert (await acme.made("PATCH", path, {"name": "old"}))["status"] == "expired"
    await acme.refused("PATCH", path, {"expires_at": now + 15})
    assert (await acme.made("PATCH", path, {"expires_at": now + 99}))["status"] == "active"
    assert (await acme.made("PATCH", path, {"expires_at": None}))["expires_at"] is None


async def test_a_revoked_key_keeps_its_record_and_nothing_that_it_opened(acme: Desk) -> None:
    issued = await acme.made("POST", KEYS, {"name": "ci"})
    path = f"{KEYS}/{issued['key_id']}"
    gone = await acme.made("DELETE", path)
    assert (gone["status"], gone["revoked_at"]) == ("revoked", int(acme.clock.now))
    kept = await record(acme, issued["key_id"])
    assert (kept.revoked_at, kept.wrapped_cache_key) == (gone["revoked_at"], b"")
    acme.clock.now += 5
    assert await acme.made("DELETE", path) == gone
    assert (await acme.refused("PATCH", path, {"name": "x"}, status=409))["code"] == "conflict"
    assert [entry["action"] for entry in await acme.trail()] == ["key.revoke", "key.create", "org.create"]


@pytest.mark.parametrize("key_id", ["aaaaaaaaaa", "AAAAAAAAAA", "a", "...", "x%23y"])
async def test_a_key_that_is_not_there_is_a_404(acme: Desk, key_id: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        answer = await acme.ask(method, f"{KEYS}/{key_id}", {} if method == "PATCH" else None)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "key_not_found")


async def test_keys_are_listed_page_by_page(acme: Desk) -> None:
    made = {(await acme.made("POST", KEYS, {"name": f"k{number}"}))["key_id"] for number in range(5)}
    seen, after = list[str](), ""
    while True:
        page = await acme.made("GET", f"{KEYS}?limit=2{after}")
        seen += [each["key_id"] for each in page["data"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == sorted(made)


async def test_no_key_is_issued_that_could_not_open_the_shared_cache(acme: Desk) -> None:
    await acme.services.secrets.delete("cache-key/acme")
    await acme.refused("POST", KEYS, {"name": "ci"}, status=503)
    await acme.services.secrets.write("cache-key/acme", {"cache_key": "short"}, version=None)
    await acme.refused("POST", KEYS, {"name": "ci"}, status=503)
    assert (await acme.made("GET", KEYS))["data"] == []
    assert (await acme.trail())[0]["outcome"] == "failed: outage"


async def test_a_key_id_that_is_taken_by_chance_is_no_ones_end(tmp_path: Path) -> None:
    def same_ids(services: AdminServices) -> AdminServices:
        return replace(services, random=lambda size: bytes(size) if size == KEY_ID_BYTES else os.urandom(size))

    async with desk_over(tmp_path, change=same_ids) as desk:
        await desk.acme()
        first = await desk.made("POST", KEYS, {"name": "first"})
        assert (await desk.refused("POST", KEYS, {"name": "second"}, status=409))["code"] == "conflict"
        assert (await desk.made("GET", f"{KEYS}/{first['key_id']}"))["name"] == "first"


# --- virtual models ---------------------------------------------------------------------------------------------------


async def test_a_virtual_model_is_made_replaced_and_removed(acme: Desk) -> None:
    path = "/orgs/acme/models/team/fast"
    body = {"candidates": [{"model": "gpt-4o-mini"}, {"model": "claude-haiku-4-5", "endpoint": "main", "weight": 0}]}
    assert (await acme.ask("PUT", path, body)).status_code == 201
    other = {**body, "strategy": "fastest", "fallback_on": ["content_policy", "context_window"]}
    answer = await acme.ask("PUT", path, other)
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "team/fast",
        "strategy": "fastest",
        "candidates": [
            {"model": "gpt-4o-mini", "endpoint": None, "weight": 1},
            {"model": "claude-haiku-4-5", "endpoint": "main", "weight": 0},
        ],
        "fallback_on": ["content_policy", "context_window"],
    }
    assert (await acme.made("GET", "/orgs/acme"))["models"] == [answer.json()]
    assert (await acme.trail())[0]["changes"]["strategy"] == {"before": "priority", "after": "fastest"}
    assert (await acme.made("DELETE", path))["deleted"] is True
    assert (await acme.refused("DELETE", path, status=404))["code"] == "model_not_found"
    assert (await acme.made("GET", "/orgs/acme"))["models"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"candidates": []},
        {"candidates": [{"model": "m"}] * 17},
        {"candidates": [{"model": "m", "endpoint": "a b"}]},
        {"candidates": ["m"]},
        {"candidates": [{"model": "m"}], "strategy": "luck"},
        {"candidates": [{"model": "m"}], "fallback_on": ["rain"]},
        {"candidates": [{"model": "m"}], "name": "other"},
    ],
)
async def test_what_no_virtual_model_can_be_is_refused(acme: Desk, body: Any) -> None:
    await acme.refused("PUT", "/orgs/acme/models/fast", body)
    assert (await acme.made("GET", "/orgs/acme"))["models"] == []


async def test_an_org_has_no_two_virtual_models_of_one_name_and_not_too_many(acme: Desk) -> None:
    one = {"name": "m", "candidates": [{"model": "x"}]}
    await acme.refused("PATCH", "/orgs/acme", {"models": [one, one]})
    many = [{**one, "name": f"m{number}"} for number in range(101)]
    await acme.refused("PATCH", "/orgs/acme", {"models": many})
    await acme.made("PATCH", "/orgs/acme", {"models": many[1:]})
    await acme.refused("PUT", "/orgs/acme/models/one-more", {"candidates": [{"model": "x"}]})


async def test_an_org_has_no_more_than_its_record_and_its_trail_can_hold(acme: Desk) -> None:
    candidates = [{"model": f"{number:0256d}"} for number in range(16)]
    wide = [{"name": f"m{number}", "candidates": candidates} for number in range(40)]
    error = await acme.refused("PATCH", "/orgs/acme", {"models": wide}, status=413)
    assert error["code"] == "too_large"
    await acme.made("PATCH", "/orgs/acme", {"models": wide[:30]})
    for number in range(30, 40):
        answer = await acme.ask("PUT", f"/orgs/acme/models/m{number}", {"candidates": candidates})
    assert answer.status_code == 413
    # The largest change that there can be: everything as it was, and everything as it is.
    other = [{**each, "strategy": "fastest"} for each in wide[:30]]
    await acme.made("PATCH", "/orgs/acme", {"models": other})
    entry = (await acme.services.control.page("ORG#acme", "AUDIT#", now=0, limit=1, order="descending"))[0]
    assert len(json.dumps(entry.document)) < 400_000
