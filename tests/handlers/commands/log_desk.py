"""A request log with records in it, and the commands that read it: on the embedded store, and over HTTP."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.requests.sqlite import SqliteRequests
from tests.handlers.admin.desk import ADMIN_KEY, desk_over
from tests.handlers.commands.shell import Shell, shell_in
from tests.infra.requests.records import full_record

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from infra.requests.record import RequestRecord
    from infra.requests.store import RequestStore

DAY = 86_400


@dataclass(slots=True)
class LogDesk:
    """`began`: now, as the desk was made: what is kept is of the time before."""

    shell: Shell
    store: RequestStore
    began: float

    async def keep(self, ago: float = 0.0, **members: Any) -> RequestRecord:
        """A record of a request that began so many seconds before the desk was made."""
        record = full_record(self.began - ago, **members)
        await self.store.put(record, expires_at=int(self.began) + 30 * DAY)
        return record

    async def listed(self, *args: str) -> list[str]:
        """The rows of `sabir logs`, without their heading."""
        return (await self.shell.run("logs", *args)).splitlines()[1:]


@asynccontextmanager
async def local(folder: Path) -> AsyncIterator[LogDesk]:
    shell = shell_in(folder, COLUMNS="300")
    await shell.run("org", "create", "acme")
    store = SqliteRequests(Path(str(shell.env["XDG_DATA_HOME"])) / "sabir" / "control.db")
    yield LogDesk(shell, store, time.time())
    await store.close()


@asynccontextmanager
async def remote(folder: Path) -> AsyncIterator[LogDesk]:
    async with desk_over(folder, change=lambda services: replace(services, now=time.time)) as desk:
        await desk.acme()
        shell = shell_in(folder, "--url", str(desk.http.base_url), SABIR_ADMIN_KEY=ADMIN_KEY, COLUMNS="300")
        yield LogDesk(shell, desk.services.requests, time.time())
