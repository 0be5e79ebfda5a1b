"""The admin API as an operator meets it: the real application behind a real uvicorn, on real SQLite stores.

async with desk_over(tmp_path) as desk:
    await desk.made("POST", "/orgs", {"org_id": "acme"})
    desk.clock.now += 60
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx2

from handlers.admin.admin_key import FixedAdminKey
from handlers.admin.app import create_admin_app
from handlers.admin.services import AdminServices, build_admin_services
from infra.control.store import ControlFault
from infra.secrets.store import SecretsFault
from providers.secret import Secret
from tests.contract.rig import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path

    from infra.control.store import ControlStore, Item, ItemKey, Json, Write
    from infra.secrets.store import SecretDocument, SecretStore, Stage

ADMIN_KEY: Final = "sba_" + "K7" * 21 + "x"
START: Final = 1_800_000_000.0

# What must never be seen again once it is in.
MARKED: Final = "sk-marked-secret-of-a-provider"
MARKED_HEADER: Final = "marked-value-of-a-header"


@dataclass(slots=True)
class Clock:
    """Each look at it takes a millisecond, so that what happens one after the other is seen to."""

    now: float = START

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


@dataclass(frozen=True, slots=True)
class Desk:
    """`reports`: what went to the operator's log."""

    http: httpx2.AsyncClient
    services: AdminServices
    clock: Clock
    reports: list[str] = field(default_factory=list)

    async def ask(self, method: str, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        sent = {} if body is None else {"json": body}
        return await self.http.request(method, f"/admin/v1{path}", headers=headers, **sent)

    async def made(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """The answer to what must succeed."""
        answer = await self.ask(method, path, body)
        assert answer.is_success, answer.text
        done: dict[str, Any] = answer.json()
        return done

    async def refused(self, method: str, path: str, body: Any = None, *, status: int = 400) -> dict[str, Any]:
        """The error of what must not."""
        answer = await self.ask(method, path, body)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        return error

    async def trail(self, org_id: str = "acme") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.made("GET", f"/orgs/{org_id}/audit"))["data"]
        return found

    async def acme(self) -> None:
        await self.made("POST", "/orgs", {"org_id": "acme"})

    async def acme_with_endpoint(self, **members: Any) -> None:
        await self.acme()
        body = {"provider": "openai", "secret": MARKED, **members}
        await self.made("PUT", "/orgs/acme/endpoints/main", body)


def environment(folder: Path) -> dict[str, str]:
    return {
        "SABIR_CONTROL_PATH": str(folder / "control.db"),
        "SABIR_MASTER_KEY_PATH": str(folder / "config" / "master.key"),
    }


@asynccontextmanager
async def desk_over(
    folder: Path,
    env: Mapping[str, str] | None = None,
    change: Callable[[AdminServices], AdminServices] = lambda services: services,
) -> AsyncIterator[Desk]:
    """`change`: what is to be different about the services."""
    clock, reports = Clock(), list[str]()
    built = build_admin_services({**environment(folder), **(env or {})})
    key = FixedAdminKey(Secret(ADMIN_KEY))
    services = change(replace(built, admin_key=key, now=clock, report=reports.append))
    async with (
        serving(create_admin_app(services)) as url,
        httpx2.AsyncClient(base_url=url, headers={"authorization": f"Bearer {ADMIN_KEY}"}, timeout=20) as http,
    ):
        yield Desk(http, services, clock, reports)


@dataclass(slots=True)
class BrokenControl:
    """A control store that fails, as long as `broken` says so of what it is asked."""

    store: ControlStore
    broken: Callable[[Sequence[ItemKey]], bool] = lambda _: False

    async def get(self, keys: Sequence[ItemKey], *, now: int) -> dict[ItemKey, Item]:
        self._check(keys)
        return await self.store.get(keys, now=now)

    async def page(self, partition: str, prefix: str, **options: Any) -> list[Item]:
        return await self.store.page(partition, prefix, **options)

    async def write(self, writes: Sequence[Write], *, now: int) -> None:
        self._check([write.key for write in writes])
        await self.store.write(writes, now=now)

    async def close(self) -> None:
        await self.store.close()

    def _check(self, keys: Sequence[ItemKey]) -> None:
        if self.broken(keys):
            raise ControlFault("the store is out")


@dataclass(slots=True)
class BrokenSecrets:
    """A secret store that fails while `out` is set."""

    store: SecretStore
    out: bool = False

    async def read(self, name: str, stage: Stage = "current") -> SecretDocument | None:
        self._check()
        return await self.store.read(name, stage)

    async def write(self, name: str, value: Mapping[str, Json], *, version: str | None) -> str:
        self._check()
        return await self.store.write(name, value, version=version)

    async def delete(self, name: str) -> None:
        self._check()
        await self.store.delete(name)

    async def close(self) -> None:
        await self.store.close()

    def _check(self) -> None:
        if self.out:
            raise SecretsFault("the store is out")
