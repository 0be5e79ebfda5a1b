"""What every command has: where it works, how it asks, and how it shows what it got."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import click

from handlers.commands.api import connected
from handlers.commands.place import place_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from handlers.commands.api import AdminApi, Place

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    url: str | None
    stack: str | None
    as_json: bool

    def run(self, work: Callable[[AdminApi], Awaitable[T]], place: Place | None = None) -> T:
        """The result of `work` on the API. Every question to the operator comes before it or after it."""

        async def connect_and_work(there: Place) -> T:
            async with connected(there) as api:
                return await work(api)

        return asyncio.run(connect_and_work(place or place_of(self.url, self.stack)))

    def show(self, value: Any, *lines: str) -> None:
        """`value` as JSON if asked for, else the lines."""
        if self.as_json:
            click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        else:
            for line in lines:
                click.echo(line)

    def table(self, value: Any, columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
        """`value` as JSON if asked for, else a table; `empty` says what to do where there is nothing."""
        if self.as_json:
            self.show(value)
            return
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*columns, box=None, pad_edge=False, header_style="bold")
        for row in rows:
            # A name of somebody's choosing is text, and no markup. What is long is folded, never cut.
            table.add_row(*(Text(cell, overflow="fold") for cell in row))
        if table.row_count:
            Console(highlight=False).print(table)
        else:
            click.echo(empty)


def admin_command(command: Callable[..., T]) -> Callable[..., T]:
    """Gives a command the options that all of them have, and their `Session` as its first argument."""

    @click.option("--url", envvar="SABIR_ADMIN_URL", show_envvar=True, help="Admin API; its key: $SABIR_ADMIN_KEY.")
    @click.option("--stack", metavar="NAME", help="A stack in your AWS account, found with your AWS credentials.")
    @click.option("--json", "as_json", is_flag=True, help="Print the API's JSON, for scripts.")
    @wraps(command)
    def wrapped(*, url: str | None, stack: str | None, as_json: bool, **arguments: Any) -> T:
        return command(Session(url, stack, as_json), **arguments)

    return wrapped
