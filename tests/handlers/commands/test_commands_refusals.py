"""What goes wrong, in plain words, with an exit status to tell the kinds apart; and that no secret is an argument."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest
from starlette.responses import PlainTextResponse

from handlers.cli import main
from handlers.commands.local_store import local_environment
from handlers.commands.place import admin_url
from tests.contract.rig import serving
from tests.handlers.admin.desk import ADMIN_KEY, BrokenSecrets, desk_over
from tests.handlers.commands.shell import Shell, shell_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return shell_in(tmp_path)


async def test_what_is_refused_is_said_in_the_apis_words(shell: Shell) -> None:
    said = await shell.run("org", "show", "nobody", code=1)
    assert said == "Error: There is no org 'nobody'.\n"


async def test_an_api_that_nobody_serves_is_status_3(shell: Shell) -> None:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    said = await shell.run("org", "list", "--url", f"http://127.0.0.1:{port}", code=3, SABIR_ADMIN_KEY=ADMIN_KEY)
    assert "cannot reach the admin API" in said
    assert ADMIN_KEY not in said


async def test_an_outage_is_status_3_and_a_wrong_key_status_1(shell: Shell, tmp_path: Path) -> None:
    def with_outage(services: Any) -> Any:
        return replace(services, secrets=BrokenSecrets(services.secrets, out=True))

    async with desk_over(tmp_path, change=with_outage) as desk:
        there = ("--url", str(desk.http.base_url))
        said = await shell.run("org", "create", "acme", *there, code=3, SABIR_ADMIN_KEY=ADMIN_KEY)
        assert "store of secrets" in said
        said = await shell.run("org", "list", *there, code=1, SABIR_ADMIN_KEY="sba_wrong")
        assert said == "Error: This is not the admin key.\n"


async def test_something_else_at_the_url_is_said_to_be_something_else(shell: Shell) -> None:
    for app in (PlainTextResponse("hello"), PlainTextResponse("hello", 404)):
        async with serving(app) as url:
            said = await shell.run("org", "list", "--url", url, code=1, SABIR_ADMIN_KEY=ADMIN_KEY)
            assert "admin API" in said
            assert "Traceback" not in said


async def test_the_admin_key_is_asked_for_and_not_shown(shell: Shell, tmp_path: Path) -> None:
    async with desk_over(tmp_path) as desk:
        said = await shell.run("org", "list", "--url", str(desk.http.base_url), typed=f"{ADMIN_KEY}\n")
        assert "Admin key" in said
        assert ADMIN_KEY not in said


@pytest.mark.parametrize(
    "url", ["http://sabir.example/prod", "ftp://x", "nowhere", "https://user@x", "https://x?a=b", "https://x/#f"]
)
async def test_the_admin_key_goes_to_no_doubtful_address(shell: Shell, url: str) -> None:
    said = await shell.run("org", "list", "--url", url, code=2, SABIR_ADMIN_KEY=ADMIN_KEY)
    assert "http" in said
    assert ADMIN_KEY not in said


@pytest.mark.parametrize("given", ["", "/", "/admin", "/admin/", "/admin/v1", "/v1"])
def test_any_part_of_the_apis_url_will_do(given: str) -> None:
    assert admin_url(f"https://x.example/prod{given}") == "https://x.example/prod/admin/v1"


async def test_a_key_with_letters_that_no_header_takes_is_a_mistake_of_usage(shell: Shell) -> None:
    said = await shell.run("org", "list", "--url", "https://x.example", code=2, SABIR_ADMIN_KEY="sba_é")
    assert "cannot have" in said


@pytest.mark.parametrize(
    "args",
    [
        ("org", "set", "acme"),
        ("key", "set", "acme", "aaaaaaaaaa"),
        ("endpoint", "set", "acme", "main"),
        ("org", "set", "acme", "--usd-per-day", "1,50"),
        ("org", "set", "acme", "--requests-per-minute", "many"),
        ("key", "create", "acme"),
        ("key", "create", "acme", "--name", "x", "--expires", "soon"),
        ("model", "set", "acme", "fast"),
        ("model", "set", "acme", "fast", "--candidate", "m,wait=3"),
        ("model", "set", "acme", "fast", "--candidate", ",weight=3"),
        ("model", "set", "acme", "fast", "--candidate", "m,weight"),
        ("endpoint", "add", "acme", "main", "--provider", "p", "--from-env", "A", "--secret-file", "b"),
        ("endpoint", "add", "acme", "main", "--provider", "p", "--from-env", "SABIR_NOT_SET"),
        ("endpoint", "add", "acme", "main", "--provider", "p", "--secret-file", "/nowhere/at/all"),
        ("endpoint", "add", "acme", "main", "--provider", "p", "--secret-file", "-"),
        ("endpoint", "set", "acme", "main", "--alias", "=x"),
        ("endpoint", "set", "acme", "main", "--header-from-env", "x=SABIR_NOT_SET"),
        ("bootstrap",),
    ],
    ids=" ".join,
)
async def test_a_mistake_of_usage_is_status_2_and_changes_nothing(shell: Shell, args: tuple[str, ...]) -> None:
    said = await shell.run(*args, typed="", code=2)
    assert "Error" in said
    assert await shell.json("org", "list") == []


async def test_a_secret_in_the_wrong_place_is_not_quoted(shell: Shell) -> None:
    for option in ("--from-env", "--secret-file"):
        said = await shell.run("endpoint", "rotate", "acme", "main", option, "sk-marked", code=2)
        assert "sk-marked" not in said


async def test_a_store_that_cannot_be_opened_is_said_in_plain_words(shell: Shell, tmp_path: Path) -> None:
    key = tmp_path / "config" / "sabir" / "master.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(b"x" * 32)
    key.chmod(0o644)
    said = await shell.run("org", "list", code=1)
    assert "open to others" in said
    assert "Traceback" not in said


# --- help -------------------------------------------------------------------------------------------------------------


def commands(group: click.Group, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)


ALL = dict(commands(main))


def test_every_command_is_there() -> None:
    assert {
        "org": {"create", "list", "show", "set", "purge-cache"},
        "endpoint": {"add", "set", "list", "test", "rotate", "remove"},
        "key": {"create", "list", "show", "set", "revoke"},
        "model": {"set", "list", "remove"},
        "logs": {"list", "show"},
    } == {
        name: set(group.commands) for (name, *rest), group in ALL.items() if not rest and isinstance(group, click.Group)
    }
    assert {("audit",), ("usage",), ("bootstrap",), ("serve",)} <= ALL.keys()


@pytest.mark.parametrize("path", ALL, ids=" ".join)
async def test_every_command_has_a_help_and_no_option_for_a_secrets_value(shell: Shell, path: tuple[str, ...]) -> None:
    said = await shell.run(*path, "--help")
    assert ALL[path].help
    options = {option for parameter in ALL[path].params for option in parameter.opts}
    assert not options & {"--secret", "--key", "--admin-key", "--password", "--token", "--api-key", "--header"}
    if not isinstance(ALL[path], click.Group) and path != ("serve",):
        assert {"--url", "--stack", "--json"} <= options
        assert "SABIR_ADMIN_KEY" in said


async def test_the_first_help_teaches_the_way_to_a_first_answer(shell: Shell) -> None:
    said = await shell.run("--help")
    for word in ("sabir bootstrap --org acme", "sabir endpoint add", "sabir key create", "--stack", "Exit status"):
        assert word in said


def test_the_places_of_the_embedded_store_are_the_platforms() -> None:
    places = local_environment({"SABIR_CONTROL_TABLE": "in-aws", "HOME": "/h"})
    assert "SABIR_CONTROL_TABLE" not in places
    assert places["SABIR_CONTROL_PATH"] == str(Path.home() / ".local/share/sabir/control.db")
    assert places["SABIR_MASTER_KEY_PATH"] == str(Path.home() / ".config/sabir/master.key")
    given = {"SABIR_CONTROL_PATH": "/x/y.db", "SABIR_MASTER_KEY_PATH": "/z/k"}
    assert local_environment(given) == given


@pytest.mark.parametrize("wish", ["101%", "-1", "ten", "0.5%", "%", "٣"])
async def test_a_share_of_the_requests_is_a_whole_percentage(shell: Shell, wish: str) -> None:
    said = await shell.run("org", "set", "acme", f"--content-log={wish}", code=2)
    assert "give a whole number from 0% to 100%, or off" in said


@pytest.mark.parametrize("days", ["0", "31"])
async def test_content_is_kept_for_a_month_at_most(shell: Shell, days: str) -> None:
    assert "1<=x<=30" in await shell.run("org", "set", "acme", "--content-log-days", days, code=2)
