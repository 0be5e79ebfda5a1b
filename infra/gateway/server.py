"""The gateway as one thing: a front, and as many sandboxes behind it as wanted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from aiohttp import web

from infra.gateway.events import function_url_event, rest_event
from infra.gateway.front import Front
from infra.gateway.iam import IamAuthorizer
from infra.gateway.journal import Journal
from infra.gateway.limits import Limits
from infra.gateway.route import Route
from infra.gateway.runtime_api import RuntimeApiServer
from infra.gateway.sandbox import Function, Sandbox

if TYPE_CHECKING:
    from infra.aws.sigv4 import AwsCredentials
    from infra.gateway.ticket import Ticket

# API Gateway's for an answer that it buffers, and the template's for the admin function.
ADMIN_SECONDS = 29.0


@dataclass(slots=True)
class Gateway:
    """Use as an async context manager.

    ``function`` is None where the sandboxes are started by someone else: `attach` gives each the address of its
    Runtime API. ``streaming`` and ``function_url`` choose what is played: a REST API's response transfer mode, or a
    function URL. With port 0 the system chooses one.

    ``admin`` is the buffered function behind ``/admin/`` and ``/admin-iam/``; without one, these are paths like others.
    ``operator`` signs what the second of them lets in; without one it lets in nothing.
    """

    function: Function | None = None
    sandboxes: int = 1
    streaming: bool = True
    function_url: bool = False
    stage: str = "prod"
    port: int = 0
    limits: Limits = field(default_factory=Limits)
    journal: Journal = field(default_factory=Journal)
    admin: Function | None = None
    operator: AwsCredentials | None = None
    _tickets: asyncio.Queue[Ticket] = field(default_factory=asyncio.Queue, init=False)
    _admin_tickets: asyncio.Queue[Ticket] = field(default_factory=asyncio.Queue, init=False)
    _servers: list[RuntimeApiServer] = field(default_factory=list, init=False)
    _running: list[Sandbox] = field(default_factory=list, init=False)
    _front: Front | None = field(default=None, init=False)
    _runner: web.AppRunner | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Without a slash at its end; the OpenAI base URL is this and ``/v1``."""
        if self._runner is None:
            raise RuntimeError("the gateway is not running")
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}" + ("" if self.function_url else f"/{self.stage}")

    async def __aenter__(self) -> Self:
        make_event = function_url_event if self.function_url else rest_event
        stage = "" if self.function_url else self.stage
        self._front = Front(self._routes(), self.journal, make_event, stage)
        self._runner = web.AppRunner(self._front.application(), access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        if self.function is not None:
            for _ in range(self.sandboxes):
                await self._start_sandbox(self.function, self._new_server())
        if self.admin is not None:
            await self._start_sandbox(self.admin, self._new_admin_server())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._front is not None:
            await self._front.close()
        await asyncio.gather(*(sandbox.stop() for sandbox in self._running))
        await asyncio.gather(*(server.close() for server in self._servers))

    async def attach(self) -> str:
        """The ``AWS_LAMBDA_RUNTIME_API`` for one more sandbox, which the caller starts."""
        server = self._new_server()
        self._servers.append(server)
        return await server.start()

    def _routes(self) -> list[Route]:
        rest = Route(self._tickets, self.limits)
        if self.admin is None:
            return [rest]
        return [
            Route(self._admin_tickets, self._admin_limits(), "/admin"),
            Route(self._admin_tickets, self._admin_limits(), "/admin-iam", IamAuthorizer(self.operator)),
            rest,
        ]

    def _admin_limits(self) -> Limits:
        return replace(self.limits, integration=ADMIN_SECONDS, function=ADMIN_SECONDS)

    async def _start_sandbox(self, function: Function, server: RuntimeApiServer) -> None:
        sandbox = Sandbox(function, server, self.journal)
        server.on_timeout = sandbox.kill
        self._running.append(sandbox)
        await sandbox.start()

    def _new_server(self) -> RuntimeApiServer:
        return RuntimeApiServer(self._next(), self._tickets, self.journal, self.limits, streaming=self.streaming)

    def _new_admin_server(self) -> RuntimeApiServer:
        limits = self._admin_limits()
        return RuntimeApiServer(self._next(), self._admin_tickets, self.journal, limits, streaming=False)

    def _next(self) -> int:
        return len(self._running) + len(self._servers)
