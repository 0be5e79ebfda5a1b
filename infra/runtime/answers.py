"""How an answer leaves the sandbox: in a stream as it comes, or whole where the platform takes no stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from infra.runtime import prelude
from infra.runtime.prelude import NOT_FORWARDED

if TYPE_CHECKING:
    from infra.runtime.api import RuntimeApi
    from infra.runtime.fault import Fault
    from infra.runtime.invocation import Invocation

HeaderList = list[tuple[bytes, bytes]]


class Wrap(Protocol):
    """A Mangum adapter's last step: the whole response as API Gateway's proxy JSON."""

    def __call__(self, response: Any) -> dict[str, Any]: ...


class Answer(Protocol):
    """Called in this order: `open`, any `write`, then `close` or `cut`, then `settle`."""

    def open(self, status: int, headers: HeaderList) -> None:
        """Settles the status line. Sends nothing yet, so that a refusal can still become an error answer.

        Raises:
            ValueError: the headers cannot be sent.
        """

    async def write(self, data: bytes) -> None:
        """Without data: sends the status line and headers at least."""

    async def close(self) -> None:
        """The client has all of it once this returns, but for the platform's own delay."""

    async def cut(self, fault: Fault) -> None:
        """The answer broke off: the client keeps what it has and the platform learns why."""

    async def settle(self) -> None:
        """Waits for the platform's receipt.

        Raises:
            RuntimeApiError: it was refused.
        """


class StreamedAnswer:
    """The body leaves as it comes, behind the metadata that API Gateway turns into a status line and headers."""

    def __init__(self, api: RuntimeApi, invocation: Invocation, *, cookies_apart: bool) -> None:
        self._api = api
        self._invocation = invocation
        self._cookies_apart = cookies_apart
        self._metadata = b""

    def open(self, status: int, headers: HeaderList) -> None:
        self._metadata = prelude.encode(status, headers, cookies_apart=self._cookies_apart)

    async def write(self, data: bytes) -> None:
        if self._metadata:
            first, self._metadata = self._metadata + data, b""
            await self._api.open_response(self._invocation, prelude.CONTENT_TYPE, first)
        else:
            await self._api.send_chunk(data)

    async def close(self) -> None:
        if self._metadata:
            await self.write(b"")
        await self._api.end_response()

    async def cut(self, fault: Fault) -> None:
        await self._api.end_response(fault.trailers())

    async def settle(self) -> None:
        await self._api.finish_response()


class WholeAnswer:
    """Proxy JSON in one piece, for `sam local`, which refuses the streamed form."""

    def __init__(self, api: RuntimeApi, invocation: Invocation, wrap: Wrap) -> None:
        self._api = api
        self._invocation = invocation
        self._wrap = wrap
        self._status = 500
        self._headers: HeaderList = []
        self._body = bytearray()

    def open(self, status: int, headers: HeaderList) -> None:
        self._status = status
        self._headers = [(name, value) for name, value in headers if name.lower() not in NOT_FORWARDED]

    async def write(self, data: bytes) -> None:
        self._body += data

    async def close(self) -> None:
        response = {"status": self._status, "headers": self._headers, "body": bytes(self._body)}
        proxy_json = json.dumps(self._wrap(response)).encode()
        await self._api.respond(self._invocation, proxy_json, "application/json")

    async def cut(self, fault: Fault) -> None:
        # Nothing has been sent, so the error can still take the answer's place.
        await self._api.fail(self._invocation, fault)

    async def settle(self) -> None:
        """`respond` and `fail` have the receipt already."""
