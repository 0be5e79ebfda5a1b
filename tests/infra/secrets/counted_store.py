"""A store that counts its reads, can be out, and can be held up: what a reader is measured with."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from typing import Any

from infra.secrets.org_secrets import OrgSecrets, org_secrets_document
from infra.secrets.store import SecretDocument, SecretsFault, Stage
from providers.routing.endpoint import Endpoint
from providers.secret import Secret

TOKEN_KEY = Secret(base64.b64encode(bytes(32)).decode())


class CountedStore:
    def __init__(self) -> None:
        self.stages: dict[tuple[str, Stage], SecretDocument] = {}
        self.reads: list[tuple[str, Stage]] = []
        self.out = False
        self.gate = asyncio.Event()
        self.gate.set()

    def put(self, secret: str, org_id: str = "acme") -> str:
        """As a write of an operator: what was current becomes the previous one."""
        name = f"org/{org_id}"
        before = self.stages.get((name, "current"))
        if before is not None:
            self.stages[name, "previous"] = before
        version = f"v{int(before.version[1:]) + 1 if before else 1}"
        document = org_secrets_document([Endpoint("main", "openai", Secret(secret))], TOKEN_KEY)
        self.stages[name, "current"] = SecretDocument(document, version)
        return version

    async def read(self, name: str, stage: Stage = "current") -> SecretDocument | None:
        self.reads.append((name, stage))
        # What a slow read brings is what was there when it began.
        found, out = self.stages.get((name, stage)), self.out
        await self.gate.wait()
        if out:
            raise SecretsFault("the store is out")
        return found

    async def write(self, name: str, value: object, *, version: str | None) -> str:
        raise NotImplementedError

    async def delete(self, name: str) -> None:
        raise NotImplementedError

    async def close(self) -> None:
        raise NotImplementedError


def secret_of(found: OrgSecrets | None) -> str | None:
    return found.endpoints[0].secret.reveal() if found else None


async def started(act: Callable[[], Awaitable[Any]]) -> "asyncio.Future[Any]":
    """Runs until it waits for the store."""
    task = asyncio.ensure_future(act())
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    return task
