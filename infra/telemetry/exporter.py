"""Sends records as traces and metrics, after the last byte. Whatever the receiver does, no client hears of it.

One export of a signal at a time: records that come meanwhile are sent together by the next. What failed for now stays
in the queue and goes with a later record, once the receiver's `retry-after` or our own backing off is over; what does
not fit into the queue is dropped, and counted.
"""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from infra.telemetry.context import SAMPLED
from infra.telemetry.receiver import ExportFailed, Receiver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import aiohttp

    from infra.requests.record import RequestRecord
    from infra.telemetry.settings import Destination, Signal, Telemetry

# The defaults of the specification's batch processor: OTEL_BSP_MAX_QUEUE_SIZE and OTEL_BSP_MAX_EXPORT_BATCH_SIZE.
_MOST_QUEUED: Final = 2048
_MOST_SENT: Final = 512

_BACKOFF_FIRST: Final = 1.0
_BACKOFF_MOST: Final = 60.0


@dataclass(slots=True)
class Counts:
    """Of one signal, in records; `rejected` in spans or data points, which the receiver names so.

    `dropped`: did not fit into the queue. `failed`: refused for good, or lost with an export that was cut short.
    `problem`: what went wrong last, without anything of the receiver's text; None once an export has worked.
    """

    sent: int = 0
    dropped: int = 0
    failed: int = 0
    rejected: int = 0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a test may hold still. `clock`: epoch seconds; `jitter`: from 0 to 1; `instance_id`: of this process.

    `report`: told of every problem that is another than the one before it, in words that a log may have.
    """

    clock: Callable[[], float] = time.time
    jitter: Callable[[], float] = random.random
    instance_id: Callable[[], str] = field(default=lambda: str(uuid.uuid4()))
    report: Callable[[str], None] = field(default=lambda _: None)


class Exporter:
    """A `Sink`. A receiver that is down, slow or confused makes it raise nothing.

    `session`: called when something is sent, and not before.
    """

    def __init__(
        self, telemetry: Telemetry, session: Callable[[], aiohttp.ClientSession], around: Surroundings | None = None
    ) -> None:
        around = around or Surroundings()
        identity = _Identity(telemetry.resource, around.instance_id)
        self._traces = telemetry.traces and _Outlet("traces", telemetry.traces, session, identity, around=around)
        self._metrics = telemetry.metrics and _Outlet("metrics", telemetry.metrics, session, identity, around=around)

    @property
    def counts(self) -> dict[Signal, Counts]:
        """What became of the records, by signal: a copy."""
        return {outlet.signal: replace(outlet.counts) for outlet in (self._traces, self._metrics) if outlet}

    async def keep(self, record: RequestRecord) -> None:
        """Returns when the record is sent, given up, or left for a later one to take along."""
        sampled = record.trace_id is not None and record.span_id is not None and _is_sampled(record)
        outlets = (self._traces if sampled else None, self._metrics)
        await asyncio.gather(*(outlet.keep(record) for outlet in outlets if outlet))

    async def close(self) -> None:
        """What is still queued gets one more chance each, whatever was to be waited for."""
        await asyncio.gather(*(outlet.close() for outlet in (self._traces, self._metrics) if outlet))


def _is_sampled(record: RequestRecord) -> bool:
    return bool(int(record.trace_flags or "0", 16) & SAMPLED)


class _Identity:
    """The resource, with an id of this process: sums of two processes must not be taken for one's.

    Made at the first export, as all that is restored from one snapshot would share what was made before.
    """

    def __init__(self, resource: Mapping[str, str], new_id: Callable[[], str]) -> None:
        self._resource = resource
        self._new_id = new_id
        self._whole: Mapping[str, str] | None = None

    def __call__(self) -> Mapping[str, str]:
        if self._whole is None:
            self._whole = {"service.instance.id": self._new_id(), **self._resource}
        return self._whole


class _Outlet:
    """The queue of one signal, and the way out of it."""

    def __init__(
        self,
        signal: Signal,
        destination: Destination,
        session: Callable[[], aiohttp.ClientSession],
        identity: _Identity,
        *,
        around: Surroundings,
    ) -> None:
        self.signal = signal
        self.counts = Counts()
        self._destination = destination
        self._receiver = Receiver(signal, destination, session, around.clock)
        self._identity = identity
        self._around = around
        self._queue: deque[RequestRecord] = deque()
        self._busy = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._measured: float | None = None

    async def keep(self, record: RequestRecord) -> None:
        self._queue.append(record)
        self._make_room()
        try:
            async with asyncio.timeout(self._destination.timeout):
                await self._busy.acquire()
        except TimeoutError:
            return  # it is queued, and others are at the door
        try:
            # What is queued now; who queues more meanwhile waits to send it, and must not keep this one here.
            batches = -(-len(self._queue) // _MOST_SENT)
            while batches and self._around.clock() >= self._not_before:
                await self._send_batch()
                batches -= 1
        finally:
            self._busy.release()

    async def close(self) -> None:
        async with self._busy:
            while self._queue and await self._send_batch():
                pass
            self.counts.failed += len(self._queue)
            self._queue.clear()

    async def _send_batch(self) -> bool:
        """Whether it was sent. What may work later is back in the queue."""
        batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST_SENT))]
        now = self._around.clock()
        try:
            rejected = await self._receiver.send(self._encoded(batch, now))
        except ExportFailed as failed:
            self._back_off(failed, batch)
            return False
        except BaseException:
            # Cut short by whoever bounds our time: nobody knows whether it arrived.
            self.counts.failed += len(batch)
            raise
        self.counts.sent += len(batch)
        self.counts.rejected += rejected
        self._failures, self._measured = 0, now
        self._say(f"the receiver rejected {rejected} of what it got" if rejected else None)
        return True

    def _encoded(self, batch: Sequence[RequestRecord], now: float) -> bytes:
        from infra.telemetry.otlp import encode

        protocol = self._destination.protocol
        if self.signal == "traces":
            from infra.telemetry.spans import trace_request

            return encode(trace_request(batch, self._identity()), protocol)
        from infra.telemetry.metrics import metrics_request

        # Intervals of one process follow each other without a gap; the first begins with what was measured first.
        since = min(record.at for record in batch) if self._measured is None else self._measured
        return encode(metrics_request(batch, self._identity(), min(since, now), now), protocol)

    def _back_off(self, failed: ExportFailed, batch: Sequence[RequestRecord]) -> None:
        """Exponential, with jitter: many sandboxes must not come back at once."""
        if not failed.again:
            self.counts.failed += len(batch)
            self._say(failed.problem)
            return
        self._queue.extendleft(reversed(batch))
        self._make_room()
        pause = min(_BACKOFF_FIRST * 2.0**self._failures, _BACKOFF_MOST) * (0.5 + self._around.jitter() / 2)
        self._failures = min(self._failures + 1, 16)
        self._not_before = self._around.clock() + (pause if failed.after is None else failed.after)
        self._say(failed.problem)

    def _make_room(self) -> None:
        """The oldest go: what is going on now is worth more."""
        while len(self._queue) > _MOST_QUEUED:
            self._queue.popleft()
            self.counts.dropped += 1

    def _say(self, problem: str | None) -> None:
        if problem is not None and problem != self.counts.problem:
            self._around.report(f"otlp {self.signal}: {problem}")
        self.counts.problem = problem
