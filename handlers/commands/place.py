"""Where a command works: on this machine, at a URL, or on a stack in AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import click

from handlers.commands.api import Local, Place, Remote
from providers.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

KEY_VARIABLE: Final = "SABIR_ADMIN_KEY"


def place_of(url: str | None, stack: str | None) -> Place:
    """Raises `click.UsageError`, and `click.ClickException` where the stack cannot be read."""
    if stack is not None:
        from handlers.commands.stack import read_stack

        return read_stack(stack).admin
    if url is None:
        return Local()
    return Remote(admin_url(url), _key(lambda: click.prompt("Admin key", hide_input=True, err=True)))


def admin_url(url: str) -> str:
    """The API's URL with its version, whatever part of it was given. Raises `click.UsageError`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise click.UsageError("the URL of the admin API must be an https URL without user, query or fragment")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise click.UsageError("the admin key would go over this http URL in the clear: use https")
    bare = url.rstrip("/").removesuffix("/v1")
    return f"{bare}/v1" if bare.endswith("/admin") else f"{bare}/admin/v1"


def _key(ask: Callable[[], str]) -> Secret:
    value = (os.environ.get(KEY_VARIABLE) or ask()).strip()
    if not value.isascii() or not value.isprintable():
        raise click.UsageError("the admin key holds a character that it cannot have")
    return Secret(value)
