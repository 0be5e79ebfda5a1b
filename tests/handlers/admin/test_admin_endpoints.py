"""Endpoints: secrets that go in, and never come out."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from infra.secrets.org_secrets import read_org_secrets
from tests.handlers.admin.desk import MARKED, MARKED_HEADER

if TYPE_CHECKING:
    from infra.secrets.org_secrets import OrgSecrets
    from infra.secrets.store import Stage
    from tests.handlers.admin.desk import Desk

MAIN = "/orgs/acme/endpoints/main"


async def stored(desk: Desk, stage: Stage = "current") -> OrgSecrets:
    document = await desk.services.secrets.read("org/acme", stage)
    assert document is not None
    return read_org_secrets(document)


async def test_an_endpoint_is_kept_whole_and_shown_by_fingerprint(desk: Desk) -> None:
    await desk.acme()
    body = {
        "provider": "openai",
        "secret": MARKED,
        "base_url": "https://openai.example/v1/",
        "models": ["gpt-4o*"],
        "aliases": {"mine": "gpt-4o-2024-11-20"},
        "weight": 3,
        "headers": {"X-Team": MARKED_HEADER},
        "region": "eu",
    }
    answer = await desk.ask("PUT", MAIN, body)
    assert answer.status_code == 201
    assert answer.json() == {
        "object": "endpoint",
        "name": "main",
        "provider": "openai",
        "secret": {"fingerprint": hashlib.sha256(MARKED.encode()).hexdigest()[:8], "last4": MARKED[-4:]},
        "base_url": "https://openai.example/v1",
        "models": ["gpt-4o*"],
        "aliases": {"mine": "gpt-4o-2024-11-20"},
        "weight": 3,
        "headers": {"x-team": {"fingerprint": hashlib.sha256(MARKED_HEADER.encode()).hexdigest()[:8]}},
        "region": "eu",
        "enabled": True,
    }
    assert await desk.made("GET", MAIN) == answer.json()
    assert (await desk.made("GET", "/orgs/acme/endpoints"))["data"] == [answer.json()]
    (endpoint,) = (await stored(desk)).endpoints
    assert endpoint.secret.reveal() == MARKED
    assert endpoint.headers == {"x-team": MARKED_HEADER}


async def test_a_short_secret_shows_no_end(desk: Desk) -> None:
    await desk.acme()
    shown = await desk.made("PUT", MAIN, {"provider": "ollama", "secret": "none"})
    assert shown["secret"]["last4"] == ""


async def test_a_second_put_changes_what_it_names(desk: Desk) -> None:
    await desk.acme_with_endpoint(weight=3, headers={"x-team": MARKED_HEADER})
    token_key = (await stored(desk)).token_key
    answer = await desk.ask("PUT", MAIN, {"enabled": False, "models": ["gpt-4o"]})
    assert answer.status_code == 200
    assert (answer.json()["weight"], answer.json()["enabled"], answer.json()["models"]) == (3, False, ["gpt-4o"])
    kept = await stored(desk)
    assert kept.endpoints[0].secret.reveal() == MARKED
    assert kept.endpoints[0].headers == {"x-team": MARKED_HEADER}
    assert kept.token_key == token_key


async def test_endpoints_stand_in_the_order_in_which_they_came(desk: Desk) -> None:
    await desk.acme()
    for name in ("b", "a", "c"):
        await desk.made("PUT", f"/orgs/acme/endpoints/{name}", {"provider": "openai", "secret": MARKED})
    await desk.made("PUT", "/orgs/acme/endpoints/a", {"weight": 9})
    await desk.made("DELETE", "/orgs/acme/endpoints/b")
    found = (await desk.made("GET", "/orgs/acme/endpoints"))["data"]
    assert [(each["name"], each["weight"]) for each in found] == [("a", 9), ("c", 1)]


@pytest.mark.parametrize("moved", [{"base_url": "https://elsewhere.example/v1"}, {"provider": "groq"}, {"region": "x"}])
async def test_a_secret_does_not_move_to_another_address(desk: Desk, moved: dict[str, str]) -> None:
    await desk.acme_with_endpoint(headers={"x-team": MARKED_HEADER})
    error = await desk.refused("PUT", MAIN, moved)
    assert error["param"] == "secret"
    assert "again" in error["message"]
    await desk.made("PUT", MAIN, {**moved, "secret": "another-secret-of-that-place"})
    (endpoint,) = (await stored(desk)).endpoints
    assert endpoint.secret.reveal() == "another-secret-of-that-place"
    assert endpoint.headers == {}


@pytest.mark.parametrize(
    ("body", "param", "word"),
    [
        ({"provider": "openai"}, "secret", "needed"),
        ({"secret": MARKED}, "provider", "needed"),
        ({"provider": "nobody", "secret": MARKED}, "provider", "anthropic"),
        ({"provider": "anthropic", "secret": "sk-proj-abc"}, "secret", "openai"),
        ({"provider": "openai", "secret": "sbr_acme_x"}, "secret", "Sabir key"),
        ({"provider": "openai", "secret": MARKED, "wieght": 2}, "wieght", "weight"),
        ({"provider": "openai", "secret": MARKED, "weight": -1}, None, "weight"),
        ({"provider": "openai", "secret": "with blank"}, None, "secret"),
        ({"provider": "openai", "secret": MARKED, "headers": {"authorization": "x"}}, None, "authorization"),
        ({"provider": "openai", "secret": MARKED, "base_url": "ftp://x"}, None, "base_url"),
    ],
)
async def test_what_no_endpoint_can_be_is_refused(desk: Desk, body: Any, param: str | None, word: str) -> None:
    await desk.acme()
    error = await desk.refused("PUT", MAIN, body)
    assert error["param"] == param
    assert word in error["message"]
    assert MARKED not in error["message"]
    assert (await stored(desk)).endpoints == ()


async def test_another_hosts_key_is_no_mistake_where_the_address_is_another(desk: Desk) -> None:
    await desk.acme()
    body = {"provider": "openai", "secret": "gsk_of-a-gateway", "base_url": "https://gateway.example/v1"}
    await desk.made("PUT", MAIN, body)


async def test_a_name_that_cannot_be_one_is_refused(desk: Desk) -> None:
    await desk.acme()
    await desk.refused("PUT", "/orgs/acme/endpoints/-main", {"provider": "openai", "secret": MARKED})


async def test_a_rotated_secret_is_current_and_the_old_one_previous(desk: Desk) -> None:
    await desk.acme_with_endpoint(weight=2)
    shown = await desk.made("POST", f"{MAIN}/rotate", {"secret": "sk-the-next-secret-of-it"})
    assert (shown["secret"]["last4"], shown["weight"]) == ("f-it", 2)
    assert (await stored(desk)).endpoints[0].secret.reveal() == "sk-the-next-secret-of-it"
    assert (await stored(desk, "previous")).endpoints[0].secret.reveal() == MARKED


async def test_a_rotation_to_the_same_secret_is_refused(desk: Desk) -> None:
    """It would make the previous version the same as the current one, and lose the one before."""
    await desk.acme_with_endpoint()
    assert (await desk.refused("POST", f"{MAIN}/rotate", {"secret": MARKED}))["code"] == "same_secret"
    await desk.refused("POST", f"{MAIN}/rotate", {})
    await desk.refused("POST", f"{MAIN}/rotate", {"secret": "sbr_acme_x"})


async def test_what_is_removed_is_gone(desk: Desk) -> None:
    await desk.acme_with_endpoint()
    assert (await desk.made("DELETE", MAIN))["deleted"] is True
    assert (await stored(desk)).endpoints == ()
    for method, path in (("GET", MAIN), ("DELETE", MAIN), ("POST", f"{MAIN}/test")):
        assert (await desk.refused(method, path, status=404))["code"] == "endpoint_not_found"
    await desk.refused("POST", f"{MAIN}/rotate", {"secret": "x"}, status=404)


async def test_a_put_that_changes_nothing_writes_nothing(desk: Desk) -> None:
    await desk.acme_with_endpoint()
    version = (await stored(desk)).version
    await desk.made("PUT", MAIN, {"weight": 1})
    assert (await stored(desk)).version == version
    assert [entry["action"] for entry in await desk.trail()] == ["endpoint.add", "org.create"]


async def test_more_than_a_secret_can_hold_is_a_413_and_an_entry_that_says_so(desk: Desk) -> None:
    await desk.acme()
    long = {"provider": "openai", "secret": "s" * 16_000}
    for number in range(4):
        await desk.made("PUT", f"/orgs/acme/endpoints/e{number}", long)
    error = await desk.refused("PUT", "/orgs/acme/endpoints/e4", long, status=413)
    assert error["code"] == "too_large"
    assert len((await stored(desk)).endpoints) == 4
    assert (await desk.trail())[0]["outcome"] == "failed: too_large"


async def test_an_org_whose_secrets_cannot_be_read_is_an_outage_and_no_empty_list(desk: Desk) -> None:
    await desk.acme()
    await desk.services.secrets.delete("org/acme")
    await desk.refused("GET", "/orgs/acme/endpoints", status=503)
    await desk.services.secrets.write("org/acme", {"schema": 9}, version=None)
    await desk.refused("PUT", MAIN, {"provider": "openai", "secret": MARKED}, status=503)


async def test_two_endpoints_that_come_at_once_are_both_kept(desk: Desk) -> None:
    await desk.acme()
    body = {"provider": "openai", "secret": MARKED}
    answers = await asyncio.gather(*(desk.ask("PUT", f"/orgs/acme/endpoints/{name}", body) for name in "ab"))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert {each.name for each in (await stored(desk)).endpoints} == {"a", "b"}
