"""`sabir audit`: who changed what."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click

from handlers.commands.session import Session, admin_command
from handlers.commands.values import moment_shown

if TYPE_CHECKING:
    from handlers.commands.api import AdminApi, Answer

_AUDIT = """Show who changed what in ORG, newest first.

An outcome of "started" tells of a change that may or may not have happened: something failed in between.

\b
Examples:
  sabir audit acme
  sabir audit acme --limit 500 --json
"""

_PAGE: Final = 100
_LONGEST: Final = 90


@click.command(help=_AUDIT)
@click.argument("org_id", metavar="ORG")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many entries.")
@admin_command
def audit(session: Session, org_id: str, limit: int) -> None:
    async def work(api: AdminApi) -> list[Answer]:
        page = await api.get("orgs", org_id, "audit", limit=min(limit, _PAGE))
        entries: list[Answer] = page["data"]
        while page["next"] is not None and len(entries) < limit:
            page = await api.get("orgs", org_id, "audit", limit=min(limit - len(entries), _PAGE), after=page["next"])
            entries += page["data"]
        return entries

    entries = session.run(work)
    lines = [line for entry in entries for line in _lines(entry)]
    session.show(entries, *(lines or [f"There is nothing in the trail of {org_id}."]))


def _lines(entry: Answer) -> list[str]:
    head = f"{moment_shown(entry['at'])}  {entry['action']} {entry['subject']}  {entry['outcome']}  by {entry['actor']}"
    changes = {name: (_bare(change["before"]), _bare(change["after"])) for name, change in entry["changes"].items()}
    return [head, *(_change(name, *both) for name, both in changes.items() if both[0] != both[1])]


def _bare(value: Any) -> Any:
    """Without what is not set: of five limits one was meant. Nothing at all is as good as null."""
    if isinstance(value, dict):
        value = {name: each for name, each in value.items() if each is not None}
    return None if value in ({}, [], "") else value


def _change(name: str, before: Any, after: Any) -> str:
    return f"    {name}: {_short(after)}" if before is None else f"    {name}: {_short(before)} → {_short(after)}"


def _short(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 1]}…"
