"""The application's start-up and shutdown, once a sandbox (ASGI specification, "Lifespan Protocol" 2.0)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.runtime.asgi import Application, Message


class StartupFailedError(Exception):
    """The application said that it cannot start; the text is its own."""


class Lifespan:
    """Keeps the lifespan call open between `startup` and `shutdown`.

    An application that knows no lifespan raises on that scope; by the specification this is no fault.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self.state: dict[str, Any] = {}
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def startup(self) -> None:
        """Raises StartupFailedError."""
        self._task = asyncio.create_task(self._run(), name="lifespan")
        self._inbox.put_nowait({"type": "lifespan.startup"})
        reply = await self._outbox.get()
        if reply["type"] == "lifespan.startup.failed":
            raise StartupFailedError(reply.get("message") or "the application's start-up failed")

    async def shutdown(self, seconds: float) -> None:
        """Best effort within that time: the sandbox goes away in any case."""
        if self._task is None:
            return
        self._inbox.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait({self._task}, timeout=seconds)
        self._task.cancel()

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._inbox.get, self._outbox.put)
        except Exception as exc:  # noqa: BLE001 - by the specification: carry on without, whatever it raised
            self._outbox.put_nowait({"type": "lifespan.unsupported", "because": type(exc).__name__})
        else:
            # An application that returns at once, without a word, knows no lifespan either.
            self._outbox.put_nowait({"type": "lifespan.unsupported"})
