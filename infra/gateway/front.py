"""The client's side: HTTP in, events out, and the answer's pieces relayed as they come."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, assert_never
from urllib.parse import urlsplit

from aiohttp import web

from infra.gateway.answer import Broken, Ended, Metadata, Part, Piece
from infra.gateway.events import HttpRequest
from infra.gateway.journal import Journal, Moment
from infra.gateway.ticket import Ticket

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.gateway.limits import Limits
    from infra.gateway.route import Route

EventMaker = Callable[[HttpRequest], bytes]


@dataclass(slots=True)
class Front:
    """Statuses and texts of its own errors are API Gateway's, their shape is the template's.

    ``routes``: the first that takes a path has it, so the last one takes all.
    """

    routes: Sequence[Route]
    journal: Journal
    make_event: EventMaker
    # A part of every URL that API Gateway gives; empty for a function URL, which has none.
    stage: str
    _orphans: set[asyncio.Task[None]] = field(default_factory=set, init=False)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=self.routes[-1].limits.request)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def close(self) -> None:
        for task in self._orphans:
            task.cancel()
        await asyncio.gather(*self._orphans, return_exceptions=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        target = self._without_stage(request.raw_path)
        if target is None:
            return _error(403, "Missing Authentication Token", "MISSING_AUTHENTICATION_TOKEN")
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _too_large()
        path = urlsplit(target).path
        route = next(route for route in self.routes if route.takes(path))
        refused = _refused(route, request, body)
        if refused is not None:
            return refused
        ticket = self._ticket(request, target, body, route)
        if len(ticket.event) > route.limits.event:
            return _too_large()
        await route.tickets.put(ticket)
        return await self._answer(request, ticket, route.limits)

    def _without_stage(self, path: str) -> str | None:
        if not self.stage:
            return path
        prefix = f"/{self.stage}"
        rest = path.removeprefix(prefix)
        if rest == path or (not rest.startswith(("/", "?")) and rest):
            return None
        return rest if rest.startswith("/") else f"/{rest}"

    def _ticket(self, request: web.Request, target: str, body: bytes, route: Route) -> Ticket:
        request_id, path = str(uuid.uuid4()), urlsplit(target).path
        event = self.make_event(
            HttpRequest(
                method=request.method,
                target=target,
                headers=[(name, value) for name, value in request.headers.items()],
                body=body,
                source_ip=request.remote or "127.0.0.1",
                request_id=request_id,
                stage=self.stage,
                resource=route.resource(path),
                parameters=route.parameters(path),
                caller=route.authorizer.caller if route.authorizer is not None else None,
            )
        )
        trace_id = f"Root=1-00000000-{request_id.replace('-', '')[:24]};Sampled=0"
        return Ticket(request_id, event, invocation_id=str(uuid.uuid4()), trace_id=trace_id)

    async def _answer(self, request: web.Request, ticket: Ticket, limits: Limits) -> web.StreamResponse:
        deadline = asyncio.get_running_loop().time() + limits.integration
        metadata = await _part_before(ticket, deadline)
        if metadata is None:
            self._leave_running(ticket)
            return _error(504, "Endpoint request timed out", "INTEGRATION_TIMEOUT")
        if not isinstance(metadata, Metadata):
            return _error(502, "Internal server error", "DEFAULT_5XX")
        response = web.StreamResponse(status=metadata.status)
        for name, value in metadata.headers:
            response.headers.add(name, value)
        response.headers["x-amzn-requestid"] = ticket.request_id
        try:
            await response.prepare(request)
            await self._relay(request, response, ticket, (limits.idle, deadline))
        except ConnectionError:
            self.journal.note(Moment.CLIENT_GONE, request_id=ticket.request_id)
            self._leave_running(ticket)
        return response

    async def _relay(
        self, request: web.Request, response: web.StreamResponse, ticket: Ticket, bounds: tuple[float, float]
    ) -> None:
        """``bounds``: seconds that a pause may last, and when all must be over."""
        idle, deadline = bounds
        first = True
        while True:
            idle_until = asyncio.get_running_loop().time() + idle
            part = await _part_before(ticket, min(idle_until, deadline))
            match part:
                case Piece():
                    await response.write(part.content)
                    if first:
                        self.journal.note(Moment.FIRST_BYTE_OUT, request_id=ticket.request_id)
                        first = False
                case Ended():
                    await response.write_eof()
                    self.journal.note(Moment.LAST_BYTE_OUT, request_id=ticket.request_id)
                    return
                case Broken() | Metadata():
                    # The status line is out. Cutting the connection is the only error a client cannot overlook.
                    _hang_up(request)
                    return
                case None:
                    self._leave_running(ticket)
                    _hang_up(request)
                    return
                case _:
                    assert_never(part)

    def _leave_running(self, ticket: Ticket) -> None:
        """AWS does not tell a function that its client has gone: it runs on, into the void."""
        task = asyncio.create_task(_swallow(ticket))
        self._orphans.add(task)
        task.add_done_callback(self._orphans.discard)


def _refused(route: Route, request: web.Request, body: bytes) -> web.Response | None:
    if route.authorizer is None:
        return None
    headers = {name.lower(): value for name, value in request.headers.items()}
    if "authorization" not in headers:
        return _error(403, "Missing Authentication Token", "MISSING_AUTHENTICATION_TOKEN")
    if not route.authorizer.accepts(request.method, request.raw_path, headers, body):
        return _error(403, "The request signature we calculated does not match", "INVALID_SIGNATURE")
    return None


async def _part_before(ticket: Ticket, deadline: float) -> Part | None:
    """None when there is none by then; ``deadline`` is in the event loop's time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout_at(deadline):
            return await ticket.parts.get()
    return None


async def _swallow(ticket: Ticket) -> None:
    while not isinstance(await ticket.parts.get(), Ended | Broken):
        pass


def _too_large() -> web.Response:
    # The one answer of its own that API Gateway lets nobody word anew (developer guide, gateway response types).
    return web.json_response({"message": "Request Too Long"}, status=413)


def _error(status: int, message: str, code: str) -> web.Response:
    """As the template words the errors that API Gateway answers by itself; ``code`` is its response type."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return web.Response(status=status, body=json.dumps(error).encode(), content_type="application/json")


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
