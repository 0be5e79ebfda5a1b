"""A route as an ASGI application: body in, answer out, and everything that can go wrong in the caller's dialect."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from handlers.asked import Asked
from handlers.body import ClientGone, read_body
from handlers.content import Draft, keep
from handlers.errors import error_answer
from handlers.record import cause_of, places_of, word_of
from handlers.tags import client_of
from handlers.tracing import begin
from infra.requests.record import RequestRecord
from infra.requests.timing import Timing
from providers.errors import SabirError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from typing import TypeAlias

    from starlette.types import Message, Receive, Scope, Send

    from handlers.answer import Streamed, Whole
    from handlers.services import Services
    from infra.telemetry.context import TraceContext
    from providers.base import Dialect

    Answering: TypeAlias = Callable[[Asked, Services], Awaitable[Whole | Streamed]]


# Seconds. Our runtime loop gives a call that it has cancelled 0.4 s (infra/runtime/loop.py), of which the log may take
# half (handlers/journal.py).
HURRY: Final = 0.1
_URGE: Final = 0.01


class Endpoint:
    """One dialect's request, by whatever method. One instance serves all requests.

    `answering` gives the answer or raises `SabirError`. `operation`: what the log calls it.
    """

    def __init__(
        self, name: str, dialect: Dialect, services: Services, answering: Answering, *, operation: str
    ) -> None:
        self.name = name
        self.operation = operation
        self._dialect = dialect
        self._services = services
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        now = self._services.now()
        timing = Timing(self._services.tick)
        record = RequestRecord(self._services.new_id(now), self._dialect.wire, now, self.operation)
        record.cold_start = self._services.cold.ends()
        line = _Line(send, timing, self._dialect.id_header)
        draft, hurried = Draft(), False
        try:
            async with _closing() as closing:
                await self._serve(scope, receive, line, record, closing, draft=draft)
        except ClientGone:
            record.error = record.cause = "client_gone"
        except asyncio.CancelledError:
            hurried = True
            if not line.over:  # else the client has all of its answer, and only what follows it is cut short
                record.error, record.cause = "cancelled", "sabir"
            raise
        except Exception as bug:  # noqa: BLE001 - the last line of defence: the caller gets a 500 in its own dialect
            record.bug = places_of(bug)
            record.error, record.cause = "internal_error", "sabir"
            if not line.started:
                error = SabirError("Sabir failed to handle this request.", code="internal_error")
                await self._fail(error, line, record.request_id, draft)
        finally:
            line.conclude(record)
            await self._conclude(draft, record, hurried=hurried)

    async def _conclude(self, draft: Draft, record: RequestRecord, *, hurried: bool) -> None:
        """Whatever becomes of the content, the log has its record, which says so."""
        try:
            await keep(draft, record, self._services, hurried=hurried)
        except asyncio.CancelledError:
            hurried = True
            raise
        finally:
            await self._services.journal.keep(record, hurried=hurried)

    async def _serve(
        self,
        scope: Scope,
        receive: Receive,
        line: _Line,
        record: RequestRecord,
        closing: AsyncExitStack,
        *,
        draft: Draft,
    ) -> None:
        notes: dict[str, str] = {}
        said = b""
        try:
            asked = await self._heard(scope, receive, line, record, closing, draft=draft, notes=notes)
            said = asked.body
            async with _while_connected(receive, line):
                reply = await self._answering(asked, self._services)
                failure = await self._reply(reply, line, record)
            if failure is not None:
                record.error, record.cause = word_of(failure, said), cause_of(failure)
        except SabirError as error:
            record.error, record.cause = word_of(error, said), cause_of(error)
            await self._fail(error, line, record.request_id, draft, notes=notes)
        else:
            await reply.after()

    async def _heard(
        self,
        scope: Scope,
        receive: Receive,
        line: _Line,
        record: RequestRecord,
        closing: AsyncExitStack,
        *,
        draft: Draft,
        notes: dict[str, str],
    ) -> Asked:
        """The whole request. Raises `SabirError` and `ClientGone`."""
        headers = _headers(scope)
        record.client = client_of(headers)
        line.trace = begin(headers, record, self._services.sampler, self._services.random, notes)
        with line.timing.client:
            body = await read_body(receive, headers, self._services.settings.max_body)
        record.request_bytes = len(body)
        return Asked(
            headers,
            body,
            self.name,
            self._dialect,
            record,
            notes,
            closing,
            line.timing,
            item=scope.get("path_params", {}).get("item", ""),
            query=scope.get("query_string", b"").decode("latin-1"),
            draft=draft,
            trace=line.trace,
        )

    async def _reply(self, reply: Whole | Streamed, line: _Line, record: RequestRecord) -> SabirError | None:
        """The failure that the client was told of inside a stream, if any."""
        times = self._services.settings.timeouts
        try:
            async with asyncio.timeout(times.total + times.unread) as patience:
                return await reply.send(line, record.request_id)
        except TimeoutError:
            if patience.expired():
                raise ClientGone from None
            raise

    async def _fail(
        self,
        error: SabirError,
        line: _Line,
        request_id: str,
        draft: Draft,
        *,
        notes: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        answer = error_answer(error, self._dialect, notes, request_id)
        draft.answer = answer.told
        await answer.send(line, request_id)


# Every answer bears its request's id under this name, whatever else its dialect calls it.
_ID: Final = b"x-request-id"


class _Line:
    """`send`, remembering whether the answer has begun and how, whether it is over, and what the time went into until
    then.
    """

    __slots__ = ("_id_header", "_over", "_send", "_sent", "_status", "over", "started", "timing", "trace")

    def __init__(self, send: Send, timing: Timing, id_header: str) -> None:
        self._send = send
        self._id_header = id_header.encode()
        self._sent = 0
        self._status: int | None = None
        self._over: tuple[float, float, float] | None = None
        self.timing = timing
        self.started = False
        self.over = False
        self.trace: TraceContext | None = None

    async def __call__(self, message: Message) -> None:
        self.started = True
        if message["type"] == "http.response.start":
            self._status, headers = message["status"], message["headers"]
            headers += [(self._id_header, value) for name, value in headers if name == _ID and self._id_header != _ID]
            headers.append((b"server-timing", self._server_timing()))
        else:
            self._sent += len(message.get("body", b""))
        self.over = message["type"] == "http.response.body" and not message.get("more_body", False)
        with self.timing.client:
            await self._send(message)
        if self.over:
            self._over = self._spent()

    def conclude(self, record: RequestRecord) -> None:
        """What the log says of it; an answer that has no end ends now, and one that did not begin has no status."""
        record.status = self._status
        record.response_bytes = self._sent
        record.total_ms, record.upstream_ms, record.overhead_ms = self._over or self._spent()

    def _spent(self) -> tuple[float, float, float]:
        return self.timing.ms, self.timing.upstream.ms, self.timing.ours

    def _server_timing(self) -> bytes:
        """https://www.w3.org/TR/server-timing/: until the answer began, what was ours and what we waited for."""
        spent = f"sabir;dur={self.timing.ours:.2f}, upstream;dur={self.timing.upstream.ms:.2f}"
        told = "" if self.trace is None else f', traceparent;desc="{self.trace.traceparent}"'
        return (spent + told).encode()


