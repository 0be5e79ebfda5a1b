from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from handlers import journal
from handlers.journal import Journal
from infra.requests.record import RequestRecord

if TYPE_CHECKING:
    from infra.requests.sink import Sink


class Kept:
    def __init__(self) -> None:
        self.records: list[RequestRecord] = []
        self.closed = False

    async def keep(self, record: RequestRecord) -> None:
        self.records.append(record)

    async def close(self) -> None:
        self.closed = True


class Broken(Kept):
    async def keep(self, record: RequestRecord) -> None:
        raise OSError("out")


class Hanging(Kept):
    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def keep(self, record: RequestRecord) -> None:
        self.reached.set()
        await asyncio.Event().wait()


class Line:
    def __init__(self, fault: Exception | None = None) -> None:
        self.said: list[tuple[str, ...]] = []
        self._fault = fault

    def write(self, record: RequestRecord) -> None:
        self.said.append(record.unkept)
        if self._fault is not None:
            raise self._fault


async def kept(line: Line, *, hurried: bool = False, patience: float = 20.0, **sinks: Sink) -> RequestRecord:
    record = RequestRecord("id", "d")
    await Journal(line, sinks, patience).keep(record, hurried=hurried)
    return record


async def test_every_sink_gets_the_record_and_then_the_line_is_written() -> None:
    line, one, other = Line(), Kept(), Kept()
    record = await kept(line, one=one, other=other)
    assert (one.records, other.records, line.said) == ([record], [record], [()])


async def test_a_sink_that_fails_or_hangs_is_named_in_the_line_and_keeps_nothing_from_the_others() -> None:
    line, good = Line(), Kept()
    record = await kept(line, patience=0.01, broken=Broken(), good=good, hanging=Hanging())
    assert (good.records, line.said) == ([record], [("broken", "hanging")])


async def test_in_a_hurry_nobody_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "HURRY", 0.01)
    line = Line()
    await asyncio.wait_for(kept(line, hurried=True, hanging=Hanging()), 20)
    assert line.said == [("hanging",)]


async def test_a_line_that_cannot_be_written_is_no_failure() -> None:
    line = Line(BrokenPipeError())
    await kept(line)
    assert line.said == [()]


async def test_whoever_cancels_is_heard() -> None:
    line = Line()
    keeping = asyncio.create_task(kept(line, hanging=Hanging()))
    await asyncio.sleep(0)
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_whoever_is_cancelled_while_a_sink_hangs_has_written_its_line() -> None:
    """Lambda's deadline may fall into this wait: without the line nobody would know of the request."""
    line, good, hanging = Line(), Kept(), Hanging()
    keeping = asyncio.create_task(kept(line, good=good, hanging=hanging))
    await hanging.reached.wait()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping
    assert line.said == [("hanging",)]


async def test_closing_closes_the_sinks() -> None:
    sink = Kept()
    await Journal(Line(), {"sink": sink}).close()
    assert sink.closed
