"""Who asks: the bearer of a provider's own key, or a member of an org by a Sabir key or a temporary credential."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from cache.sealed_cache import CALLER_SCOPE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.control.records import Org, SabirKey
    from infra.secrets.org_secrets import OrgSecrets
    from providers.routing.health import Health
    from providers.secret import Secret


@dataclass(frozen=True, slots=True)
class CacheRoot:
    """What the cache's keys are derived from, and whose cache it is (cache/FORMAT.md)."""

    secret: bytes = field(repr=False)
    scope: bytes = CALLER_SCOPE


@dataclass(frozen=True, slots=True)
class Owner:
    """The bearer of a provider's own key, which is sent to that provider and kept nowhere."""

    secret: Secret


@dataclass(frozen=True, slots=True)
class Member:
    """The bearer of a Sabir key, or of a temporary credential: `models` is what that is scoped to, None is the key.

    `data_key()`: the org's, opened anew each time from what the bearer presented; None where that does not open.
    """

    org: Org
    key: SabirKey
    secrets: OrgSecrets
    health: Mapping[str, Health]
    cache_root: CacheRoot
    data_key: Callable[[], bytes | None] = field(repr=False)
    models: tuple[str, ...] | None = None


Caller: TypeAlias = Owner | Member


def cache_root_of(caller: Caller) -> CacheRoot:
    return caller.cache_root if isinstance(caller, Member) else CacheRoot(caller.secret.reveal().encode())