@asynccontextmanager
async def _closing() -> AsyncIterator[AsyncExitStack]:
    """What is left to do is done however the request ends, and after its last byte: nobody waits for it.

    Who cancels a request is about to end this process: what takes too long then is cut short, each in its turn, so that
    there is time left for the log.
    """
    urging: asyncio.Task[None] | None = None
    try:
        async with AsyncExitStack() as closing:
            try:
                yield closing
            except asyncio.CancelledError:
                urging = asyncio.create_task(_urge(asyncio.current_task()))
                raise
    finally:
        if urging is not None:
            urging.cancel()


async def _urge(task: asyncio.Task[None] | None) -> None:
    await asyncio.sleep(HURRY)
    while task is not None:
        task.cancel()
        await asyncio.sleep(_URGE)


@asynccontextmanager
async def _while_connected(receive: Receive, line: _Line) -> AsyncIterator[None]:
    """Cancel what runs inside when the client hangs up, so that nobody pays a provider for an answer to no one.

    Raises `ClientGone` then. Once the answer is over, a server reports the end of the exchange as a disconnect too:
    that is none.
    """
    task = asyncio.current_task()
    hung_up = False

    async def watch() -> None:
        nonlocal hung_up
        while (await receive())["type"] != "http.disconnect":
            pass
        if not line.over and task is not None:
            hung_up = True
            task.cancel()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        if hung_up and task is not None and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        watcher.cancel()


def _headers(scope: Scope) -> dict[str, str]:
    """Lower-case names; several fields of one name joined by commas (RFC 9110 §5.3)."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
