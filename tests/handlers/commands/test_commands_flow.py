"""The commands from an empty machine on: the embedded store, and the same over HTTP."""

from __future__ import annotations

import stat
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from infra.control.key_text import parse
from infra.control.store import ItemKey, Put
from providers.secret import Secret
from tests.handlers.admin.desk import ADMIN_KEY, desk_over
from tests.handlers.commands.shell import Shell, shell_in
from tests.simulator import Simulator, Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from infra.control.store import Json

SECRET = "sk-marked-secret-of-a-provider"


@asynccontextmanager
async def local(folder: Path, simulator: Simulator) -> AsyncIterator[Shell]:
    yield shell_in(folder, **simulator.environment())


@asynccontextmanager
async def remote(folder: Path, simulator: Simulator) -> AsyncIterator[Shell]:
    async with desk_over(folder, simulator.environment()) as desk:
        yield shell_in(folder, "--url", str(desk.http.base_url), SABIR_ADMIN_KEY=ADMIN_KEY)


@pytest.fixture(params=[local, remote])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Shell, Simulator]]:
    async with Simulator() as simulator, request.param(tmp_path, simulator) as shell:
        yield shell, simulator


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return shell_in(tmp_path)


async def test_from_nothing_to_a_key_with_two_providers_and_a_name_of_its_own(place: tuple[Shell, Simulator]) -> None:
    shell, simulator = place
    assert "There is no org yet" in await shell.run("org", "list")
    made = await shell.run("org", "create", "acme", "--share-cache", "--usd-per-month", "100")
    assert "Created the org acme" in made
    added = await shell.run("endpoint", "add", "acme", "main", "--provider", "openai", typed=f"{SECRET}\n")
    assert "…ider" in added
    from_env = ("--provider", "anthropic", "--from-env", "CLAUDE_KEY", "--model", "claude-*")
    await shell.run("endpoint", "add", "acme", "claude", *from_env, CLAUDE_KEY="sk-ant-marked")
    tried = await shell.run("endpoint", "test", "acme", "main", "--model", "gpt-4o-mini")
    assert "main: openai/gpt-4o-mini answered 200 in" in tried
    assert "It works." in tried
    simulator.next(Status(401))
    refused = await shell.run("endpoint", "test", "acme", "main", "--model", "gpt-4o-mini", code=1)
    assert "answered 401" in refused
    fast = ("--candidate", "gpt-4o-mini", "--candidate", "claude-haiku-4-5,endpoint=claude,weight=3")
    chained = ("--strategy", "fastest", "--fallback-on", "context_window")
    defined = await shell.run("model", "set", "acme", "fast", *fast, *chained)
    assert "fast is gpt-4o-mini, claude-haiku-4-5 at claude *3 by fastest, also on context_window." in defined
    issued = await shell.run("key", "create", "acme", "--name", "ci", "--requests-per-minute", "60")
    assert "only time" in issued
    (key,) = [line.strip() for line in issued.splitlines() if line.startswith("  sbr_")]
    ids = parse(Secret(key))
    assert ids is not None

    shown = "".join([await shell.run(*command) for command in (
        ("org", "show", "acme"),
        ("endpoint", "list", "acme"),
        ("key", "list", "acme"),
        ("key", "show", "acme", ids.key_id),
        ("model", "list", "acme"),
        ("audit", "acme"),
    )])  # fmt: skip
    for word in (
        "$100.00/month",
        "shared among its keys",
        "claude-*",
        "60 requests/min",
        "fastest",
        "endpoint.add main",
    ):
        assert word in shown
    assert ids.key_id in shown
    for secret in (SECRET, "sk-ant-marked", key, key.rpartition("_")[2]):
        assert secret not in shown + added + tried + refused


async def test_everything_can_be_changed_and_taken_back(place: tuple[Shell, Simulator]) -> None:
    shell, _ = place
    await shell.run("org", "create", "acme")
    changed = await shell.run("org", "set", "acme", "--usd-per-day", "5", "--limits-when-down", "open", "--share-cache")
    assert "$5.00/day" in changed
    changed = await shell.json("org", "set", "acme", "--usd-per-day", "none", "--no-share-cache")
    assert (changed["limits"]["usd_per_day"], changed["share_cache"], changed["limits_when_down"]) == (
        None,
        False,
        "open",
    )
    assert "epoch 1" in await shell.run("org", "purge-cache", "acme")
    assert "content    not kept" in await shell.run("org", "show", "acme")
    logged = await shell.run("org", "set", "acme", "--content-log", "10%", "--content-log-days", "3")
    assert "content    of 10% of the requests, sealed, for 3 days" in logged
    assert "content    of 25% of" in await shell.run("org", "set", "acme", "--content-log", "25")
    assert "content    not kept" in await shell.run("org", "set", "acme", "--content-log", "off")

    await shell.run("endpoint", "add", "acme", "main", "--provider", "openai", typed=SECRET)
    assert "already" in await shell.run("endpoint", "add", "acme", "main", "--provider", "openai", typed=SECRET, code=1)
    await shell.run("endpoint", "set", "acme", "main", "--disable", "--weight", "0", "--alias", "mine=gpt-4o")
    (shown,) = await shell.json("endpoint", "list", "acme")
    assert (shown["enabled"], shown["weight"], shown["aliases"]) == (False, 0, {"mine": "gpt-4o"})
    moved = ("endpoint", "set", "acme", "main", "--base-url", "http://127.0.0.1:9/v1")
    assert "needed again" in await shell.run(*moved, code=1)
    await shell.run(*moved, "--new-secret", typed="sk-of-the-other-place\n")
    rotated = await shell.run(
        "endpoint", "rotate", "acme", "main", "--secret-file", "-", typed="sk-the-next-one-of-it\n"
    )
    assert "…f-it" in rotated
    assert "Aborted" in await shell.run("endpoint", "remove", "acme", "main", typed="n\n", code=1)
    await shell.run("endpoint", "remove", "acme", "main", "--yes")

    issued = await shell.json("key", "create", "acme", "--name", "ci", "--model", "gpt-*", "--provider", "openai")
    key_id = issued["key_id"]
    changed = await shell.json(
        "key", "set", "acme", key_id, "--all-models", "--owner", "ada", "--tokens-per-minute", "9"
    )
    assert (changed["models"], changed["providers"], changed["owner"]) == ([], ["openai"], "ada")
    assert "Revoked" in await shell.run("key", "revoke", "acme", key_id, typed="y\n")
    assert (await shell.json("key", "list", "acme"))[0]["status"] == "revoked"

    await shell.run("model", "set", "acme", "team/fast", "--candidate", "gpt-4o")
    await shell.run("model", "remove", "acme", "team/fast")
    assert await shell.json("model", "list", "acme") == []


