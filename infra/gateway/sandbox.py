"""A sandbox: one process of the bundle, started the way Lambda starts it, and started anew when it ends."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from infra.gateway.answer import Broken
from infra.gateway.journal import Journal, Moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.gateway.runtime_api import RuntimeApiServer

WRAPPER = Path("infra/bootstrap.sh")
# On Lambda this second argument is its own runtime's script, which the wrapper leaves aside.
STOCK_RUNTIME = "/var/runtime/bootstrap.py"
STOCK_RUNTIME_HERE = Path(__file__).with_name("stock_runtime.py")
# As long as the runtime itself may take to finish what it has in hand, and a little.
STOP_SECONDS = 12.0

# The bundle has to bring everything, so nothing of the caller's Python environment may leak in.
NOT_INHERITED = frozenset({"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"})


@dataclass(frozen=True, slots=True)
class Function:
    """``bundle`` is the unpacked zip; ``python`` is absolute or on PATH; ``env`` wins over what is inherited.

    ``wrapped``: whether ``AWS_LAMBDA_EXEC_WRAPPER`` is set, so that our own loop runs and not AWS's runtime.
    """

    bundle: Path
    python: str
    handler: str = "handlers.proxy.handler"
    memory_mb: int = 1024
    env: Mapping[str, str] = field(default_factory=dict)
    wrapped: bool = True

    def command(self) -> list[str]:
        if self.wrapped:
            return [str(self.bundle / WRAPPER), self.python, STOCK_RUNTIME]
        # -P: the script's own folder is no part of the bundle.
        return [self.python, "-P", str(STOCK_RUNTIME_HERE)]

    def environment(self, address: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        return {
            "AWS_REGION": "us-east-1",
            **inherited,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory_mb),
            "AWS_LAMBDA_FUNCTION_NAME": "sabir",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_RUNTIME_API": address,
            "LAMBDA_TASK_ROOT": str(self.bundle),
            "_HANDLER": self.handler,
            **self.env,
        }


@dataclass(slots=True)
class Sandbox:
    """Lives from `start` to `stop`, through any number of processes."""

    function: Function
    server: RuntimeApiServer
    journal: Journal
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    _keeper: asyncio.Task[None] | None = field(default=None, init=False)

    async def start(self) -> None:
        address = await self.server.start()
        self._keeper = asyncio.create_task(self._keep(address))

    async def stop(self) -> None:
        if self._keeper is not None:
            self._keeper.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeper
        await self._end_process()
        await self.server.close()

    def kill(self) -> None:
        """At the function's timeout, as Lambda does: without a word."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def _keep(self, address: str) -> None:
        while True:
            self.process = await asyncio.create_subprocess_exec(
                *self.function.command(), env=self.function.environment(address)
            )
            self.journal.note(Moment.SANDBOX_STARTED, sandbox=self.server.sandbox)
            status = await self.process.wait()
            was_ready = self.server.ready
            self.journal.note(Moment.SANDBOX_EXITED, sandbox=self.server.sandbox, detail=str(status))
            await self.server.abandon("Runtime.ExitError")
            if not was_ready:
                # It never came up. Lambda tries again with the next request, which it fails if that does not help.
                ticket = await self.server.take()
                await self.server.give_up(ticket, Broken("Runtime.ExitError"))

    async def _end_process(self) -> None:
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        self.journal.note(Moment.SANDBOX_EXITED, sandbox=self.server.sandbox, detail=str(self.process.returncode))
