from __future__ import annotations

import pytest

from infra.requests.timing import Timing


class Tick:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tick() -> Tick:
    return Tick()


def test_time_that_nobody_else_took_is_ours(tick: Tick) -> None:
    timing = Timing(tick)
    tick.now += 0.001
    with timing.upstream:
        tick.now += 0.4
    tick.now += 0.002
    with timing.client:
        tick.now += 0.05
    assert (timing.ms, timing.upstream.ms, timing.client.ms, timing.ours) == (453.0, 400.0, 50.0, 3.0)


def test_waits_that_overlap_count_once_and_one_under_way_counts(tick: Tick) -> None:
    waits = Timing(tick).upstream
    with waits:
        tick.now += 1
        with waits:
            tick.now += 1
            assert waits.ms == 2000.0
        tick.now += 1
    tick.now += 5
    assert waits.ms == 3000.0


def test_a_wait_ends_with_a_failure_too(tick: Tick) -> None:
    timing = Timing(tick)

    def fail() -> None:
        with timing.upstream:
            tick.now += 1
            raise OSError("out")

    with pytest.raises(OSError, match="out"):
        fail()
    tick.now += 1
    assert timing.upstream.ms == 1000.0


def test_ours_is_never_below_nought(tick: Tick) -> None:
    timing = Timing(tick)
    with timing.upstream, timing.client:
        tick.now += 1
    assert timing.ours == 0.0
