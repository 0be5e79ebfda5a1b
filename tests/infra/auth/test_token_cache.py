"""Tokens are fetched once, kept as long as they hold, and renewed before they end."""

from __future__ import annotations

import asyncio

import pytest

from infra.auth.tokens import Token, TokenCache
from providers.errors import UpstreamAuth, UpstreamDown
from tests.infra.auth.desk import NOW, Clock


class Issuer:
    """Gives a new token each time, or raises what it is told to; `gate` holds it back."""

    def __init__(self, clock: Clock, seconds: float = 3600) -> None:
        self.clock, self.seconds = clock, seconds
        self.count = 0
        self.fault: Exception | None = None
        self.gate: asyncio.Event | None = None

    async def __call__(self) -> Token:
        self.count += 1
        number = self.count
        if self.gate is not None:
            await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return Token.lasting(f"token-{number}", self.seconds, now=self.clock.now)


async def test_a_token_is_kept_until_five_minutes_before_its_end(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    assert await cache.get(b"k", issuer) == "token-1"
    clock.now = NOW + 3299
    assert await cache.get(b"k", issuer) == "token-1"
    clock.now = NOW + 3300
    assert await cache.get(b"k", issuer) == "token-2"


async def test_a_short_lived_one_is_renewed_half_way(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock, seconds=60)
    assert await cache.get(b"k", issuer) == "token-1"
    clock.now = NOW + 29
    assert await cache.get(b"k", issuer) == "token-1"
    clock.now = NOW + 30
    assert await cache.get(b"k", issuer) == "token-2"


async def test_requests_at_the_same_time_share_one_exchange_of_each_credential(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    found = await asyncio.gather(*(cache.get(key, issuer) for key in [b"a", b"b"] * 20))
    assert issuer.count == 2
    assert len(set(found[::2])) == len(set(found[1::2])) == 1


async def test_a_waiter_who_leaves_does_not_take_the_exchange_away_from_the_others(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    issuer.gate = asyncio.Event()
    first = asyncio.create_task(cache.get(b"k", issuer))
    second = asyncio.create_task(cache.get(b"k", issuer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    first.cancel()
    issuer.gate.set()
    assert await second == "token-1"
    with pytest.raises(asyncio.CancelledError):
        await first
    assert issuer.count == 1


async def test_a_failure_reaches_every_waiter_and_is_not_kept(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    issuer.fault = UpstreamAuth("no")
    found = await asyncio.gather(*(cache.get(b"k", issuer) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [UpstreamAuth] * 3
    issuer.fault = None
    assert await cache.get(b"k", issuer) == "token-2"


async def test_a_failure_that_no_one_waits_for_is_not_printed_by_the_loop(clock: Clock) -> None:
    unheard: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: unheard.append(context))
    cache, issuer = TokenCache(clock), Issuer(clock)
    issuer.fault, issuer.gate = UpstreamAuth("no"), asyncio.Event()
    only = asyncio.create_task(cache.get(b"k", issuer))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    issuer.gate.set()
    for _ in range(5):
        await asyncio.sleep(0)
    assert issuer.count == 1
    assert unheard == []


async def test_while_its_issuer_is_out_a_token_that_still_holds_is_used(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    await cache.get(b"k", issuer)
    issuer.fault = UpstreamDown("out")
    clock.now = NOW + 3599
    assert await cache.get(b"k", issuer) == "token-1"
    clock.now = NOW + 3600
    with pytest.raises(UpstreamDown):
        await cache.get(b"k", issuer)


async def test_a_refusal_counts_even_while_a_token_holds(clock: Clock) -> None:
    """A credential that was taken back is not to be used to the last minute."""
    cache, issuer = TokenCache(clock), Issuer(clock)
    await cache.get(b"k", issuer)
    issuer.fault = UpstreamAuth("revoked")
    clock.now = NOW + 3300
    with pytest.raises(UpstreamAuth):
        await cache.get(b"k", issuer)


async def test_what_was_refused_by_the_provider_is_fetched_anew(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    await cache.get(b"k", issuer)
    cache.forget(b"k", "token-1")
    cache.forget(b"never seen", "token-1")
    assert await cache.get(b"k", issuer) == "token-2"
    cache.forget(b"k", "token-1")  # of a request that was under way all the while
    assert await cache.get(b"k", issuer) == "token-2"


async def test_only_so_many_are_kept_and_those_in_use_are_among_them(clock: Clock) -> None:
    cache, issuer = TokenCache(clock), Issuer(clock)
    for number in range(400):
        await cache.get(number.to_bytes(2), issuer)
        assert await cache.get((0).to_bytes(2), issuer) == "token-1"
    assert issuer.count == 400
    await cache.get((399).to_bytes(2), issuer)
    assert issuer.count == 400
    await cache.get((1).to_bytes(2), issuer)
    assert issuer.count == 401


def test_an_exchange_of_a_loop_that_is_gone_is_not_waited_for(clock: Clock) -> None:
    """Buffered under Mangum, each invocation may have a loop of its own."""
    cache, issuer = TokenCache(clock), Issuer(clock)
    issuer.gate = asyncio.Event()

    old = asyncio.new_event_loop()
    task = old.create_task(cache.get(b"k", issuer))
    old.run_until_complete(asyncio.sleep(0))
    old.run_until_complete(asyncio.sleep(0))
    issuer.gate = None
    assert asyncio.run(cache.get(b"k", issuer)) == "token-2"
    task.cancel()
    for each in asyncio.all_tasks(old):
        each.cancel()
    old.run_until_complete(asyncio.gather(*asyncio.all_tasks(old), task, return_exceptions=True))
    old.close()
    assert asyncio.run(cache.get(b"k", issuer)) == "token-2"


def test_a_token_does_not_show() -> None:
    assert "the-token" not in repr(Token.lasting("the-token", 60, now=NOW))
