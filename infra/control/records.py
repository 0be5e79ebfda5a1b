"""Orgs and Sabir keys as records, and where each has its place in the control store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from infra.control.store import ItemKey

if TYPE_CHECKING:
    from providers.routing.virtual import VirtualModel

WhenDown: TypeAlias = Literal["open", "closed"]
LogAccess: TypeAlias = Literal["own", "org"]


@dataclass(frozen=True, slots=True)
class Limits:
    """None is without a limit. Money in nano-dollars (1e-9 USD), whole numbers: a sum of floats forgets cents."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    parallel_requests: int | None = None
    nano_usd_per_day: int | None = None
    nano_usd_per_month: int | None = None


@dataclass(frozen=True, slots=True)
class Org:
    """`cache_epoch`: raised by a purge; entries of earlier epochs cannot be found any more.

    `limits_when_down`: whether requests go on (`open`) or get a 503 (`closed`) while the limits' store is out.
    `assumed_output_tokens`: what is reserved for an answer whose request names no `max_tokens`.
    `content_log_percent`: of how many requests in a hundred the content is kept, sealed; 0 is off, and the default.
    `content_log_seconds`: for how long.
    """

    org_id: str
    created_at: int
    share_cache: bool = False
    cache_epoch: int = 0
    limits: Limits = field(default_factory=Limits)
    limits_when_down: WhenDown = "closed"
    assumed_output_tokens: int = 4096
    content_log_percent: int = 0
    content_log_seconds: int = 7 * 86_400
    models: tuple[VirtualModel, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class SabirKey:
    """A key without its secret: `hash` is SHA-256 of the whole key, of which 256 bits are random, so that it needs no
    salt and no slow hash. `models` and `providers`: what it may use, patterns as in `Endpoint.models`; empty is all.

    `log_access`: whose requests, and what was said in them, it may read in the log: its own or those of the whole org.

    `wrapped_cache_key`: the org's data key, sealed under this very key (cache/FORMAT.md); gone once it is revoked.
    """

    org_id: str
    key_id: str
    hash: bytes = field(repr=False)
    name: str
    created_at: int
    owner: str | None = None
    expires_at: int | None = None
    revoked_at: int | None = None
    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    log_access: LogAccess = "own"
    wrapped_cache_key: bytes = field(default=b"", repr=False)
    version: int = 0


def org_place(org_id: str) -> ItemKey:
    return ItemKey(f"ORG#{org_id}", "ORG")


def key_place(org_id: str, key_id: str) -> ItemKey:
    return ItemKey(f"ORG#{org_id}", f"KEY#{key_id}")


def health_place(org_id: str) -> ItemKey:
    """What the sandboxes tell each other of the endpoints: cooldowns, times to the first token.

    A partition of its own, the one of an org that the proxy may write: IAM tells items apart by partition alone.
    """
    return ItemKey(f"HEALTH#{org_id}", "HEALTH")
