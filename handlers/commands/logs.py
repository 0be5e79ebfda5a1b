"""`sabir logs`: what was asked, what came of it, and what it cost."""

from __future__ import annotations

import asyncio
import json
import time
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import click

from handlers.commands.api import Unreachable
from handlers.commands.log_lines import lines, moment
from handlers.commands.log_page import page
from handlers.commands.log_reader import Follower, last, one, orgs_of
from handlers.commands.moments import MOMENT
from handlers.commands.screen import this_screen
from handlers.commands.session import Session, admin_command
from handlers.commands.values import pairs_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from handlers.commands.api import AdminApi, Answer
    from handlers.commands.screen import Screen

_LOGS = """Show the last requests, the newest at the end.

ORG is one org, or - for requests with a provider's own key. Without ORG: those of every org, and of - too.
What was said is not in it. It has who asked which model, who answered, the cache's verdict, tokens, cost, and
three times in milliseconds: to the first token, to the last byte, and how much of that was Sabir's own.

\b
Examples:
  sabir logs                                    the last 20 requests
  sabir logs -f                                 and those that follow, until Ctrl-C
  sabir logs acme --errors --since yesterday    what failed
  sabir logs --model gpt-4o --tag team=search -n 200
  sabir logs acme --since 2h -n 1000 --json | jq -s 'map(.cost_usd//0|tonumber)|add'
  sabir logs show 01a3189a6f80                  one request in full; the ID column has the beginning of its id

All times are UTC. A terminal that is narrow shows fewer columns.
"""

_SHOW = """Show one request in full: who answered, each attempt as a bar in time, tokens, cost, tags.

ID is its id, as in the header x-request-id of its answer, or how it begins: the 12 digits of `sabir logs` are its time
to the millisecond.

\b
Examples:
  sabir logs show 01a3189a6f807e26a6bd6b1d6b7ad2cc
  sabir logs show 01a3189a6f80 --org acme
"""

# Seconds between two looks.
_PAUSE: Final = 2.0

_SIMPLE: Final = (
    ("--key-id", "key", "A key, by its id."),
    ("--model", "model", "A model, as asked for or as it answered."),
    ("--provider", "provider", "A provider."),
    ("--user", "user", "What the request said in `user`."),
)


class _Logs(click.Group):
    """`sabir logs …` is `sabir logs list …`: only the names of its own commands are anything else."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if args and args[0] in self.commands else ["list", *args])


@click.group(cls=_Logs, help="What was asked, what came of it, and what it cost; follow it live.")
def logs() -> None:
    pass


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    options = (
        *(click.option(option, name, help=words) for option, name, words in _SIMPLE),
        click.option("--status", type=click.IntRange(100, 599), help="A status, such as 429."),
        click.option("--errors", is_flag=True, help="Only what failed."),
        click.option("--cache", type=click.Choice(["hit", "miss", "bypass"]), help="The cache's verdict."),
        click.option("--tag", metavar="NAME=VALUE", help="A tag, as in x-sabir-tags or metadata."),
        click.option("--since", type=MOMENT, help="Not before: 2h (ago), yesterday, 2027-01-31, 2027-01-31T12:00."),
        click.option("--until", type=MOMENT, help="Before then."),
    )
    return reduce(lambda made, option: option(made), reversed(options), command)


@logs.command("list", help=_LOGS)
@click.argument("org_id", metavar="[ORG]", required=False)
@click.option("-n", "count", type=click.IntRange(0, 100_000), default=20, show_default=True, help="How many.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@_filters
@admin_command
def list_requests(session: Session, org_id: str | None, count: int, *, follow: bool, **options: Any) -> None:
    if follow and options["until"] is not None:
        raise click.UsageError("what is followed has no end: leave out --until")
    filters = _query(options)
    printer = _Printer(this_screen(), as_json=session.as_json)

    async def work(api: AdminApi) -> None:
        orgs = await orgs_of(api, org_id)
        found = await last(api, orgs, filters, count)
        printer.print(found)
        if follow:
            await followed(api, orgs, filters, (found, count), tell=printer.print)
        elif not found:
            printer.nothing()

    try:
        session.run(work)
    except KeyboardInterrupt:
        if not follow:
            raise


@logs.command(help=_SHOW)
@click.argument("request_id", metavar="ID")
@click.option("--org", "org_id", metavar="ORG", help="Look only there; - is for a provider's own key.")
@admin_command
def show(session: Session, request_id: str, org_id: str | None) -> None:
    async def work(api: AdminApi) -> Answer:
        return await one(api, await orgs_of(api, org_id), request_id)

    found, screen = session.run(work), this_screen()
    if session.as_json:
        click.echo(json.dumps(found, indent=2))  # in ASCII, as callers' words may hold what no terminal should get
        return
    for line in page(found, screen):
        screen.print(line)


async def followed(
    api: AdminApi,
    orgs: Sequence[str],
    filters: dict[str, str],
    shown: tuple[list[Answer], int],
    *,
    tell: Callable[[list[Answer]], None],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Without an end. `shown`: what was, and how many should have been. While the API is out, it goes on."""
    found, count = shown
    floor = _floor(found, count, filters)
    going = {name: value for name, value in filters.items() if name != "since"}
    followers = [Follower(api, org, going) for org in orgs]
    tell(_merged([await each.begin(_of(found, each.org), floor) for each in followers]))
    while True:
        await pause(_PAUSE)
        try:
            tell(_merged([await each.new() for each in followers]))
        except Unreachable as fault:
            click.echo(f"{moment(time.time())}  {fault.format_message()}; trying again", err=True)


def _floor(found: list[Answer], count: int, filters: dict[str, str]) -> str:
    """The id up to which nothing is to be shown any more: of the oldest that was, or of the time that was asked for."""
    if count == 0:
        return "~"
    return str(found[0]["id"]) if len(found) >= count else f"{int(float(filters.get('since', 0)) * 1000):012x}"


def _of(found: list[Answer], org: str) -> list[Answer]:
    return [each for each in found if each.get("org", "-") == org]


def _merged(found: list[list[Answer]]) -> list[Answer]:
    return sorted((each for some in found for each in some), key=lambda each: each["id"])


def _query(options: dict[str, Any]) -> dict[str, str]:
    names = (*(name for _, name, _ in _SIMPLE), "status", "cache")
    given = {name: str(options[name]) for name in names if options[name] is not None}
    times = {name: f"{options[name]:.3f}" for name in ("since", "until") if options[name] is not None}
    tag = {} if options["tag"] is None else {"tag": ":".join(*pairs_of((options["tag"],), "--tag").items())}
    return {**given, **times, **tag, **({"outcome": "error"} if options["errors"] else {})}


class _Printer:
    def __init__(self, screen: Screen, *, as_json: bool) -> None:
        self._screen = screen
        self._as_json = as_json
        self._widths: dict[str, int] = {}

    def print(self, found: Sequence[Answer]) -> None:
        """JSON is one object a line, so that it can be read as it comes."""
        if self._as_json:
            for each in found:
                click.echo(json.dumps(each, separators=(",", ":")))
        elif found:
            for line in lines(found, self._screen, heading=not self._widths, widths=self._widths):
                self._screen.print(line)

    def nothing(self) -> None:
        if not self._as_json:
            click.echo("There is no such request in the log.", err=True)
