"""SnapStart's contract: hooks around the snapshot, start-up after the restore, and an exit status for each failure."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from infra.gateway import Gateway, Moment
from infra.runtime import loop
from infra.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.runtime.asgi import Application


def serve(address: str, app: Application, **settings: Any) -> asyncio.Task[int]:
    return asyncio.create_task(loop.run(Settings(address, "unused.name", **settings), load=lambda _: app))


async def stop(task: asyncio.Task[int]) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return await task


@pytest.fixture
def hooks() -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    """AWS's registry of SnapStart hooks, as far as a runtime sees it."""
    registered: dict[str, list[tuple[Any, ...]]] = {"before": [], "after": []}
    registry = types.ModuleType("snapshot_restore_py")
    registry.get_before_snapshot = lambda: registered["before"]  # type: ignore[attr-defined]
    registry.get_after_restore = lambda: registered["after"]  # type: ignore[attr-defined]
    sys.modules["snapshot_restore_py"] = registry
    yield registered
    del sys.modules["snapshot_restore_py"]


async def test_snapstart_runs_hooks_around_the_restore_and_starts_up_after_it(
    recorder: Any,
    hooks: dict[str, list[tuple[Any, ...]]],
) -> None:
    app = recorder()
    hooks["before"] += [(app.heard.append, ("first registered",), {}), (app.heard.append, ("last registered",), {})]
    hooks["after"] += [(app.heard.append, ("restored",), {})]
    async with Gateway() as gateway:
        task = serve(await gateway.attach(), app, snap_start=True)
        await gateway.journal.seen(Moment.NEXT_ASKED)
        assert await stop(task) == 0
        assert [entry.moment for entry in gateway.journal.entries] == [Moment.RESTORED, Moment.NEXT_ASKED]
    assert app.heard[:4] == ["last registered", "first registered", "restored", "lifespan.startup"]


@pytest.mark.parametrize(
    ("stage", "status", "error"),
    [("before", 64, "Runtime.BeforeSnapshotError"), ("after", 65, "Runtime.AfterRestoreError")],
)
async def test_a_failing_snapstart_hook_ends_the_process_with_its_own_status(
    recorder: Any, hooks: dict[str, list[tuple[Any, ...]]], stage: str, status: int, error: str
) -> None:
    hooks[stage] += [(int, ("no number",), {})]
    async with Gateway() as gateway:
        assert await serve(await gateway.attach(), recorder(), snap_start=True) == status
        assert (await gateway.journal.seen(Moment.INIT_FAILED)).detail == error


async def test_a_failed_start_up_after_a_restore_is_a_restore_error(recorder: Any) -> None:
    async with Gateway() as gateway:
        assert await serve(await gateway.attach(), recorder("failed"), snap_start=True) == 65
        assert (await gateway.journal.seen(Moment.INIT_FAILED)).detail == "Runtime.AfterRestoreError"
