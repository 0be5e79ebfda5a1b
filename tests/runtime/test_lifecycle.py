"""From start to end of a sandbox: start-up, shutdown, deadlines, snapshots, signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from infra.gateway import Function, Gateway, Limits, Moment
from infra.runtime import loop
from infra.runtime.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infra.runtime.asgi import Application, Receive, Scope, Send

ANSWER = """
    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise NotImplementedError
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"tiny"})
"""


def serve(address: str, app: Application, **settings: Any) -> asyncio.Task[int]:
    return asyncio.create_task(loop.run(Settings(address, "unused.name", **settings), load=lambda _: app))


async def stop(task: asyncio.Task[int]) -> int:
    os.kill(os.getpid(), signal.SIGTERM)
    return await task


async def test_start_up_and_shutdown_run_once_around_all_calls(recorder: Any) -> None:
    app = recorder()
    async with Gateway() as gateway, aiohttp.ClientSession() as client:
        task = serve(await gateway.attach(), app)
        for _ in range(2):
            async with client.get(f"{gateway.url}/") as response:
                assert await response.read() == b"ok"
        await gateway.journal.seen(Moment.NEXT_ASKED, times=3)
        assert await stop(task) == 0
    state = "http with ['session']"
    assert app.heard == ["lifespan.startup", state, state, "lifespan.shutdown"]


async def test_a_failed_start_up_is_told_to_the_platform_with_the_applications_words(recorder: Any, capfd: Any) -> None:
    async with Gateway() as gateway:
        assert await serve(await gateway.attach(), recorder("failed")) == loop.EXIT_FAILED
        failed = await gateway.journal.seen(Moment.INIT_FAILED)
        assert not gateway.journal.of(Moment.NEXT_ASKED)
    assert failed.detail == "StartupFailedError"
    assert "no table" in capfd.readouterr().err


@pytest.mark.parametrize("after", ["nothing", "a part", "the last part"])
async def test_a_call_is_cancelled_before_its_deadline_and_the_sandbox_serves_on(
    rig: Any, recorder: Any, after: str
) -> None:
    cancelled = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == "/quick":
            await recorder()(scope, receive, send)
            return
        if after != "nothing":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": after == "a part"})
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    limits = Limits(function=loop.DEADLINE_MARGIN + 0.1)
    async with rig(app, limits=limits) as run:
        async with run.client.get(f"{run.url}/slow") as response:
            assert response.status == (502 if after == "nothing" else 200)
            with pytest.raises(aiohttp.ClientPayloadError) if after == "a part" else contextlib.nullcontext():
                await response.read()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)
        assert cancelled.is_set()
        assert not run.gateway.journal.of(Moment.TIMED_OUT)
        async with run.client.get(f"{run.url}/quick") as response:
            assert await response.read() == b"ok"


async def test_a_stream_that_pauses_for_too_long_is_cut_while_the_function_runs_on(rig: Any) -> None:
    client_saw_it, finished = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        await client_saw_it.wait()
        await send({"type": "http.response.body", "body": b"y"})
        finished.set()

    async with rig(app, limits=Limits(idle=0.05)) as run:
        async with run.client.get(f"{run.url}/") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        client_saw_it.set()
        await finished.wait()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)


async def test_an_answer_that_never_begins_is_a_gateway_timeout(rig: Any) -> None:
    release = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await release.wait()

    async with rig(app, limits=Limits(integration=0.05)) as run:
        async with run.client.get(f"{run.url}/") as response:
            assert response.status == 504
        release.set()
        await run.gateway.journal.seen(Moment.NEXT_ASKED, times=2)


async def test_sigterm_lets_a_call_under_way_finish(make_bundle: Callable[[str], Path]) -> None:
    source = """
        import asyncio, os, signal
        async def app(scope, receive, send):
            if scope["type"] != "http":
                raise NotImplementedError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"one", "more_body": True})
            os.kill(os.getpid(), signal.SIGTERM)
            for _ in range(20):
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b"two"})
    """
    function = Function(make_bundle(source), sys.executable, "tiny.handler")
    async with Gateway(function) as gateway, aiohttp.ClientSession() as client:
        async with client.get(f"{gateway.url}/") as response:
            assert await response.read() == b"onetwo"
        assert (await gateway.journal.seen(Moment.SANDBOX_EXITED)).detail == "0"


async def test_the_bundle_starts_through_its_wrapper_and_stops_with_the_gateway(
    make_bundle: Callable[[str], Path],
) -> None:
    function = Function(make_bundle(ANSWER), sys.executable, "tiny.handler")
    async with Gateway(function, sandboxes=2) as gateway, aiohttp.ClientSession() as client:
        await gateway.journal.seen(Moment.NEXT_ASKED, sandbox=0)
        await gateway.journal.seen(Moment.NEXT_ASKED, sandbox=1)
        async with client.get(f"{gateway.url}/") as response:
            assert await response.read() == b"tiny"
    ends = gateway.journal.of(Moment.SANDBOX_EXITED)
    assert [end.detail for end in ends] == ["0", "0"]


@pytest.mark.parametrize(
    ("source", "word"),
    [
        ("import no_such_module_at_all", "no_such_module_at_all"),
        ("def broken(:", "SyntaxError"),
        ("other = 1", "no attribute 'app'"),
    ],
)
async def test_an_application_that_cannot_be_loaded_is_an_init_error(
    make_bundle: Callable[[str], Path], capfd: Any, source: str, word: str
) -> None:
    function = Function(make_bundle(source), sys.executable, "tiny.handler")
    async with Gateway(function) as gateway, aiohttp.ClientSession() as client:
        assert (await gateway.journal.seen(Moment.INIT_FAILED)).detail == "ApplicationError"
        assert (await gateway.journal.seen(Moment.SANDBOX_EXITED)).detail == "1"
        async with client.get(f"{gateway.url}/") as response:
            assert response.status == 502
        # Lambda, too, tries the start again with the next request.
        await gateway.journal.seen(Moment.SANDBOX_STARTED, times=2)
    assert word in capfd.readouterr().err


async def test_a_bundle_for_another_machine_is_named_as_the_cause(
    make_bundle: Callable[[str], Path], capfd: Any
) -> None:
    bundle = make_bundle(ANSWER)
    (bundle / "bundle.json").write_text(json.dumps({"python": "2.7", "arch": "vax"}))
    async with Gateway(Function(bundle, sys.executable, "tiny.handler")) as gateway:
        await gateway.journal.seen(Moment.INIT_FAILED)
    assert "built for Python 2.7 on vax" in capfd.readouterr().err


async def test_a_process_that_dies_within_an_answer_cuts_it_and_a_new_one_takes_the_next(
    make_bundle: Callable[[str], Path],
) -> None:
    source = """
        import os
        async def app(scope, receive, send):
            if scope["type"] != "http":
                raise NotImplementedError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            if scope["path"] == "/die":
                os._exit(9)
            await send({"type": "http.response.body", "body": b"y"})
    """
    function = Function(make_bundle(source), sys.executable, "tiny.handler")
    async with Gateway(function) as gateway, aiohttp.ClientSession() as client:
        async with client.get(f"{gateway.url}/die") as response:
            with pytest.raises(aiohttp.ClientPayloadError):
                await response.read()
        assert (await gateway.journal.seen(Moment.SANDBOX_EXITED)).detail == "9"
        async with client.get(f"{gateway.url}/live") as response:
            assert await response.read() == b"xy"


@pytest.mark.parametrize("stubborn", ["loop", "thread"])
async def test_an_application_that_cannot_be_stopped_costs_its_process(
    make_bundle: Callable[[str], Path], stubborn: str
) -> None:
    source = """
        import asyncio, threading
        async def app(scope, receive, send):
            if scope["type"] != "http":
                raise NotImplementedError
            if scope["path"] == "/thread":
                threading.Event().wait()
            while scope["path"] == "/loop":
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    pass
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"ok"})
    """
    function = Function(make_bundle(source), sys.executable, "tiny.handler")
    limits = Limits(function=loop.DEADLINE_MARGIN + 0.6)
    async with Gateway(function, limits=limits) as gateway, aiohttp.ClientSession() as client:
        await gateway.journal.seen(Moment.NEXT_ASKED)
        async with client.get(f"{gateway.url}/{stubborn}") as response:
            assert response.status == 502
        # A blocked event loop can do nothing for itself: there the platform's own timeout ends the process.
        ended = await gateway.journal.seen(Moment.SANDBOX_EXITED)
        assert ended.detail == {"loop": str(loop.EXIT_FAILED), "thread": str(-signal.SIGKILL)}[stubborn]
        async with client.get(f"{gateway.url}/fine") as response:
            assert await response.read() == b"ok"
