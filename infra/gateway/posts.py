"""What a sandbox posts: answers and errors, taken in as they come."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Protocol

from infra.gateway.answer import Broken, Ended, MalformedAnswerError, PreludeReader, parse_whole
from infra.gateway.journal import Moment

if TYPE_CHECKING:
    from infra.gateway.runtime_api import RuntimeApiServer
    from infra.gateway.ticket import Ticket
    from infra.runtime.framing import Head, Headers

ACCEPTED = 202
TOO_LARGE = 413

ERROR_TYPE = "lambda-runtime-function-error-type"
ERROR_BODY = "lambda-runtime-function-error-body"


class Refusal:
    """Bodies of the answers to posts."""

    @staticmethod
    def body(status: int) -> bytes:
        if status < 400:
            return b'{"status":"OK"}'
        return json.dumps({"errorMessage": f"status {status}", "errorType": "InvalidRequest"}).encode()


class Post(Protocol):
    """A request of the sandbox that has begun."""

    async def data(self, content: bytes, /) -> None: ...

    async def end(self, trailers: Headers, /) -> int:
        """The status for the sandbox."""


class DiscardedPost:
    """Read to its end, without effect."""

    def __init__(self, status: int) -> None:
        self._status = status

    async def data(self, content: bytes) -> None:
        pass

    async def end(self, _trailers: Headers) -> int:
        return self._status


class ResponsePost:
    """``/response``: relayed piece by piece where the integration streams, else taken whole."""

    def __init__(self, server: RuntimeApiServer, ticket: Ticket, head: Head) -> None:
        self.ticket = ticket
        self._server = server
        self._prelude = PreludeReader() if server.streaming else None
        self._whole = bytearray()
        # Only an answer that says that it streams may be larger than Lambda's payload limit.
        mode = head.headers.get("lambda-runtime-function-response-mode")
        self._limit = None if mode == "streaming" and server.streaming else server.limits.whole_answer
        self._size = 0
        self._failed = False

    async def data(self, content: bytes) -> None:
        self._size += len(content)
        if self._failed or self._too_large():
            return
        if self._prelude is None:
            self._whole += content
            return
        try:
            for part in self._prelude.feed(content):
                await self.ticket.parts.put(part)
        except MalformedAnswerError as exc:
            await self._fail(Broken("Gateway.MalformedAnswer", str(exc).encode()))

    async def end(self, trailers: Headers) -> int:
        if self._too_large():
            await self._fail(Broken("Function.ResponseSizeTooLarge"))
            return TOO_LARGE
        if not self._failed:
            await self._end(trailers)
        return ACCEPTED

    async def _end(self, trailers: Headers) -> None:
        error_type = trailers.get(ERROR_TYPE)
        if error_type is not None:
            await self._fail(Broken(error_type, base64.b64decode(trailers.get(ERROR_BODY) or "")))
            return
        try:
            if self._prelude is None:
                parts = parse_whole(bytes(self._whole))
            else:
                self._prelude.close()
                parts = [Ended()]
        except MalformedAnswerError as exc:
            await self._fail(Broken("Gateway.MalformedAnswer", str(exc).encode()))
            return
        self._server.finished(self.ticket)
        self._server.journal.note(Moment.ANSWER_ENDED, sandbox=self._server.sandbox, request_id=self.ticket.request_id)
        for part in parts:
            await self.ticket.parts.put(part)

    def _too_large(self) -> bool:
        return self._limit is not None and self._size > self._limit

    async def _fail(self, broken: Broken) -> None:
        self._failed = True
        await self._server.give_up(self.ticket, broken)


class ErrorPost:
    """``/error``: of an invocation, or of the sandbox's own start where there is no ticket."""

    def __init__(self, server: RuntimeApiServer, head: Head, ticket: Ticket | None) -> None:
        self._server = server
        self._ticket = ticket
        self._error_type = head.headers.get(ERROR_TYPE) or "Unhandled"
        self._body = bytearray()

    async def data(self, content: bytes) -> None:
        self._body += content

    async def end(self, _trailers: Headers) -> int:
        journal, sandbox = self._server.journal, self._server.sandbox
        if self._ticket is None:
            journal.note(Moment.INIT_FAILED, sandbox=sandbox, detail=self._error_type)
            return ACCEPTED
        journal.note(Moment.ERROR_POSTED, sandbox=sandbox, request_id=self._ticket.request_id, detail=self._error_type)
        self._server.finished(self._ticket)
        await self._ticket.parts.put(Broken(self._error_type, bytes(self._body)))
        return ACCEPTED
