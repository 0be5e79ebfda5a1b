"""Sabir on one machine: one process, one port, the embedded store."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import uvicorn
from rich.console import Console
from rich.markup import escape

from handlers.admin.money import usd
from handlers.app import create_app
from handlers.commands.log_lines import SHORT_ID, money
from handlers.record import Silent
from handlers.services import build_services
from infra.settings import Misconfigured, variable_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from handlers.record import RequestLog
    from infra.requests.record import CacheVerdict, RequestRecord
    from infra.settings import Settings


def run(env: Mapping[str, str], *, host: str, port: int, quiet: bool) -> None:
    """Serve until interrupted. Raises `Misconfigured`, and OSError where the address cannot be had."""
    console = Console(highlight=False)
    log: RequestLog = Silent() if quiet else Terminal(console)
    # The host header says who asks only of a browser: anyone else on a network may write `localhost` there.
    services = build_services(env, with_keys=_is_loopback(host), log=log)
    with _listen(host, port) as listener:
        bound = listener.getsockname()[1]
        _refuse_loop(services.settings, host, bound)
        _greet(console, services.settings, host, bound)
        config = uvicorn.Config(create_app(services), log_level="warning", access_log=False, server_header=False)
        uvicorn.Server(config).run(sockets=[listener])


# `PASS`: nobody looked in the cache. What asked for no answer of a model has no verdict.
_VERDICTS: Final[Mapping[CacheVerdict | None, str]] = {
    None: "    ",
    "hit": "[green]HIT [/]",
    "miss": "[dim]MISS[/]",
    "bypass": "[dim]PASS[/]",
}


class Terminal:
    """A line for each request, to read: what was asked, whether it was cached, how long it took, and what it cost.

    Its last word is how the request's id begins, for `sabir logs show`.
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    def write(self, record: RequestRecord) -> None:
        verdict = _VERDICTS[record.cache]
        asked = escape(f"{record.provider}/{record.model}" if record.provider else record.operation or record.dialect)
        outcome = f"[red]{record.status or '-'} {escape(record.error)}[/]" if record.error else f"{record.status}"
        why = "" if record.cache in (None, "hit") else f"[dim]{record.stored or record.cache_reason}[/]  "
        way = f"[dim]{escape(_way(record))}[/]  " if record.key else ""
        spent = "".join(f"{words}  " for words in _spent(record))
        short = f"[dim]{record.request_id[:SHORT_ID]}[/]"
        took = f"{record.total_ms:>9.1f} ms"
        self._console.print(f"{verdict} {took}  {outcome}  {asked}  {way}{spent}{why}{short}", soft_wrap=True)
        if record.bug:
            self._console.print(f"[red]a bug in Sabir, request {record.request_id}:[/] {' < '.join(record.bug)}")


def _spent(record: RequestRecord) -> Iterator[str]:
    """`12→15 tok` and `$0.0004`, as far as they are known."""
    if record.usage is not None:
        about = "~" if record.usage_estimated else ""
        yield f"{about}{record.usage.prompt}→{record.usage.completion} tok"
    if record.cost_nano_usd:
        yield money(usd(record.cost_nano_usd))


def _way(record: RequestRecord) -> str:
    """Who asked, and which endpoints were asked: `acme/7f3k via openai-eu:rate_limit_exceeded > openai-us`."""
    asked = " > ".join([*record.failed, *([record.endpoint] if record.endpoint else [])])
    return f"{record.org}/{record.key}" + (f" via {asked}" if asked else "")


def _listen(host: str, port: int) -> socket.socket:
    """Bound before anything is printed, so that the printed address is one that answers."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's algorithm off only where the protocol is named; with it, each answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _refuse_loop(settings: Settings, host: str, port: int) -> None:
    """A shell in which clients are pointed at Sabir points Sabir at itself, by the same variable."""
    for provider, url in settings.base_urls.items():
        parts = urlsplit(url)
        if parts.port == port and parts.hostname in {host, "localhost", "127.0.0.1", "::1"}:
            variable = variable_name(provider, "BASE_URL")
            raise Misconfigured(f"{variable} points at this very proxy; unset it for the command that starts Sabir")


def _greet(console: Console, settings: Settings, host: str, port: int) -> None:
    shown = f"[{host}]" if ":" in host else host
    console.print(f"Sabir serves [bold]http://{shown}:{port}/v1[/]", soft_wrap=True)
    console.print(f"  cache      {escape(settings.cache_path or 'in memory, gone when this ends')}", soft_wrap=True)
    if settings.control_path is not None:
        console.print(f"  orgs       {escape(settings.control_path)} (sabir org create …)", soft_wrap=True)
    keys = ", ".join(sorted(settings.provider_keys))
    console.print(
        "  keys       " + (f'{keys} (for clients that present the key "env")' if keys else "the caller's own")
    )
    for provider, url in sorted(settings.base_urls.items()):
        console.print(f"  {provider:<10} at {escape(url)}", soft_wrap=True)
    console.print(
        f'  try        OpenAI(base_url="http://{shown}:{port}/v1", api_key="…")   Ctrl-C ends', soft_wrap=True
    )
