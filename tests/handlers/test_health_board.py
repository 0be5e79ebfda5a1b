"""What a sandbox knows of endpoints, and how the others hear of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from handlers.health import HealthBoard
from infra.control.records import health_place
from infra.control.sqlite import SqliteControlStore
from infra.control.store import Conflict, ControlFault
from providers.errors import UpstreamDown, UpstreamThrottled
from providers.routing.health import read_health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from providers.routing.health import Health

NOW = 1_800_000_000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteControlStore]:
    made = SqliteControlStore(tmp_path / "control.db")
    yield made
    await made.close()


async def published(store: SqliteControlStore, now: float = NOW) -> Mapping[str, Health]:
    found = await store.get([health_place("acme")], now=int(now))
    return read_health(found[health_place("acme")].document, now=now) if found else {}


async def test_nothing_is_known_at_first_and_nothing_is_told(store: SqliteControlStore) -> None:
    board = HealthBoard(store)
    assert board.of("acme", {}) == {}
    await board.publish("acme", now=NOW)
    assert await published(store) == {}


async def test_a_cooldown_is_told_at_once_and_joined_with_what_others_know(store: SqliteControlStore) -> None:
    mine, other = HealthBoard(store), HealthBoard(store)
    mine.failed("acme", "a", UpstreamThrottled("full", retry_after="60"), now=NOW)
    await mine.publish("acme", now=NOW)
    other.failed("acme", "b", UpstreamThrottled("full", retry_after="30"), now=NOW)
    await other.publish("acme", now=NOW)
    told = await published(store)
    assert {name: health.until for name, health in told.items()} == {"a": NOW + 60, "b": NOW + 30}
    assert other.of("acme", told)["a"].until == NOW + 60
    assert mine.of("other", {}) == {}


async def test_times_to_the_first_token_are_told_now_and_then(store: SqliteControlStore) -> None:
    board = HealthBoard(store)
    for second in range(31):
        board.answered("acme", "a", "gpt-4", 0.5, sent=NOW + second - 0.5, now=NOW + second)
        await board.publish("acme", now=NOW + second)
    item = (await store.get([health_place("acme")], now=int(NOW)))[health_place("acme")]
    assert item.version == 3
    assert item.expires_at is not None


async def test_an_answer_ends_a_cooldown_and_a_whole_one_shows_no_time(store: SqliteControlStore) -> None:
    board = HealthBoard(store)
    board.failed("acme", "a", UpstreamThrottled("full"), now=NOW)
    board.answered("acme", "a", "gpt-4", None, sent=NOW - 1, now=NOW + 1)
    assert board.of("acme", {})["a"].until > NOW, "it was on its way before the failure"
    board.answered("acme", "a", "gpt-4", None, sent=NOW + 1, now=NOW + 2)
    assert (board.of("acme", {})["a"].until, dict(board.of("acme", {})["a"].ttft)) == (0.0, {})
    board.answered("acme", "b", "gpt-4", None, sent=NOW, now=NOW)
    assert "b" not in board.of("acme", {})
    board.failed("acme", "a", UpstreamDown("once"), now=NOW + 2)
    assert board.of("acme", {})["a"].until == 0.0, "one hiccup is no state"


@pytest.mark.parametrize("fault", [ControlFault("out"), Conflict("first")], ids=repr)
async def test_a_store_that_is_out_or_was_quicker_changes_nothing(store: SqliteControlStore, fault: Exception) -> None:
    class Out:
        async def get(self, *_: Any, **__: Any) -> Any:
            raise fault

    board: Any = HealthBoard(Out())  # type: ignore[arg-type]
    board.failed("acme", "a", UpstreamThrottled("full"), now=NOW)
    await board.publish("acme", now=NOW)
    assert board.of("acme", {})["a"].until > NOW
