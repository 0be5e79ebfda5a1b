"""A route as an ASGI application: body in, answer out, and everything that can go wrong in the caller's dialect."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING

from handlers.asked import Asked
from handlers.body import ClientGone, read_body
from handlers.errors import error_answer
from handlers.record import RequestRecord, places_of, word_of
from providers.errors import SabirError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from typing import TypeAlias

    from starlette.types import Message, Receive, Scope, Send

    from handlers.answer import Streamed, Whole
    from handlers.services import Services
    from providers.base import Dialect

    Answering: TypeAlias = Callable[[Asked, Services], Awaitable[Whole | Streamed]]


class Endpoint:
    """One dialect's request, by whatever method. One instance serves all requests.

    `answering` gives the answer or raises `SabirError`.
    """

    def __init__(self, name: str, dialect: Dialect, services: Services, answering: Answering) -> None:
        self.name = name
        self._dialect = dialect
        self._services = services
        self._answering = answering

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        record = RequestRecord(self._services.new_id(), self._dialect.wire)
        line = _Line(send)
        try:
            # What is left to do is done however the request ends, and after its last byte: nobody waits for it.
            async with AsyncExitStack() as closing:
                await self._serve(scope, receive, line, record, closing)
        except ClientGone:
            record.error = "client_gone"
        except Exception as bug:  # noqa: BLE001 - the last line of defence: the caller gets a 500 in its own dialect
            record.trace = places_of(bug)
            if not line.started:
                await self._fail(
                    SabirError("Sabir failed to handle this request.", code="internal_error"), line, record
                )
        finally:
            record.total_ms = round((time.perf_counter() - started) * 1000, 2)
            with suppress(Exception):  # a closed pipe or a terminal that cannot show a letter is no client's trouble
                self._services.log.write(record)

    async def _serve(
        self, scope: Scope, receive: Receive, line: _Line, record: RequestRecord, closing: AsyncExitStack
    ) -> None:
        notes: dict[str, str] = {}
        try:
            headers = _headers(scope)
            body = await read_body(receive, headers, self._services.settings.max_body)
            item = scope.get("path_params", {}).get("item", "")
            asked = Asked(headers, body, self.name, self._dialect, record, notes, closing, item)
            async with _while_connected(receive, line):
                reply = await self._answering(asked, self._services)
                await self._reply(reply, line, record)
        except SabirError as error:
            await self._fail(error, line, record, notes)
        else:
            await reply.after()

    async def _reply(self, reply: Whole | Streamed, line: _Line, record: RequestRecord) -> None:
        record.status = 200
        times = self._services.settings.timeouts
        try:
            async with asyncio.timeout(times.total + times.unread) as patience:
                failure = await reply.send(line, record.request_id)
        except TimeoutError:
            if patience.expired():
                raise ClientGone from None
            raise
        if failure is not None:
            record.error = word_of(failure)

    async def _fail(
        self, error: SabirError, line: _Line, record: RequestRecord, notes: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        record.status, record.error = error.status, word_of(error)
        await error_answer(error, self._dialect, notes, record.request_id).send(line, record.request_id)


class _Line:
    """`send`, remembering whether the answer has begun and whether it is over."""

    __slots__ = ("_send", "over", "started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.over = False

    async def __call__(self, message: Message) -> None:
        self.started = True
        self.over = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)


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
