"""The audit trail, and that no secret is in it or anywhere else that it should not be."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cache.sealed import NONCE_SIZE
from handlers.admin.app import _ROUTES
from infra.control.store import ControlFault, ItemKey
from tests.handlers.admin.desk import ADMIN_KEY, MARKED, MARKED_HEADER, BrokenControl, BrokenSecrets, desk_over

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.handlers.admin.desk import Desk

CANDIDATES = {"candidates": [{"model": "gpt-4"}]}
NEXT_SECRET = "sk-marked-too-the-next-secret"

# Every route that changes something, in an order in which each finds what it needs, and what it leaves in the trail.
CHANGES: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/orgs", {"org_id": "acme"}, "org.create", "acme"),
    ("PATCH", "/orgs/{org}", {"share_cache": True}, "org.set", "acme"),
    ("POST", "/orgs/{org}/purge-cache", {}, "org.purge_cache", "acme"),
    (
        "PUT",
        "/orgs/{org}/endpoints/{name}",
        {"provider": "openai", "secret": MARKED, "base_url": "http://127.0.0.1:9", "headers": {"x-t": MARKED_HEADER}},
        "endpoint.add",
        "main",
    ),
    ("POST", "/orgs/{org}/endpoints/{name}/test", {"model": "gpt-4"}, "endpoint.test", "main"),
    ("POST", "/orgs/{org}/endpoints/{name}/rotate", {"secret": NEXT_SECRET}, "endpoint.rotate", "main"),
    ("PUT", "/orgs/{org}/models/{name:path}", CANDIDATES, "model.set", "main"),
    ("DELETE", "/orgs/{org}/models/{name:path}", None, "model.remove", "main"),
    ("POST", "/orgs/{org}/keys", {"name": "ci"}, "key.create", "{key_id}"),
    ("PATCH", "/orgs/{org}/keys/{key_id}", {"owner": "ada"}, "key.set", "{key_id}"),
    ("DELETE", "/orgs/{org}/keys/{key_id}", None, "key.revoke", "{key_id}"),
    ("DELETE", "/orgs/{org}/endpoints/{name}", None, "endpoint.remove", "main"),
]


def filled(path: str, key_id: str) -> str:
    return path.replace("{name:path}", "main").format(org="acme", name="main", key_id=key_id)


async def change_everything(desk: Desk) -> tuple[list[str], str, str]:
    """Makes every change; what was answered, and the issued key with its id."""
    answers, key_id, key = [], "", ""
    for method, path, body, _, _ in CHANGES:
        answer = await desk.ask(method, filled(path, key_id), body)
        assert answer.is_success, answer.text
        shown = answer.json()
        key_id, key = shown.get("key_id", key_id), shown.pop("key", key)
        answers.append(json.dumps(shown))
    return answers, key_id, key


def test_every_route_that_changes_something_is_among_the_changes() -> None:
    routes = {(method, path) for path, answers in _ROUTES.items() for method in answers if method != "GET"}
    assert {(method, path) for method, path, *_ in CHANGES} == routes


async def test_every_change_leaves_an_entry_that_says_who_what_and_how_it_ended(desk: Desk) -> None:
    _, key_id, _ = await change_everything(desk)
    entries = (await desk.trail())[::-1]
    told = [(entry["action"], entry["subject"], entry["outcome"]) for entry in entries]
    assert told == [(action, filled(subject, key_id), "done") for *_, action, subject in CHANGES]
    assert len({entry["id"] for entry in entries}) == len(CHANGES)
    assert {entry["actor"] for entry in entries} == {"admin-key:" + entries[0]["actor"].partition(":")[2]}
    assert entries[1]["changes"] == {"share_cache": {"before": False, "after": True}}
    assert entries[5]["changes"]["secret"]["after"]["last4"] == NEXT_SECRET[-4:]
    assert [entry["at"] for entry in entries] == sorted(entry["at"] for entry in entries)


async def test_reading_leaves_none(desk: Desk) -> None:
    await desk.acme()
    for path in ("/orgs", "/orgs/acme", "/orgs/acme/keys", "/orgs/acme/endpoints", "/orgs/acme/audit"):
        await desk.made("GET", path)
    assert len(await desk.trail()) == 1


async def test_no_secret_is_in_the_file_the_answers_the_trail_or_the_log(tmp_path: Path) -> None:
    async with desk_over(tmp_path) as desk:
        answers, _, key = await change_everything(desk)
        answers += [json.dumps(await desk.made("GET", path)) for path in ("/orgs/acme/keys", "/orgs/acme/audit")]
        answers.append(json.dumps(await desk.made("GET", "/orgs/acme/endpoints")))
        documents = [await desk.services.secrets.read(name) for name in ("org/acme", "cache-key/acme")]
        files = contents(tmp_path)
        assert b"endpoint.rotate" in files  # the trail is plain, so this is where a secret would show
        said = "".join([*answers, *desk.reports, repr(documents), repr(desk.services)])
    files += contents(tmp_path)
    keys = [document.value[name] for document in documents if document for name in document.value if "_key" in name]
    assert len(keys) == 2
    for secret in (MARKED, NEXT_SECRET, MARKED_HEADER, key, key.rpartition("_")[2], ADMIN_KEY, *keys):
        assert isinstance(secret, str)
        assert secret not in said
        assert secret.encode() not in files


def contents(folder: Path) -> bytes:
    """Of the store's files, the write-ahead log among them."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file())


