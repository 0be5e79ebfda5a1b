"""What every store of counters must do, on SQLite and on DynamoDB over real HTTP."""

import asyncio
from collections.abc import Mapping

import pytest

from infra.limits.counters import Charge, Counters, CountersFault, Granted, Refused
from tests.infra.limits.stores import LATER, NOW, Place, charge, opened

END = NOW + 60
KEY = "key/acme/abcdefghij"


async def _reserve(
    counters: Counters, lease_id: str, *charges: Charge, now: int = NOW, expires_at: int = LATER
) -> Granted | Refused:
    return await counters.reserve(KEY, lease_id, charges, expires_at=expires_at, now=now)


async def _read(counters: Counters, *names: str, now: int = NOW) -> Mapping[str, int]:
    return await counters.read(KEY, names, now=now)


async def test_a_grant_tells_every_counter_after_the_write(counters: Counters) -> None:
    first = await _reserve(counters, "a", charge("tokens/1", 30, 100, END), charge("parallel", 1, 5))
    second = await _reserve(counters, "b", charge("tokens/1", 20, 100, END), charge("parallel", 1, 5))
    assert first == Granted({"tokens/1": 30, "parallel": 1})
    assert second == Granted({"tokens/1": 50, "parallel": 2})


async def test_exactly_the_ceiling_fits_and_one_more_does_not(counters: Counters) -> None:
    assert await _reserve(counters, "a", charge("tokens/1", 60, 100, END)) == Granted({"tokens/1": 60})
    assert await _reserve(counters, "b", charge("tokens/1", 41, 100, END)) == Refused({"tokens/1": 60})
    assert await _reserve(counters, "c", charge("tokens/1", 40, 100, END)) == Granted({"tokens/1": 100})


async def test_a_refusal_charges_no_counter_at_all(counters: Counters) -> None:
    refused = await _reserve(counters, "a", charge("parallel", 1, 5), charge("tokens/1", 101, 100, END))
    assert refused == Refused({"parallel": 0, "tokens/1": 0})
    await _reserve(counters, "b", charge("tokens/1", 100, 100, END))
    refused = await _reserve(counters, "c", charge("parallel", 1, 5), charge("tokens/1", 1, 100, END))
    assert refused == Refused({"parallel": 0, "tokens/1": 100})


@pytest.mark.parametrize("ceiling", [0, 99])
async def test_more_than_the_ceiling_is_refused_on_an_empty_counter(counters: Counters, ceiling: int) -> None:
    assert await _reserve(counters, "a", charge("tokens/1", 100, ceiling, END)) == Refused({"tokens/1": 0})
    assert await _read(counters, "tokens/1") == {"tokens/1": 0}


async def test_a_counter_without_a_ceiling_takes_any_sum(counters: Counters) -> None:
    await _reserve(counters, "a", charge("nano_usd/month/2027-01", 10**15, None, END))
    granted = await _reserve(counters, "b", charge("nano_usd/month/2027-01", 10**15, None, END))
    assert granted == Granted({"nano_usd/month/2027-01": 2 * 10**15})


@pytest.mark.parametrize("ceiling", [1, 5, None])
async def test_a_repeat_with_the_same_lease_adds_nothing_and_is_granted_even_at_the_ceiling(
    counters: Counters, place: Place, ceiling: int | None
) -> None:
    once = await _reserve(counters, "a", charge("parallel", 1, ceiling))
    assert await _reserve(counters, "a", charge("parallel", 1, ceiling)) == once == Granted({"parallel": 1})
    async with opened(place) as another:
        assert await _reserve(another, "a", charge("parallel", 1, ceiling)) == once
    assert await counters.settle(KEY, "a", {}, now=NOW) == {"parallel": 0}


async def test_a_settlement_replaces_what_was_reserved_and_what_it_does_not_name_becomes_0(counters: Counters) -> None:
    await _reserve(
        counters, "a", charge("requests/1", 1, 9, END), charge("tokens/1", 50, 100, END), charge("parallel", 1, 5)
    )
    settled = await counters.settle(KEY, "a", {"requests/1": 1, "tokens/1": 70}, now=NOW)
    assert settled == {"requests/1": 1, "tokens/1": 70, "parallel": 0}