async def test_the_trail_names_who_typed(shell: Shell) -> None:
    await shell.run("org", "create", "acme")
    (entry,) = await shell.json("audit", "acme")
    assert entry["actor"].startswith("local:")
    assert entry["outcome"] == "done"


async def test_a_long_trail_is_read_page_by_page_as_far_as_is_wanted(tmp_path: Path) -> None:
    async with desk_over(tmp_path) as desk:
        await desk.acme()
        for number in range(104):
            await desk.made("PATCH", "/orgs/acme", {"assumed_output_tokens": number + 1})
        shell = shell_in(tmp_path, "--url", str(desk.http.base_url), SABIR_ADMIN_KEY=ADMIN_KEY)
        for limit, count in ((3, 3), (102, 102), (1000, 105)):
            assert len(await shell.json("audit", "acme", "--limit", str(limit))) == count


async def test_an_expiry_is_a_span_a_date_or_never(shell: Shell) -> None:
    await shell.run("org", "create", "acme")
    before = int(time.time())
    issued = await shell.json("key", "create", "acme", "--name", "ci", "--expires", "30d")
    assert before + 30 * 86_400 <= issued["expires_at"] <= time.time() + 30 * 86_400
    path = ("key", "set", "acme", issued["key_id"], "--expires")
    assert (await shell.json(*path, "2999-01-31"))["expires_at"] == 32_474_736_000
    assert (await shell.json(*path, "2999-01-31T01:00:00+01:00"))["expires_at"] == 32_474_736_000
    assert (await shell.json(*path, "never"))["expires_at"] is None
    assert "passed already" in await shell.run(*path, "2001-01-01", code=1)


async def test_what_it_keeps_its_owner_alone_can_read(shell: Shell, tmp_path: Path) -> None:
    await shell.run("org", "create", "acme")
    for file in (tmp_path / "data" / "sabir" / "control.db", tmp_path / "config" / "sabir" / "master.key"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_headers_come_from_the_environment_too(shell: Shell, tmp_path: Path) -> None:
    await shell.run("org", "create", "acme")
    headers = ("--header-from-env", "X-Team=TEAM")
    add = (
        "endpoint",
        "add",
        "acme",
        "main",
        "--provider",
        "openai",
        "--secret-file",
        str(tmp_path / "secret"),
        *headers,
    )
    (tmp_path / "secret").write_text(f"{SECRET}\n", "utf-8")
    shown = await shell.json(*add, TEAM="blue-team")
    assert list(shown["headers"]) == ["x-team"]
    assert shown["secret"]["last4"] == SECRET[-4:]


async def test_a_list_is_read_to_its_end(tmp_path: Path) -> None:
    async with desk_over(tmp_path) as desk:
        for number in range(5):
            listed: Mapping[str, Json] = {"org_id": f"o{number}", "created_at": 1}
            rows = [Put(ItemKey("ORGS", f"o{number}-{each}"), listed, version=0) for each in range(25)]
            await desk.services.control.write(rows, now=0)
        shell = shell_in(tmp_path, "--url", str(desk.http.base_url), SABIR_ADMIN_KEY=ADMIN_KEY)
        orgs = [each["org_id"] for each in await shell.json("org", "list")]
        assert len(orgs) == len(set(orgs)) == 125


async def test_no_endpoint_is_added_to_an_org_that_is_not_there(shell: Shell) -> None:
    said = await shell.run("endpoint", "add", "nobody", "main", "--provider", "openai", typed=SECRET, code=1)
    assert said.endswith("Error: There is no org 'nobody'.\n")


async def test_a_limit_may_be_written_with_its_dollar_sign(shell: Shell) -> None:
    made = await shell.json("org", "create", "acme", "--usd-per-month", "$12.5", "--parallel", "none")
    assert (made["limits"]["usd_per_month"], made["limits"]["parallel_requests"]) == ("12.50", None)
