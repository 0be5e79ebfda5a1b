"""Requests admitted within the limits of a key and its org at once, on real stores."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from infra.control.records import Limits
from infra.limits.counters import Charge, Counters, CountersFault, Granted, Refused
from infra.limits.limiter import Admission, Denied, Limiter, Need, Scope
from tests.infra.limits.front import front_of
from tests.infra.limits.stores import NOW, Place, opened

LEASE = 900
KEY = Scope("key/acme/abcdefghij", Limits(requests_per_minute=3, tokens_per_minute=1000))
ORG = Scope("org/acme", Limits(tokens_per_minute=1500, parallel_requests=2, nano_usd_per_day=10**9))
NEED = Need(tokens=400, nano_usd=300_000_000)
MINUTE, DAY = NOW // 60, "2027-01-15"
ORG_COUNTERS = [f"tokens/{MINUTE}", "parallel", f"nano_usd/day/{DAY}"]


@pytest.fixture
def limiter(counters: Counters) -> Limiter:
    return Limiter(counters, LEASE)


async def _admitted(limiter: Limiter, lease_id: str, need: Need = NEED, now: float = NOW) -> Admission:
    admission = await limiter.admit([KEY, ORG], need, lease_id=lease_id, now=now)
    assert isinstance(admission, Admission)
    return admission


async def test_a_request_is_reserved_in_both_scopes_and_settled_on_what_it_took(
    limiter: Limiter, counters: Counters
) -> None:
    admission = await _admitted(limiter, "a", now=NOW + 12.5)
    assert admission.headers == {
        "x-ratelimit-limit-requests": "3",
        "x-ratelimit-remaining-requests": "2",
        "x-ratelimit-reset-requests": "47.5s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "600",
        "x-ratelimit-reset-tokens": "47.5s",
        "x-sabir-budget-remaining-usd": "0.7",
    }
    await admission.settle(Need(tokens=150, nano_usd=120_000_000), now=NOW + 20.0)
    assert await _org(counters) == [150, 0, 120_000_000]
    assert await _key(counters) == [1, 150]


async def test_a_settlement_may_be_repeated(limiter: Limiter, counters: Counters) -> None:
    admission = await _admitted(limiter, "a")
    for _ in range(3):
        await admission.settle(Need(150, 5), now=NOW)
    assert await _org(counters) == [150, 0, 5]


async def test_where_one_scope_refuses_the_other_is_given_back_and_no_request_counted(
    limiter: Limiter, counters: Counters
) -> None:
    first = await _admitted(limiter, "a", Need(10, 0))
    await _admitted(limiter, "b", Need(10, 0))
    denied = await limiter.admit([KEY, ORG], Need(10, 0), lease_id="c", now=NOW + 1.0)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.scope, denied.retry_after) == ("parallel_requests", "org/acme", 1.0)
    assert denied.headers["x-ratelimit-remaining-requests"] == "1"
    assert denied.headers["x-ratelimit-remaining-tokens"] == "980"
    assert await _key(counters) == [2, 20]
    await first.settle(Need(10, 0), now=NOW)
    await _admitted(limiter, "d", Need(10, 0))


async def test_the_key_s_refusal_gives_the_org_back(limiter: Limiter, counters: Counters) -> None:
    await (await _admitted(limiter, "a", Need(900, 1))).settle(Need(900, 1), now=NOW)
    denied = await limiter.admit([KEY, ORG], Need(200, 1), lease_id="b", now=NOW + 20.25)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.scope, denied.retry_after) == ("tokens_per_minute", KEY.name, 39.75)
    assert await _org(counters) == [900, 0, 1]
    await _admitted(limiter, "b", Need(200, 1), now=NOW + 60)


async def test_where_both_refuse_the_longest_wait_is_told(limiter: Limiter) -> None:
    for lease_id in "abc":
        await (await _admitted(limiter, lease_id, Need(0, 0))).settle(Need(0, 400_000_000), now=NOW)
    denied = await limiter.admit([KEY, ORG], Need(0, 1), lease_id="d", now=NOW)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.scope) == ("nano_usd_per_day", "org/acme")
    assert denied.retry_after == 57_600
    assert denied.headers["x-sabir-budget-remaining-usd"] == "0"
    assert denied.headers["x-ratelimit-remaining-requests"] == "0"


async def test_what_can_never_fit_has_no_time_to_retry_after(limiter: Limiter, counters: Counters) -> None:
    denied = await limiter.admit([KEY, ORG], Need(1001, 1), lease_id="a", now=NOW)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.scope, denied.retry_after) == ("tokens_per_minute", KEY.name, None)
    assert await _org(counters) == [0, 0, 0]


async def test_a_cache_hit_counts_as_a_request_and_against_no_other_limit(limiter: Limiter, counters: Counters) -> None:
    for number in range(3):
        hit = await limiter.admit_hit([KEY, ORG], lease_id=f"h{number}", now=NOW)
        assert isinstance(hit, Admission)
        assert hit.headers["x-ratelimit-remaining-requests"] == str(2 - number)
        await hit.settle(Need(0, 0), now=NOW)
    assert await _key(counters) == [3, 0]
    assert await _org(counters) == [0, 0, 0]
    denied = await limiter.admit_hit([KEY, ORG], lease_id="h3", now=NOW)
    assert isinstance(denied, Denied)
    assert denied.limit == "requests_per_minute"


async def test_a_crash_between_admission_and_settlement_comes_back_in_both_scopes(limiter: Limiter) -> None:
    dear = Need(0, 10**9)
    await _admitted(limiter, "dead", dear)
    assert isinstance(await limiter.admit([KEY, ORG], dear, lease_id="b", now=NOW + 899), Denied)
    await _admitted(limiter, "b", dear, now=NOW + 900)


async def test_pitfall_38_parallel_requests_cannot_overspend_a_shared_budget(shared: Place) -> None:
    org = Scope("org/acme", Limits(nano_usd_per_month=1000))
    keys = [Scope(f"key/acme/{number}", Limits(requests_per_minute=100)) for number in range(4)]
    async with opened(shared) as counters:
        limiter = Limiter(counters, LEASE)
        answers = await asyncio.gather(
            *(limiter.admit([keys[i % 4], org], Need(0, 150), lease_id=f"r{i}", now=NOW) for i in range(12))
        )
    assert sum(isinstance(answer, Admission) for answer in answers) == 6


class Silent:
    """A store that must not be asked."""

    async def reserve(
        self, scope: str, lease_id: str, charges: Sequence[Charge], *, expires_at: int, now: int
    ) -> Granted | Refused:
        raise AssertionError(scope)

    async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
        raise AssertionError(scope)

    async def read(self, scope: str, counters: Sequence[str], *, now: int) -> Mapping[str, int]:
        raise AssertionError(scope)

    async def close(self) -> None: ...


async def test_where_nothing_is_limited_the_store_is_not_asked() -> None:
    limiter = Limiter(Silent(), LEASE)
    free = Scope("org/acme", Limits())
    admission = await limiter.admit([free, Scope("key/acme/x", Limits())], NEED, lease_id="a", now=NOW)
    assert isinstance(admission, Admission)
    assert admission.headers == {}
    await admission.settle(NEED, now=NOW)
    hit = await limiter.admit_hit([ORG], lease_id="a", now=NOW)
    assert isinstance(hit, Admission)
    await hit.settle(Need(0, 0), now=NOW)


class Gated(Silent):
    """A store whose answers to reservations and whose settlements wait at a gate, and of which a scope is out of order."""

    def __init__(self, counters: Counters, broken: str = "") -> None:
        self._counters = counters
        self._broken = broken
        self.entered = asyncio.Event()
        self.gate = asyncio.Event()

    async def reserve(
        self, scope: str, lease_id: str, charges: Sequence[Charge], *, expires_at: int, now: int
    ) -> Granted | Refused:
        if scope == self._broken:
            raise CountersFault("out of order")
        answer = await self._counters.reserve(scope, lease_id, charges, expires_at=expires_at, now=now)
        await self._pass(scope)
        return answer

    async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
        await self._pass(scope)
        return await self._counters.settle(scope, lease_id, amounts, now=now)

    async def _pass(self, scope: str) -> None:
        self.entered.set()
        await self.gate.wait()
        if scope == self._broken:
            raise CountersFault("out of order")


async def test_an_outage_of_one_scope_is_a_fault_and_the_other_is_given_back(counters: Counters) -> None:
    store = Gated(counters, broken="org/acme")
    store.gate.set()
    with pytest.raises(CountersFault, match="out of order"):
        await Limiter(store, LEASE).admit([KEY, ORG], NEED, lease_id="a", now=NOW)
    assert await _key(counters) == [0, 0]


async def test_a_refusal_stands_though_the_other_scope_is_out(counters: Counters) -> None:
    store = Gated(counters, broken=KEY.name)
    store.gate.set()
    denied = await Limiter(store, LEASE).admit([KEY, ORG], Need(0, 2 * 10**9), lease_id="a", now=NOW)
    assert isinstance(denied, Denied)
    assert (denied.limit, denied.scope) == ("nano_usd_per_day", "org/acme")


async def test_a_settlement_tries_every_scope_before_it_tells_of_an_outage(counters: Counters) -> None:
    store = Gated(counters)
    store.gate.set()
    admission = await _admitted(Limiter(store, LEASE), "a")
    store._broken = KEY.name
    with pytest.raises(CountersFault, match="out of order"):
        await admission.settle(Need(1, 2), now=NOW)
    assert await _org(counters) == [1, 0, 2]
    store._broken = ""
    await admission.settle(Need(1, 2), now=NOW)
    assert await _key(counters) == [1, 1]
    assert await _org(counters) == [1, 0, 2]


async def test_who_hangs_up_while_being_admitted_leaves_nothing_reserved(counters: Counters) -> None:
    store = Gated(counters)
    task = asyncio.create_task(Limiter(store, LEASE).admit([KEY, ORG], NEED, lease_id="a", now=NOW))
    await store.entered.wait()
    task.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _key(counters) == [0, 0]
    assert await _org(counters) == [0, 0, 0]


async def test_who_hangs_up_while_being_denied_is_cancelled_all_the_same(counters: Counters) -> None:
    store = Gated(counters)
    task = asyncio.create_task(Limiter(store, LEASE).admit([KEY, ORG], Need(10**6, 0), lease_id="a", now=NOW))
    await store.entered.wait()
    task.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_who_hangs_up_in_an_outage_is_cancelled_all_the_same(counters: Counters) -> None:
    store = Gated(counters, broken="org/acme")
    task = asyncio.create_task(Limiter(store, LEASE).admit([KEY, ORG], NEED, lease_id="a", now=NOW))
    await store.entered.wait()
    task.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _key(counters) == [0, 0]


async def test_a_settlement_that_is_cancelled_is_booked_all_the_same(counters: Counters) -> None:
    store = Gated(counters)
    store.gate.set()
    admission = await _admitted(Limiter(store, LEASE), "a")
    store.gate.clear()
    store.entered.clear()
    task = asyncio.create_task(admission.settle(Need(7, 8), now=NOW))
    await store.entered.wait()
    task.cancel()
    store.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await _org(counters) == [7, 0, 8]


async def test_a_refused_scope_is_still_told_where_the_other_cannot_be_given_back(counters: Counters) -> None:
    class Stuck(Gated):
        async def settle(self, scope: str, lease_id: str, amounts: Mapping[str, int], *, now: int) -> Mapping[str, int]:
            raise CountersFault("out of order")

    store = Stuck(counters)
    store.gate.set()
    denied = await Limiter(store, LEASE).admit([KEY, ORG], Need(0, 2 * 10**9), lease_id="a", now=NOW)
    assert isinstance(denied, Denied)
    assert denied.limit == "nano_usd_per_day"
    assert "x-ratelimit-limit-requests" not in denied.headers


async def test_pitfall_38_a_giving_back_whose_answer_was_lost_leaves_nothing_and_tells_the_truth(table: Place) -> None:
    full = Scope("org/acme", Limits(nano_usd_per_day=0))
    async with front_of(table.url) as front, opened(replace(table, url=front.url)) as counters:
        limiter = Limiter(counters, LEASE)
        # The org refuses after a look; of the key's two writes the second one gives back.
        front.lose(1, "UpdateItem", after=1)
        denied = await limiter.admit([KEY, full], Need(400, 1), lease_id="a", now=NOW)
        assert front.lost == 1
        assert isinstance(denied, Denied)
        assert denied.headers["x-ratelimit-remaining-tokens"] == "1000"
        assert await _key(counters) == [0, 0]


async def test_no_lease_id_shows_in_an_admission_s_text(limiter: Limiter) -> None:
    assert repr(await _admitted(limiter, "request-1")).count("request-1") == 0


async def _org(counters: Counters) -> list[int]:
    return list((await counters.read("org/acme", ORG_COUNTERS, now=NOW)).values())


async def _key(counters: Counters) -> list[int]:
    return list((await counters.read(KEY.name, [f"requests/{MINUTE}", f"tokens/{MINUTE}"], now=NOW)).values())
