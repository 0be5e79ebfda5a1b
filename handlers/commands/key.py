"""`sabir key`: the keys that clients present."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from handlers.commands.session import Session, admin_command
from handlers.commands.values import EXPIRY, limit_options, limits_of, limits_shown, moment_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.commands.api import Answer

_CREATE = """Issue a key of ORG. It is shown once, now: only a hash of it is kept.

\b
Examples:
  sabir key create acme --name ci
  sabir key create acme --name ada --owner ada@acme.example --expires 90d --usd-per-month 50
  sabir key create acme --name web --model 'gpt-4o*' --provider openai --requests-per-minute 60
"""

_SET = """Change the key KEY_ID of ORG. What is not named stays; `none` takes a limit away.

\b
Examples:
  sabir key set acme k7f3q2wxyz --usd-per-month 100
  sabir key set acme k7f3q2wxyz --expires never --all-models
  sabir key set acme k7f3q2wxyz --log-access org
"""

_REVOKE = """Revoke the key KEY_ID of ORG, at once and for good.

Proxies that have just looked it up notice within seconds. The record stays, so that the log can be read later.

\b
Example:
  sabir key revoke acme k7f3q2wxyz
"""


@click.group()
def key() -> None:
    """Issue, limit and revoke the keys of an org."""


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--owner", help="Who answers for it."),
        click.option("--expires", "expires_at", type=EXPIRY, help="When it ends."),
        click.option("--model", "models", multiple=True, help="A model it may use, * and ? allowed; repeatable."),
        click.option("--provider", "providers", multiple=True, help="A provider it may use; repeatable."),
        click.option("--log-access", type=click.Choice(["own", "org"]), help="Whose requests it may read in the log."),
    )
    command = limit_options(command)
    for option in reversed(options):
        command = option(command)
    return command


@key.command(help=_CREATE)
@click.argument("org_id", metavar="ORG")
@click.option("--name", required=True, help="What it is for.")
@_settings
@admin_command
def create(session: Session, org_id: str, **options: Any) -> None:
    body = _body(options)
    issued = session.run(lambda api: api.post("orgs", org_id, "keys", body=body))
    session.show(issued, *issued_lines(issued))


@key.command("list")
@click.argument("org_id", metavar="ORG")
@admin_command
def list_keys(session: Session, org_id: str) -> None:
    """List the keys of ORG, revoked ones too."""
    found = session.run(lambda api: api.every("orgs", org_id, "keys"))
    rows = (
        [
            each["key_id"],
            each["name"],
            each["owner"] or "-",
            each["status"],
            moment_shown(each["expires_at"]),
            limits_shown(each["limits"]),
        ]
        for each in found
    )
    columns = ["KEY ID", "NAME", "OWNER", "STATUS", "EXPIRES", "LIMITS"]
    session.table(found, columns, rows, empty=f"There is none yet: sabir key create {org_id} --name NAME")


@key.command()
@click.argument("org_id", metavar="ORG")
@click.argument("key_id", metavar="KEY_ID")
@admin_command
def show(session: Session, org_id: str, key_id: str) -> None:
    """Show the key KEY_ID of ORG, all but its secret."""
    found = session.run(lambda api: api.get("orgs", org_id, "keys", key_id))
    session.show(found, *_lines(found))


@key.command("set", help=_SET)
@click.argument("org_id", metavar="ORG")
@click.argument("key_id", metavar="KEY_ID")
@click.option("--name", help="What it is for.")
@click.option("--all-models", is_flag=True, help="Take the list of models away.")
@click.option("--all-providers", is_flag=True, help="Take the list of providers away.")
@_settings
@admin_command
def set_key(session: Session, org_id: str, key_id: str, **options: Any) -> None:
    cleared = [name for name in ("models", "providers") if options.pop(f"all_{name}")]
    body = {**_body(options), **{name: [] for name in cleared}}
    if not body:
        raise click.UsageError("there is nothing to set: name at least one option")
    changed = session.run(lambda api: api.patch("orgs", org_id, "keys", key_id, body=body))
    session.show(changed, *_lines(changed))


@key.command(help=_REVOKE)
@click.argument("org_id", metavar="ORG")
@click.argument("key_id", metavar="KEY_ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@admin_command
def revoke(session: Session, org_id: str, key_id: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(f"Revoke the key {key_id} of {org_id}? It cannot be undone", abort=True, err=True)
    gone = session.run(lambda api: api.delete("orgs", org_id, "keys", key_id))
    session.show(gone, f"Revoked {key_id} ({gone['name']}).")


def issued_lines(issued: Answer) -> list[str]:
    """The key on a line of its own, to be copied."""
    return [
        f"Issued the key {issued['key_id']} ({issued['name']}). This is the only time that it is shown:",
        "",
        f"  {issued['key']}",
        "",
        "Keep it where you keep passwords. If it is lost, revoke it and issue another.",
    ]


def _body(options: dict[str, Any]) -> dict[str, Any]:
    limits = limits_of(options)
    lists = {name: list(options.pop(name)) for name in ("models", "providers")}
    expires_at = options.pop("expires_at")
    return {
        **{name: value for name, value in options.items() if value is not None},
        **{name: value for name, value in lists.items() if value},
        **({} if expires_at is None else {"expires_at": expires_at.value}),
        **limits,
    }


def _lines(found: Answer) -> list[str]:
    return [
        f"key        {found['key_id']}, {found['status']}",
        f"name       {found['name']}",
        f"owner      {found['owner'] or '-'}",
        f"created    {moment_shown(found['created_at'])}",
        f"expires    {moment_shown(found['expires_at'])}",
        f"revoked    {moment_shown(found['revoked_at'])}",
        f"models     {', '.join(found['models']) or 'all'}",
        f"providers  {', '.join(found['providers']) or 'all'}",
        f"limits     {limits_shown(found['limits'])}",
        f"log        reads {'all requests of the org' if found['log_access'] == 'org' else 'its own requests'}",
    ]