@pytest.mark.parametrize("number", range(len(CHANGES)))
async def test_what_cannot_be_written_down_is_not_done(tmp_path: Path, number: int) -> None:
    """The trail fails from the first write of this change on."""
    broken: BrokenControl | None = None

    def with_broken(services: Any) -> Any:
        nonlocal broken
        broken = BrokenControl(services.control)
        return replace(services, control=broken)

    async with desk_over(tmp_path, change=with_broken) as desk:
        assert broken is not None
        key_id = ""
        for method, path, body, _, _ in CHANGES[:number]:
            key_id = (await desk.made(method, filled(path, key_id), body)).get("key_id", key_id)
        before = await everything(desk)
        broken.broken = lambda keys: any(key.sort.startswith("AUDIT#") for key in keys)
        method, path, body, _, _ = CHANGES[number]
        error = await desk.refused(method, filled(path, key_id), body, status=503)
        assert error["code"] == "key_store_unavailable"
        assert await everything(desk) == before


async def everything(desk: Desk) -> list[Any]:
    control, secrets = desk.services.control, desk.services.secrets
    items = [*await control.page("ORG#acme", "", now=0), *await control.page("ORGS", "", now=0)]
    return [*items, await secrets.read("org/acme"), await secrets.read("cache-key/acme")]


async def test_a_change_whose_end_cannot_be_written_is_done_and_stays_started(tmp_path: Path) -> None:
    """A key that was issued must be shown: nobody could show it again."""
    audits = 0

    def second_audit(keys: Sequence[ItemKey]) -> bool:
        nonlocal audits
        audits += any(key.sort.startswith("AUDIT#") for key in keys)
        return audits == 4

    def with_broken(services: Any) -> Any:
        return replace(services, control=BrokenControl(services.control, second_audit))

    async with desk_over(tmp_path, change=with_broken) as desk:
        await desk.acme()
        assert (await desk.made("POST", "/orgs/acme/keys", {"name": "ci"}))["key"]
        assert [entry["outcome"] for entry in await desk.trail()] == ["started", "done"]
        (report,) = desk.reports
        assert "was not completed (done)" in report


async def test_an_outage_in_the_middle_is_a_503_and_a_failed_entry(tmp_path: Path) -> None:
    secrets: BrokenSecrets | None = None

    def with_broken(services: Any) -> Any:
        nonlocal secrets
        secrets = BrokenSecrets(services.secrets)
        return replace(services, secrets=secrets)

    async with desk_over(tmp_path, change=with_broken) as desk:
        assert secrets is not None
        await desk.acme()
        secrets.out = True
        error = await desk.refused("POST", "/orgs/acme/keys", {"name": "ci"}, status=503)
        assert (error["code"], error["type"]) == ("secret_store_unavailable", "service_unavailable_error")
        assert (await desk.trail())[0]["outcome"] == "failed: outage"
        assert json.loads(desk.reports[0]) == {"admin": "outage", "fault": "the store is out"}


async def test_a_bug_is_a_500_that_quotes_nothing(tmp_path: Path) -> None:
    def with_bug(services: Any) -> Any:
        return replace(services, random=lambda size: b"too short" if size == NONCE_SIZE else os.urandom(size))

    async with desk_over(tmp_path, change=with_bug) as desk:
        await desk.acme()
        error = await desk.refused("POST", "/orgs/acme/keys", {"name": "ci"}, status=500)
        assert (error["code"], error["type"]) == ("internal_error", "server_error")
        (report,) = desk.reports
        assert json.loads(report)["admin"] == "bug"
        assert "too short" not in report
        assert (await desk.trail())[0]["outcome"] == "failed: internal_error"


async def test_the_trail_is_read_newest_first_page_by_page(desk: Desk) -> None:
    await desk.acme()
    for number in range(4):
        await desk.made("PATCH", "/orgs/acme", {"assumed_output_tokens": number + 1})
    first = await desk.made("GET", "/orgs/acme/audit?limit=3")
    answer = await desk.http.get("/admin/v1/orgs/acme/audit", params={"limit": 3, "after": first["next"]})
    entries = [*first["data"], *answer.json()["data"]]
    assert entries == await desk.trail()
    after = [entry["changes"]["assumed_output_tokens"]["after"] for entry in entries]
    assert after == [4, 3, 2, 1, 4096]


async def test_a_fault_of_the_store_is_never_a_wrong_answer(tmp_path: Path) -> None:
    def with_broken(services: Any) -> Any:
        return replace(services, control=BrokenControl(services.control, lambda _: True))

    async with desk_over(tmp_path, change=with_broken) as desk:
        for path in ("/orgs/acme", "/orgs/acme/keys", "/orgs/acme/endpoints"):
            await desk.refused("GET", path, status=503)
        with pytest.raises(ControlFault):
            await desk.services.control.get([ItemKey("a", "b")], now=0)
