"""`sabir logs -f`: each request once, none left out, in whatever order they end. No test waits for a clock."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from handlers.commands import log_reader
from handlers.commands.api import Local, Refused, Unreachable, connected
from handlers.commands.log_reader import FAR_LOOK, LONGEST_REQUEST, Follower, last
from handlers.commands.logs import followed
from tests.handlers.commands.log_desk import LogDesk, local

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from handlers.commands.api import AdminApi

PATIENCE = 20.0


class Ended(Exception):
    """A test's own end of what has none."""


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LogDesk]:
    async with local(tmp_path) as made:
        for name, value in made.shell.env.items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        yield made


async def watched(
    api: AdminApi, steps: Sequence[Callable[[], Awaitable[Any]]], *, count: int = 20, orgs: tuple[str, ...] = ("acme",),
    **filters: str
) -> tuple[list[str], list[list[str]]]:  # fmt: skip
    """Ids that were there at first, and those that each step brought; the first of these is what came in between."""
    told: list[list[str]] = []
    remaining = iter(steps)

    async def pause(_: float) -> None:
        step = next(remaining, None)
        if step is None:
            raise Ended
        await step()

    found = await last(api, orgs, filters, count)
    with pytest.raises(Ended):
        await followed(
            api, orgs, filters, (found, count), tell=lambda new: told.append([one["id"] for one in new]), pause=pause
        )
    return [one["id"] for one in found], told


async def test_what_comes_is_told_once_and_what_ends_late_too(desk: LogDesk) -> None:
    old = [(await desk.keep(1000 - seconds)).request_id for seconds in range(50)]
    later: list[str] = []

    async def comes(ago: float) -> None:
        later.append((await desk.keep(ago)).request_id)

    async def nothing() -> None:
        pass

    steps = [lambda: comes(5), nothing, lambda: comes(7), lambda: comes(961), *[nothing] * (FAR_LOOK - 4), nothing]
    async with connected(Local()) as api:
        first, told = await watched(api, steps)
    assert first == old[-20:]
    assert [one for new in told for one in new] == later
    assert told[:4] == [[], [later[0]], [], [later[1]]]


async def test_many_at_once_and_older_ones_among_them(desk: LogDesk) -> None:
    await desk.keep(500)
    many: list[str] = []

    async def come() -> None:
        many.extend([(await desk.keep(400 - number)).request_id for number in range(250)])

    async with connected(Local()) as api:
        _, told = await watched(api, [come])
    assert told == [[], many]


@pytest.mark.parametrize("count", [0, 3, 20])
async def test_what_was_there_before_is_not_told_again(desk: LogDesk, count: int) -> None:
    old = [(await desk.keep(100 - seconds)).request_id for seconds in range(10)]

    async def comes() -> None:
        await desk.keep(1)

    async with connected(Local()) as api:
        first, told = await watched(api, [comes], count=count)
    assert first == (old[-count:] if count else [])
    assert [len(new) for new in told] == [0, 1]


async def test_filters_hold_for_what_comes_and_since_for_what_was(desk: LogDesk) -> None:
    await desk.keep(300)
    failures: list[str] = []

    async def come() -> None:
        await desk.keep(5)
        failures.append((await desk.keep(9, status=500, error="upstream_error", cause="provider")).request_id)

    async with connected(Local()) as api:
        first, told = await watched(api, [come, come], outcome="error", since=f"{desk.began - 60:.3f}")
    assert (first, told) == ([], [[], failures[:1], failures[1:]])


async def test_an_empty_log_and_several_orgs(desk: LogDesk) -> None:
    ids: list[str] = []

    async def come() -> None:
        ids.append((await desk.keep(3)).request_id)
        ids.append((await desk.keep(2, org=None)).request_id)

    async with connected(Local()) as api:
        first, told = await watched(api, [come], orgs=("acme", "-"))
    assert (first, told) == ([], [[], ids])


async def test_a_quiet_log_costs_one_small_read_a_look(desk: LogDesk) -> None:
    for number in range(120):
        await desk.keep(900 - number)
    async with connected(Local()) as api:
        asked: list[dict[str, Any]] = []

        class Counting:
            async def get(self, *parts: str, **query: Any) -> Any:
                asked.append(query)
                return await api.get(*parts, **query)

        follower = Follower(Counting(), "acme", {})  # type: ignore[arg-type]
        await follower.begin([], "~")
        asked.clear()
        for _ in range(FAR_LOOK - 1):
            assert await follower.new() == []
        assert [query["limit"] for query in asked] == [25] * (FAR_LOOK - 1)
        asked.clear()
        await follower.new()
        assert len(asked) == 3


async def test_what_is_remembered_ends(desk: LogDesk) -> None:
    async with connected(Local()) as api:
        follower = Follower(api, "acme", {})
        for ago in (9 * LONGEST_REQUEST, 5 * LONGEST_REQUEST, 0):
            await desk.keep(ago)
            await follower.new()
        assert len(follower._seen) == 1


async def test_an_outage_is_sat_out_and_a_refusal_is_the_end(desk: LogDesk, capsys: pytest.CaptureFixture[str]) -> None:
    async with connected(Local()) as api:
        faults: list[Exception] = []

        class Faulty:
            async def get(self, *parts: str, **query: Any) -> Any:
                if faults:
                    raise faults.pop()
                return await api.get(*parts, **query)

        async def out() -> None:
            faults.append(Unreachable("the store is out", 503))

        async def comes() -> None:
            await desk.keep(1)

        _, told = await watched(Faulty(), [out, comes])  # type: ignore[arg-type]
        assert [len(new) for new in told] == [0, 1]
        assert "the store is out; trying again" in capsys.readouterr().err

        async def refused() -> None:
            faults.append(Refused("no such org", 404))

        with pytest.raises(Refused):
            await watched(Faulty(), [refused])  # type: ignore[arg-type]


async def test_the_command_itself_follows_until_it_is_interrupted(desk: LogDesk) -> None:
    old = await desk.keep(60)
    env = {**os.environ, **{name: value for name, value in desk.shell.env.items() if value is not None}}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "handlers.cli", "logs", "-f", "--json", env=env, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        first = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        assert json.loads(first)["id"] == old.request_id
        new = await desk.keep(desk.began - time.time())
        second = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        assert json.loads(second)["id"] == new.request_id
        process.send_signal(signal.SIGINT)
        rest, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert (rest, process.returncode) == (b"", 0)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def test_a_look_back_covers_the_longest_request_there_can_be() -> None:
    from infra.settings import Timeouts

    times = Timeouts()
    assert times.total + times.unread + 60 <= log_reader.LONGEST_REQUEST
