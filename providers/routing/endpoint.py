"""An org's way to a provider: whose secret, at which address, for which models."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from providers.secret import Secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One provider secret of an org and all that belongs to it. `name` is unique in the org.

    `models`: names as the provider has them, `*` and `?` as in file names; empty is every model of the provider.
    `aliases`: a caller's model name to the provider's, where they differ (a deployment).
    `weight`: its share of the requests that several endpoints could answer; 0 serves only when all others failed.
    `base_url`: None is the provider's own. `headers` are sent with each request, and may be secret too.
    """

    name: str
    provider: str
    secret: Secret
    base_url: str | None = None
    models: tuple[str, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    weight: int = 1
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    region: str | None = None
    enabled: bool = True
