"""The runtime: import, start up, serve events until the sandbox goes away. One event loop does all of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from infra.runtime import application, restore
from infra.runtime.answers import Answer, StreamedAnswer, WholeAnswer
from infra.runtime.api import RuntimeApi, RuntimeApiError
from infra.runtime.cycle import Adapter, Cycle, adapter_for, speaks_v2
from infra.runtime.fault import Fault
from infra.runtime.framing import FramingError
from infra.runtime.lifespan import Lifespan
from infra.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.runtime.asgi import Application
    from infra.runtime.invocation import Invocation

    Load = Callable[[str], Application]

# Lambda kills the sandbox at the deadline without a word to the client; this much before it the call is cancelled,
# which leaves time to say so in an answer.
DEADLINE_MARGIN = 0.5
# An application that does not heed its cancellation gets this long before the process gives itself up.
CANCEL_GRACE = 0.4
# Lambda stops a sandbox only while it is idle, and then gives two seconds at most; elsewhere (the local gateway) calls
# under way may take a little to finish.
DRAIN_SECONDS = 10.0
SHUTDOWN_SECONDS = 1.5

EXIT_FAILED = 1


class StuckError(Exception):
    """The application cannot be stopped, so the process must be: Lambda starts a new one."""


@dataclass(slots=True)
class Worker:
    """Asks for one event after another over a connection of its own."""

    api: RuntimeApi
    app: Application
    settings: Settings
    lifespan: Lifespan
    # True while nothing is lost by cancelling: no event is in hand.
    idle: bool = field(default=False, init=False)
    stopping: bool = field(default=False, init=False)
    # The application has not heeded its cancellation; what it still does would run into the next caller's time.
    _stuck: bool = field(default=False, init=False)

    async def run(self) -> None:
        """Returns after `stopping` was set; raises when this process or the platform is of no further use."""
        while not self.stopping:
            self.idle = True
            invocation = await self.api.next()
            self.idle = False
            await self.serve(invocation)
            if self._stuck:
                raise StuckError(f"invocation {invocation.request_id} went on after its cancellation")

    async def serve(self, invocation: Invocation) -> None:
        """One event, answered in any case, for as long as the platform listens."""
        self._set_trace_id(invocation)
        try:
            fault = await self._answer(invocation)
            if fault is not None:
                fault.log(invocation.request_id)
                await self.api.fail(invocation, fault)
        except (RuntimeApiError, OSError, FramingError) as exc:
            Fault.with_text(exc).log(invocation.request_id)
            self.api.close()
            if isinstance(exc, RuntimeApiError) and exc.status >= 500:
                raise

    async def _answer(self, invocation: Invocation) -> Fault | None:
        """The fault, if it is to be the answer."""
        try:
            adapter = adapter_for(invocation)
            scope, body = adapter.scope, adapter.body
        except Exception as exc:  # noqa: BLE001 - whatever the event holds, the sandbox lives on
            return Fault.hiding_text(exc)
        scope["state"] = self.lifespan.state.copy()
        cycle = Cycle(self._way_out(invocation, adapter), scope, body)
        fault = await self._call(cycle, invocation)
        # The platform, too, may stop reading; a little is allowed even when the time is up already.
        async with asyncio.timeout(max(CANCEL_GRACE, invocation.seconds_left())):
            unsent = await cycle.conclude(fault)
        if fault is not None and unsent is None:
            fault.log(invocation.request_id)
        return unsent

    async def _call(self, cycle: Cycle, invocation: Invocation) -> Fault | None:
        call = asyncio.create_task(cycle.call(self.app), name=invocation.request_id)
        done, _ = await asyncio.wait({call}, timeout=max(0.0, invocation.seconds_left() - DEADLINE_MARGIN))
        if not done:
            call.cancel()
            _, pending = await asyncio.wait({call}, timeout=CANCEL_GRACE)
            self._stuck = bool(pending)
            return Fault("Runtime.DeadlineExceeded", "The application was still busy when its time was over.")
        if call.cancelled():
            return Fault("Runtime.Cancelled", "The application cancelled itself.")
        error = call.exception()
        return cycle.incomplete if error is None else Fault.hiding_text(error)

    def _way_out(self, invocation: Invocation, adapter: Adapter) -> Answer:
        if self.settings.streaming:
            return StreamedAnswer(self.api, invocation, cookies_apart=speaks_v2(adapter))
        return WholeAnswer(self.api, invocation, adapter)

    def _set_trace_id(self, invocation: Invocation) -> None:
        # The environment is one for all workers, so with several of them no value in it would be right.
        if self.settings.concurrency > 1:
            return
        if invocation.trace_id is None:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        else:
            os.environ["_X_AMZN_TRACE_ID"] = invocation.trace_id


async def run(settings: Settings, load: Load = application.load) -> int:
    """The sandbox's whole life. Returns the exit status of the process.

    ``load`` finds the application that the setting ``handler`` stands for.
    """
    api = RuntimeApi(settings.api_address)
    try:
        lifespan, app = await _start(settings, api, load)
    except restore.RestoreError as exc:
        return exc.code
    except Exception as exc:  # noqa: BLE001 - nothing may end the start without the platform being told
        fault = Fault.with_text(exc)
        fault.log()
        await api.fail_init(fault)
        return EXIT_FAILED
    finally:
        api.close()
    workers = [Worker(RuntimeApi(settings.api_address), app, settings, lifespan) for _ in range(settings.concurrency)]
    status = await _serve(workers)
    await lifespan.shutdown(SHUTDOWN_SECONDS)
    return status


async def _start(
    settings: Settings, api: RuntimeApi, load: Callable[[str], Application]
) -> tuple[Lifespan, Application]:
    app = load(settings.handler)
    lifespan = Lifespan(app)
    if not settings.snap_start:
        await lifespan.startup()
        return lifespan, app
    await restore.snapshot_and_restore(api)
    try:
        await lifespan.startup()
    except Exception as exc:  # noqa: BLE001 - told to the platform, then raised on as RestoreError
        await restore.refuse(api, exc)
    return lifespan, app


async def _serve(workers: list[Worker]) -> int:
    """Until SIGTERM, or until the platform is gone for one of the workers."""
    tasks = {asyncio.create_task(worker.run()): worker for worker in workers}
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stopped = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        failures = await _drain(tasks)
    for failure in failures:
        Fault.with_text(failure).log()
    return EXIT_FAILED if failures else 0


async def _drain(tasks: dict[asyncio.Task[None], Worker]) -> list[BaseException]:
    """Lets calls under way finish, within bounds. Returns what ended workers before their time."""
    for task, worker in tasks.items():
        worker.stopping = True
        if worker.idle:
            task.cancel()
    await asyncio.wait(tasks, timeout=DRAIN_SECONDS)
    for worker in tasks.values():
        worker.api.close()
    ended = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    return [error for error in ended if error is not None]


def main() -> NoReturn:
    """Ends the process without the usual clean-up: that would wait for an application that does not stop."""
    status = asyncio.Runner().run(run(Settings.from_environment(os.environ)))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
