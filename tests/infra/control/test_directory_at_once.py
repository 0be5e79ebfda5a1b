"""Many who ask the directory at once, some of whom leave, and loops that come and go."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import pytest

from infra.control.directory import Directory
from infra.control.key_text import mint
from tests.infra.control.book import NOW, SECRET, TTL, book, parts

if TYPE_CHECKING:
    from infra.control.directory import Known


async def test_many_who_ask_for_one_key_at_once_cost_one_read() -> None:
    store = book()
    store.gate = asyncio.Event()
    directory = Directory(store, TTL)
    other = mint("acme", "abcdefg234", bytes(32))
    waiting = [asyncio.create_task(directory.find(secret, now=NOW)) for secret in [SECRET, other] * 10]
    await store.asked.wait()
    store.gate.set()
    outcomes = await asyncio.gather(*waiting)
    assert [outcome is not None for outcome in outcomes] == [True, False] * 10
    assert len(store.reads) == 1


async def test_who_goes_away_does_not_take_the_read_with_them() -> None:
    store = book()
    store.gate = asyncio.Event()
    directory = Directory(store, TTL)
    first = asyncio.create_task(directory.find(SECRET, now=NOW))
    await store.asked.wait()
    second = asyncio.create_task(directory.find(SECRET, now=NOW))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    store.gate.set()
    assert parts(await second) == ("acme", "abcdefg234")
    assert len(store.reads) == 1


async def test_a_read_that_fails_after_everybody_left_complains_to_nobody() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    store = book()
    store.gate, store.out = asyncio.Event(), True
    only = asyncio.create_task(Directory(store, TTL).find(SECRET, now=NOW))
    await store.asked.wait()
    only.cancel()
    store.gate.set()
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    gc.collect()  # an exception that nobody looked at is told of when its task is collected
    assert complaints == []


def test_a_read_begun_in_a_loop_that_is_gone_holds_nobody_up() -> None:
    """Buffered under Mangum, each invocation may come with a loop of its own."""
    store = book()
    directory = Directory(store, TTL)

    async def cut_off() -> None:
        store.gate = asyncio.Event()
        # Whoever waits goes away; `asyncio.run` then cancels what is left.
        waiting = asyncio.create_task(directory.find(SECRET, now=NOW))
        await store.asked.wait()
        waiting.cancel()

    async def again() -> Known | None:
        store.gate = None
        return await directory.find(SECRET, now=NOW)

    asyncio.run(cut_off())
    assert parts(asyncio.run(again())) == ("acme", "abcdefg234")


def test_a_read_left_pending_by_a_loop_that_stands_still_is_begun_anew_in_the_next() -> None:
    store = book()
    directory = Directory(store, TTL)
    left, right = asyncio.new_event_loop(), asyncio.new_event_loop()
    complaints: list[Any] = []
    left.set_exception_handler(lambda _, context: complaints.append(context))
    try:
        store.gate = gate = asyncio.Event()
        waiting = left.create_task(directory.find(SECRET, now=NOW))
        left.run_until_complete(store.asked.wait())
        store.gate = None
        assert parts(right.run_until_complete(directory.find(SECRET, now=NOW))) == ("acme", "abcdefg234")
        assert len(store.reads) == 2
        left.call_soon(gate.set)
        assert parts(left.run_until_complete(waiting)) == ("acme", "abcdefg234")
        assert complaints == []
    finally:
        left.close()
        right.close()
