"""What the admin API needs of the outside world, put together once for each process."""

from __future__ import annotations

import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from handlers.admin.admin_key import CachedAdminKey
from handlers.stores import control_stores
from infra.auth.authorizer import Authorizer
from infra.settings import Timeouts, read_settings
from infra.upstream import Upstream
from providers import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from infra.control.store import ControlStore
    from infra.requests.store import RequestStore
    from infra.secrets.store import SecretStore
    from providers.secret import Secret

# A test call must be over before API Gateway ends a buffered request, at 29 s.
_TRIAL_TIMEOUTS: Final = Timeouts(connect=5.0, idle=20.0, total=22.0)


class AdminKey(Protocol):
    async def matches(self, presented: Secret) -> bool:
        """Raises `SecretsFault` while nobody can look."""
        ...


def _new_id() -> str:
    return uuid.uuid4().hex


def _report(line: str) -> None:
    sys.stderr.write(line + "\n")


@dataclass(frozen=True, slots=True)
class AdminServices:
    """`now`: epoch seconds; `random(n)`: n random bytes; `new_id`: an id that no other entry has.

    `base_urls`: where providers are unless an endpoint says otherwise. `local_actor` is set only where the application
    is called from within the process of whoever asks, without a network: that one needs no key. `report` takes a line
    for the operator's log: an outage, a bug; never a secret. `in_lambda`: the endpoints are for a function there.
    """

    control: ControlStore
    secrets: SecretStore
    requests: RequestStore
    upstream: Upstream
    admin_key: AdminKey | None = None
    base_urls: Mapping[str, str] = field(default_factory=dict)
    local_actor: str | None = None
    in_lambda: bool = False
    now: Callable[[], float] = field(default=time.time)
    random: Callable[[int], bytes] = field(default=os.urandom)
    new_id: Callable[[], str] = field(default=_new_id)
    report: Callable[[str], None] = field(default=_report)

    async def close(self) -> None:
        await self.upstream.close()
        await self.control.close()
        await self.secrets.close()
        await self.requests.close()


def build_admin_services(env: Mapping[str, str], *, local_actor: str | None = None) -> AdminServices:
    """On the stores of `handlers.stores`, in AWS or embedded. Connects to nothing yet; raises `Misconfigured`.

    `SABIR_ADMIN_KEY_SECRET` names the secret with the admin key. Without it nobody is let in over a network.
    """
    settings = read_settings(env, registry.AVAILABLE)
    upstream = Upstream(_TRIAL_TIMEOUTS, authorizer=Authorizer(env))
    # Its counters are the proxy's, and open nothing as long as nobody counts.
    stores = control_stores(settings, upstream, env)
    return AdminServices(
        stores.control,
        stores.secrets,
        stores.requests,
        upstream,
        _admin_key(upstream, env),
        settings.base_urls,
        local_actor,
        in_lambda="AWS_LAMBDA_RUNTIME_API" in env,
    )


def _admin_key(upstream: Upstream, env: Mapping[str, str]) -> AdminKey | None:
    secret_id = env.get("SABIR_ADMIN_KEY_SECRET")
    if not secret_id:
        return None
    from infra.aws.calls import aws_call

    return CachedAdminKey(aws_call("secretsmanager", upstream, env), secret_id, clock=time.monotonic)
