"""Providers by name: a module or package of this folder that has a `PROVIDER`, else a row of `providers.compatible`.

Nothing is imported before it is asked for, so that a cold start loads the one provider it uses.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Final, cast

import providers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.base import Provider


class UnknownProvider(LookupError):
    """No provider has that name."""


@cache
def find(name: str) -> Provider:
    """The provider of that name; the same object each time. Raises `UnknownProvider`."""
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise UnknownProvider(name)
    provider = _own_module(name) or _row(name)
    if provider is None:
        raise UnknownProvider(name)
    return provider


@cache
def speaking(name: str, wire: str | None) -> Provider:
    """The provider on one of its further wires, or on its own where `wire` is None; the same object each time.

    It bears the same name, and has the same place and keys. Raises `UnknownProvider`.
    """
    provider = find(name)
    spoken = provider if wire is None else cast("Provider | None", getattr(provider, wire, None))
    if spoken is None:
        raise UnknownProvider(f"{name}/{wire}")
    return spoken


@cache
def names() -> tuple[str, ...]:
    """Every name that `find` knows, sorted. Imports all providers: for listings, not for the way of a request."""
    from providers.compatible import HOSTS

    own = [module.name for module in iter_modules(providers.__path__) if _own_module(module.name) is not None]
    return tuple(sorted({*own, *HOSTS}))


class _Available(Collection[str]):
    """The names that `find` knows. To ask for one imports at most that one; only to list them imports all."""

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and find(name) is not None
        except UnknownProvider:
            return False

    def __iter__(self) -> Iterator[str]:
        return iter(names())

    def __len__(self) -> int:
        return len(names())


AVAILABLE: Final = _Available()


def _own_module(name: str) -> Provider | None:
    if find_spec(f"providers.{name}") is None:
        return None
    return cast("Provider | None", getattr(import_module(f"providers.{name}"), "PROVIDER", None))


def _row(name: str) -> Provider | None:
    from providers.compatible import HOSTS
    from providers.openai.provider import ChatProvider

    return ChatProvider(HOSTS[name]) if name in HOSTS else None