async def test_what_was_really_used_may_exceed_the_ceiling_and_then_nothing_more_fits(counters: Counters) -> None:
    await _reserve(counters, "a", charge("tokens/1", 50, 100, END))
    assert await counters.settle(KEY, "a", {"tokens/1": 130}, now=NOW) == {"tokens/1": 130}
    assert await _reserve(counters, "b", charge("tokens/1", 0, 100, END)) == Refused({"tokens/1": 130})


async def test_a_repeated_settlement_adds_nothing(counters: Counters, place: Place) -> None:
    await _reserve(counters, "a", charge("tokens/1", 50, 100, END))
    first = await counters.settle(KEY, "a", {"tokens/1": 70}, now=NOW)
    assert await counters.settle(KEY, "a", {"tokens/1": 70}, now=NOW) == first
    async with opened(place) as another:
        assert await another.settle(KEY, "a", {"tokens/1": 70}, now=NOW) == first
    assert await _read(counters, "tokens/1") == {"tokens/1": 70}


async def test_a_lease_that_nobody_took_settles_to_nothing(counters: Counters) -> None:
    assert await counters.settle(KEY, "ghost", {"tokens/1": 70}, now=NOW) == {"tokens/1": 0}
    assert await _read(counters, "tokens/1") == {"tokens/1": 0}


async def test_a_lease_can_be_settled_by_another_process_than_the_one_that_took_it(
    counters: Counters, place: Place
) -> None:
    await _reserve(counters, "a", charge("tokens/1", 50, 100, END), charge("parallel", 1, 1))
    async with opened(place) as another:
        assert await another.settle(KEY, "a", {"tokens/1": 20}, now=NOW) == {"tokens/1": 20, "parallel": 0}


async def test_pitfall_38_an_expired_lease_is_given_back_by_the_next_one_it_stands_in_the_way_of(
    counters: Counters, place: Place
) -> None:
    money = charge("nano_usd/day/2027-01-15", 80, 100, NOW + 80_000)
    await _reserve(counters, "dead", charge("parallel", 1, 1), money, expires_at=NOW + 30)
    early = await _reserve(counters, "b", charge("parallel", 1, 1), money, now=NOW + 29)
    assert early == Refused({"parallel": 1, "nano_usd/day/2027-01-15": 80})
    async with opened(place) as another:
        late = await _reserve(another, "b", charge("parallel", 1, 1), money, now=NOW + 30)
    assert late == Granted({"parallel": 1, "nano_usd/day/2027-01-15": 80})


async def test_many_expired_leases_are_given_back_at_once(counters: Counters) -> None:
    for number in range(90):
        await _reserve(counters, f"dead{number}", charge("parallel", 1, 90), expires_at=NOW + 1 + number % 7)
    assert await _reserve(counters, "b", charge("parallel", 1, 90), now=NOW) == Refused({"parallel": 90})
    assert await _reserve(counters, "b", charge("parallel", 90, 90), now=NOW + 60) == Granted({"parallel": 90})


async def test_who_settles_after_the_lease_was_given_back_books_what_it_spent_once(counters: Counters) -> None:
    day = NOW + 80_000
    await _reserve(counters, "slow", charge("money", 80, 100, day), charge("parallel", 1, 1), expires_at=NOW + 30)
    await _reserve(counters, "b", charge("money", 100, 100, day), charge("parallel", 1, 1), now=NOW + 31)
    settled = await counters.settle(KEY, "slow", {"money": 75}, now=NOW + 40)
    assert settled == {"money": 175, "parallel": 1}
    again = await counters.settle(KEY, "slow", {"money": 75}, now=NOW + 41)
    assert again == {"money": 175}


