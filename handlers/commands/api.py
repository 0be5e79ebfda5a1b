"""The admin API from the command line: over HTTP, or within this very process on the embedded store."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import quote

import click

from handlers.commands.local_store import local_environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    import httpx2

    from providers.secret import Secret

# The admin function ends at 29 s; what it has not said by then it will not say.
_TIMEOUT: Final = 35.0

Answer: TypeAlias = dict[str, Any]


class Refused(click.ClickException):
    """The admin API said no. `status` and `code` are its own."""

    def __init__(self, message: str, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Unreachable(Refused):
    """Nobody knows: the API, or a store behind it, is out. The same command may work in a moment."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Local:
    """The embedded store of this machine, which takes no key: who may read its files may do all of this anyway."""


@dataclass(frozen=True, slots=True)
class Remote:
    """`url` ends with `/v1`."""

    url: str
    key: Secret


Place: TypeAlias = Local | Remote


class AdminApi:
    """Paths are given in parts, each of them a name as it is. Raises `Refused` for whatever is not a success."""

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client

    async def get(self, *parts: str, **query: str | int) -> Answer:
        return await self._send("GET", parts, query=query or None)

    async def post(self, *parts: str, body: Answer | None = None) -> Answer:
        return await self._send("POST", parts, body or {})

    async def put(self, *parts: str, body: Answer) -> Answer:
        return await self._send("PUT", parts, body)

    async def patch(self, *parts: str, body: Answer) -> Answer:
        return await self._send("PATCH", parts, body)

    async def delete(self, *parts: str) -> Answer:
        return await self._send("DELETE", parts)

    async def every(self, *parts: str) -> list[Answer]:
        """All items of a listing, page after page."""
        page = await self.get(*parts)
        items: list[Answer] = page["data"]
        while page["next"] is not None:
            page = await self.get(*parts, after=page["next"])
            items += page["data"]
        return items

    async def _send(
        self, method: str, parts: Sequence[str], body: Answer | None = None, *, query: Mapping[str, Any] | None = None
    ) -> Answer:
        import httpx2

        # The slash of a model's name stays one: API Gateway is not to be trusted with a `%2F`.
        path = "/".join(quote(part, safe="/") for part in parts)
        try:
            response = await self._client.request(method, path, json=body, params=query)
        except httpx2.HTTPError as fault:
            raise Unreachable(f"cannot reach the admin API: {type(fault).__name__}", 503) from None
        if response.is_success:
            return _object(response)
        raise _refusal(response)


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[AdminApi]:
    import httpx2

    match place:
        case Remote(url, key):
            headers = {"authorization": f"Bearer {key.reveal()}"}
            async with httpx2.AsyncClient(base_url=f"{url}/", headers=headers, timeout=_TIMEOUT) as client:
                yield AdminApi(client)
        case Local():
            from handlers.admin.app import create_admin_app

            services = _local_services()
            transport = httpx2.ASGITransport(create_admin_app(services))
            try:
                async with httpx2.AsyncClient(transport=transport, base_url="http://sabir.local/admin/v1/") as client:
                    yield AdminApi(client)
            finally:
                await services.close()


def _local_services() -> Any:
    from handlers.admin.services import build_admin_services
    from infra.settings import Misconfigured

    try:
        return build_admin_services(local_environment(os.environ), local_actor=f"local:{_user()}")
    except Misconfigured as fault:
        raise click.ClickException(f"{fault}.") from None


def _user() -> str:
    """Whose shell it is, for the audit trail; a container may have nobody to name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def _object(response: httpx2.Response) -> Answer:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise Refused("what answered is not the admin API: check the URL", response.status_code)
    return answer


def _refusal(response: httpx2.Response) -> Refused:
    try:
        error = response.json()["error"]
        message, code = str(error["message"]), error["code"]
    except (ValueError, KeyError, TypeError):
        message, code = f"the admin API answered {response.status_code} and no reason", None
    kind = Unreachable if response.status_code >= 500 else Refused
    return kind(message, response.status_code, code)
