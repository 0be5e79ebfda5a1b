"""`sabir org`: the teams that share provider secrets, limits and perhaps a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from handlers.commands.session import Session, admin_command
from handlers.commands.values import PERCENT, limit_options, limits_of, limits_shown, moment_shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from handlers.commands.api import Answer

_DAY: Final = 86_400

_CREATE = """Create the org ORG: a short name of lower-case letters, digits and hyphens, part of each of its keys.

\b
Examples:
  sabir org create acme
  sabir org create acme --share-cache --usd-per-month 500
  sabir org create acme --stack sabir-prod

A creation that broke off may be repeated.
"""

_SET = """Change settings of ORG. What is not named stays; `none` takes a limit away.

Limits of an org hold for all of its keys together. Running proxies see a change within seconds.

\b
Examples:
  sabir org set acme --usd-per-day 50 --requests-per-minute 600
  sabir org set acme --usd-per-day none
  sabir org set acme --no-share-cache
  sabir org set acme --content-log 10% --content-log-days 7
"""

_PURGE = """Make everything in the shared cache of ORG unfindable, from now on and for good.

Entries of callers who use their own provider keys are not touched.

\b
Example:
  sabir org purge-cache acme
"""


@click.group()
def org() -> None:
    """Create orgs, show them, change their settings."""


def _settings(command: Callable[..., None]) -> Callable[..., None]:
    command = click.option(
        "--assumed-output-tokens",
        type=click.IntRange(1, 1_000_000),
        help="Reserved for an answer whose request names no maximum.",
    )(command)
    command = click.option(
        "--limits-when-down",
        type=click.Choice(["open", "closed"]),
        help="Whether requests go on while the store of the limits is out.",
    )(command)
    command = click.option(
        "--content-log-days",
        "content_log_seconds",
        type=click.IntRange(1, 30),
        callback=lambda _context, _option, days: None if days is None else days * _DAY,
        help="For how many days content is kept.",
    )(command)
    command = click.option(
        "--content-log",
        "content_log_percent",
        type=PERCENT,
        help="Keep what is asked and answered, sealed, of so many requests in a hundred.",
    )(command)
    command = limit_options(command)
    return click.option("--share-cache/--no-share-cache", default=None, help="One cache for all keys of the org.")(
        command
    )


@org.command(help=_CREATE)
@click.argument("org_id", metavar="ORG")
@_settings
@admin_command
def create(session: Session, org_id: str, **options: Any) -> None:
    body = {"org_id": org_id, **_body(options)}
    made = session.run(lambda api: api.post("orgs", body=body))
    session.show(made, f"Created the org {org_id}.", f"Next: sabir endpoint add {org_id} NAME --provider PROVIDER")


@org.command("list")
@admin_command
def list_orgs(session: Session) -> None:
    """List all orgs."""
    orgs = session.run(lambda api: api.every("orgs"))
    rows = ([each["org_id"], moment_shown(each["created_at"])] for each in orgs)
    session.table(orgs, ["ORG", "CREATED"], rows, empty="There is no org yet: sabir org create ORG")


@org.command()
@click.argument("org_id", metavar="ORG")
@admin_command
def show(session: Session, org_id: str) -> None:
    """Show the settings of ORG."""
    found = session.run(lambda api: api.get("orgs", org_id))
    session.show(found, *_lines(found))


@org.command("set", help=_SET)
@click.argument("org_id", metavar="ORG")
@_settings
@admin_command
def set_org(session: Session, org_id: str, **options: Any) -> None:
    body = _body(options)
    if not body:
        raise click.UsageError("there is nothing to set: name at least one option")
    changed = session.run(lambda api: api.patch("orgs", org_id, body=body))
    session.show(changed, *_lines(changed))


@org.command("purge-cache", help=_PURGE)
@click.argument("org_id", metavar="ORG")
@admin_command
def purge_cache(session: Session, org_id: str) -> None:
    purged = session.run(lambda api: api.post("orgs", org_id, "purge-cache"))
    session.show(purged, f"Purged the shared cache of {org_id}: it is in epoch {purged['cache_epoch']} now.")


def _body(options: dict[str, Any]) -> dict[str, Any]:
    limits = limits_of(options)
    return {**{name: value for name, value in options.items() if value is not None}, **limits}


def _lines(found: Answer) -> list[str]:
    shared = f"shared among its keys, epoch {found['cache_epoch']}" if found["share_cache"] else "each key its own"
    percent, seconds = found["content_log_percent"], found["content_log_seconds"]
    content = f"of {percent}% of the requests, sealed, for {_span(seconds)}" if percent else "not kept"
    return [
        f"org        {found['org_id']}",
        f"created    {moment_shown(found['created_at'])}",
        f"cache      {shared}",
        f"limits     {limits_shown(found['limits'])}",
        f"when down  {found['limits_when_down']}",
        f"assumed    {found['assumed_output_tokens']} output tokens where a request names no maximum",
        f"content    {content}",
        f"models     {', '.join(model['name'] for model in found['models']) or 'no virtual ones'}",
    ]


def _span(seconds: int) -> str:
    days = seconds / _DAY
    return f"{days:g} days" if days >= 1 else f"{seconds} s"
