"""One ASGI call: scope and body from the event, and the application's messages turned into an answer.

The rules that are easy to get wrong:

- Nothing is sent at ``http.response.start``: while no body part has come, an exception can still become a proper error.
- The answer ends with the last body part, not with the call: the client does not wait for what the application does
  afterwards, and the sandbox does, as the next event is asked for only when the call has returned.
- An exception after the last body part changes nothing for the client: Starlette re-raises after it has sent its
  complete 500 answer.
- The client's departure never reaches a Lambda function, so ``http.disconnect`` comes only when the answer is complete.
"""

from __future__ import annotations

import asyncio
import json
from enum import Enum, auto
from typing import TYPE_CHECKING

from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.handlers import APIGateway, HTTPGateway
from mangum.types import LambdaConfig

from infra.runtime.fault import Fault
from infra.runtime.invocation import Context, Invocation

if TYPE_CHECKING:
    from infra.runtime.answers import Answer
    from infra.runtime.asgi import Application, Message, Scope

Adapter = APIGateway | HTTPGateway

NO_BODY = frozenset({204, 304})


class UnknownEventError(Exception):
    """The event is neither API Gateway's nor a function URL's, as when someone presses "Test" in the console."""


def adapter_for(invocation: Invocation) -> Adapter:
    """Mangum's reader of this event, by the same signs by which Mangum chooses.

    Raises:
        UnknownEventError: it is no HTTP event.
    """
    event = json.loads(invocation.event)
    context = Context(invocation)
    config = LambdaConfig(api_gateway_base_path="/", text_mime_types=list(DEFAULT_TEXT_MIME_TYPES), exclude_headers=[])
    for adapter in (HTTPGateway, APIGateway):
        if isinstance(event, dict) and adapter.infer(event, context, config):  # type: ignore[arg-type]
            return adapter(event, context, config)  # type: ignore[arg-type]
    raise UnknownEventError("the event is no HTTP request of API Gateway or of a function URL")


def speaks_v2(adapter: Adapter) -> bool:
    """Whether the payload is of version 2.0, which wants cookies in a list of their own."""
    return isinstance(adapter, HTTPGateway) and adapter.event["version"] == "2.0"


class _Stage(Enum):
    WAITING = auto()
    STARTED = auto()
    SENDING = auto()
    COMPLETE = auto()


class Cycle:
    """``receive`` and ``send`` for one call, and the judgement of how it went."""

    def __init__(self, answer: Answer, scope: Scope, body: bytes) -> None:
        self._answer = answer
        self._scope = scope
        self._body: bytes | None = body
        self._stage = _Stage.WAITING
        self._status = 500
        self._headers: list[tuple[bytes, bytes]] = []
        self._complete = asyncio.Event()

    async def call(self, app: Application) -> None:
        """Runs the application; every exception of its own passes through."""
        # From 2.4 on `send` may raise OSError when the connection is gone (ours does), so Starlette needs no second
        # task a response to listen for a disconnect that never comes here.
        self._scope["asgi"] = {"version": "3.0", "spec_version": "2.4"}
        await app(self._scope, self.receive, self.send)

    async def receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._complete.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Raises RuntimeError for a message that is out of order, OSError when the platform is gone."""
        kind = message["type"]
        if kind == "http.response.start" and self._stage is _Stage.WAITING:
            self._status = message["status"]
            self._headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", [])]
            self._stage = _Stage.STARTED
        elif kind == "http.response.body" and self._stage in {_Stage.STARTED, _Stage.SENDING}:
            await self._send_body(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"the application sent {kind} when the answer was {self._stage.name.lower()}")

    async def _send_body(self, data: bytes, *, more: bool) -> None:
        if self._stage is _Stage.STARTED:
            self._answer.open(self._status, self._headers)
            self._stage = _Stage.SENDING
        if self._scope["method"] == "HEAD" or self._status in NO_BODY:
            data = b""
        if data or more:
            await self._answer.write(data)
        if not more:
            await self._answer.close()
            self._stage = _Stage.COMPLETE
            self._complete.set()

    @property
    def incomplete(self) -> Fault | None:
        """What to blame when the call returned without an exception, but the answer has no end."""
        if self._stage is _Stage.COMPLETE:
            return None
        return Fault("Runtime.IncompleteAnswer", "The application returned before its answer was complete.")

    async def conclude(self, fault: Fault | None) -> Fault | None:
        """Ends the answer as far as it still can be told.

        Returns the fault if nothing of an answer has been sent: then it is the answer.
        """
        if self._stage in {_Stage.WAITING, _Stage.STARTED}:
            return fault
        if self._stage is _Stage.SENDING and fault is not None:
            await self._answer.cut(fault)
        await self._answer.settle()
        return None