async def test_a_lease_that_many_give_back_at_once_comes_back_once(counters: Counters, shared: Place) -> None:
    await _reserve(counters, "dead", charge("parallel", 1, 2), expires_at=NOW + 30)
    await _reserve(counters, "alive", charge("parallel", 1, 2))
    async with opened(shared) as one, opened(shared) as other:
        answers = await asyncio.gather(
            *(_reserve([one, other][i % 2], f"n{i}", charge("parallel", 1, 2), now=NOW + 31) for i in range(8))
        )
    assert [isinstance(answer, Granted) for answer in answers].count(True) == 1
    assert await _read(counters, "parallel") == {"parallel": 2}


async def test_a_lease_that_was_given_back_is_no_grant_any_more(counters: Counters) -> None:
    await _reserve(counters, "a", charge("parallel", 1, 1), expires_at=NOW + 30)
    await _reserve(counters, "b", charge("parallel", 1, 1), now=NOW + 31)
    assert await _reserve(counters, "a", charge("parallel", 1, 1), now=NOW + 32) == Refused({"parallel": 1})


async def test_a_lease_that_comes_back_after_it_was_given_back_is_one_lease(counters: Counters) -> None:
    await _reserve(counters, "a", charge("parallel", 1, 1), expires_at=NOW + 30)
    await _reserve(counters, "b", charge("parallel", 1, 1), now=NOW + 31)
    await counters.settle(KEY, "b", {}, now=NOW + 32)
    assert await _reserve(counters, "a", charge("parallel", 1, 1), now=NOW + 33) == Granted({"parallel": 1})
    assert await counters.settle(KEY, "a", {}, now=NOW + 34) == {"parallel": 0}
    assert await counters.settle(KEY, "a", {"parallel": 1}, now=NOW + 35) == {"parallel": 0}


async def test_windows_are_forgotten_after_their_end_and_counters_without_one_stay(counters: Counters) -> None:
    for minute in range(5):
        now = NOW + 60 * minute
        await _reserve(counters, f"l{minute}", charge(f"tokens/{minute}", 7, 100, now + 60), charge("all", 1), now=now)
        await counters.settle(KEY, f"l{minute}", {f"tokens/{minute}": 7, "all": 1}, now=now)
    stood = await _read(counters, "tokens/0", "tokens/1", "tokens/3", "tokens/4", "all", now=NOW + 240)
    assert stood == {"tokens/0": 0, "tokens/1": 0, "tokens/3": 7, "tokens/4": 7, "all": 5}


async def test_a_settlement_into_a_forgotten_window_does_not_begin_it_again(counters: Counters) -> None:
    await _reserve(counters, "a", charge("tokens/1", 50, 100, END), charge("parallel", 1, 5), expires_at=NOW + 900)
    await _reserve(counters, "b", charge("parallel", 1, 5), now=END + 200, expires_at=NOW + 900)
    await counters.settle(KEY, "b", {}, now=END + 200)
    settled = await counters.settle(KEY, "a", {"tokens/1": 20}, now=END + 201)
    assert settled["parallel"] == 0
    assert await _read(counters, "tokens/1") == {"tokens/1": 0}


async def test_scopes_do_not_touch_each_other(counters: Counters) -> None:
    for scope in ("org/acme", "org/acme2", KEY):
        granted = await counters.reserve(scope, "same", [charge("parallel", 1, 1)], expires_at=LATER, now=NOW)
        assert granted == Granted({"parallel": 1})
    await counters.settle("org/acme", "same", {}, now=NOW)
    assert await counters.read("org/acme2", ["parallel"], now=NOW) == {"parallel": 1}


async def test_counters_are_kept_when_the_process_ends(place: Place) -> None:
    async with opened(place) as before:
        await _reserve(before, "a", charge("money", 5, 100))
    async with opened(place) as after:
        assert await _read(after, "money", "never") == {"money": 5, "never": 0}


async def test_a_closed_store_is_a_fault(counters: Counters) -> None:
    await counters.close()
    with pytest.raises(CountersFault, match="closed"):
        await _reserve(counters, "a", charge("parallel", 1, 1))
    with pytest.raises(CountersFault, match="closed"):
        await counters.settle(KEY, "a", {}, now=NOW)
    with pytest.raises(CountersFault, match="closed"):
        await _read(counters, "parallel")
