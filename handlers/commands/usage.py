"""`sabir usage`: what it came to, by key, model, provider, day or hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from handlers.commands.log_reader import orgs_of
from handlers.commands.moments import MOMENT
from handlers.commands.screen import progress, this_screen
from handlers.commands.session import Session, admin_command
from handlers.commands.usage_forms import as_csv, as_json, chart, table
from handlers.commands.usage_sums import BY, by_group, whole
from infra.requests.store import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from handlers.commands.api import AdminApi, Answer

_USAGE = """Show what was used: requests, cache hits, errors, tokens, cost, and what the cache has saved.

ORG is one org, or - for requests with a provider's own key. Without ORG: every org, and - too.
Sums are by the hour for 40 days and by the day for 400; days are those of UTC, and always whole.

\b
Examples:
  sabir usage                                     the last 30 days, by day, with a chart
  sabir usage acme --by model --since 7d          which model costs how much
  sabir usage acme --by key --by provider
  sabir usage --by hour --since today --model gpt-4o
  sabir usage acme --by day --by key --since 90d --format csv > usage.csv
"""

_PAGE: Final = 1000


@click.command(help=_USAGE)
@click.argument("org_id", metavar="[ORG]", required=False)
@click.option("--by", multiple=True, type=click.Choice(BY), help="What to split by; repeatable. [default: day]")
@click.option("--since", type=MOMENT, default="30d", show_default=True, help="From then on.")
@click.option("--until", type=MOMENT, help="Before then. [default: now]")
@click.option("--key-id", "key", help="Only this key's, by its id.")
@click.option("--provider", help="Only this provider's.")
@click.option("--model", help="Only this model's, by the name that its provider has for it.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True, help="How."
)
@admin_command
def usage(session: Session, org_id: str | None, by: tuple[str, ...], form: str, **options: Any) -> None:
    chosen = [name for name in BY if name in (by or ("day",))]
    query = _query(chosen, options)

    async def work(api: AdminApi) -> list[tuple[str, Answer]]:
        orgs = await orgs_of(api, org_id)
        return [(org, row) for org in orgs for row in await _rows(api, org, query)]

    rows = session.run(work)
    totals, total, screen = by_group(rows, chosen), whole(row for _, row in rows), this_screen()
    if form == "json" or session.as_json:
        click.echo(as_json(totals, chosen, total))
    elif form == "csv":
        click.echo(as_csv(totals, chosen), nl=False)
    elif not rows:
        click.echo("Nothing was used in that time.", err=True)
    else:
        step = "hour" if "hour" in chosen else "day"
        for line in (*table(totals, chosen, total, screen), *chart(by_group(rows, [step]), screen)):
            screen.print(line)


def _query(chosen: Sequence[str], options: dict[str, Any]) -> dict[str, str]:
    dimensions = [name for name in DIMENSIONS if name in chosen]
    return {
        "step": "hour" if "hour" in chosen else "day",
        "since": f"{options['since']:.3f}",
        **({} if options["until"] is None else {"until": f"{options['until']:.3f}"}),
        **({"by": ",".join(dimensions)} if dimensions else {}),
        **{name: options[name] for name in DIMENSIONS if options[name] is not None},
    }


async def _rows(api: AdminApi, org: str, query: dict[str, str]) -> list[Answer]:
    page = await api.get("orgs", org, "usage", limit=_PAGE, **query)
    rows: list[Answer] = page["data"]
    while page["next"] is not None:
        progress(f"Adding up {org} … {len(rows)} sums")
        page = await api.get("orgs", org, "usage", limit=_PAGE, **query, after=page["next"])
        rows += page["data"]
    progress("")
    return rows
