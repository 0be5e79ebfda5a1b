from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache.directives import CacheDirectives, Mode, parse_directives
from cache.policy import MAX_SKEW, CachePolicy, Discard, Expired, Fresh, Outcome, RequestFacts, Skip, Store, Try
from cache.sealed import CacheEntry

POLICY = CachePolicy(max_size=1000)
NOW = 1_800_000_000
DETERMINISTIC = RequestFacts(deterministic=True)
RANDOM = RequestFacts(deterministic=False)
DONE = Outcome(status=200, complete=True, storable_finish=True, size=1000)
ENTRY = CacheEntry(b"", created_at=NOW, expires_at=NOW + 100)

directives = st.builds(
    CacheDirectives,
    mode=st.sampled_from(get_args(Mode)),
    ttl=st.integers(1, 604_800),
    no_cache=st.booleans(),
    no_store=st.booleans(),
    max_age=st.none() | st.integers(0, 2**31),
    min_fresh=st.none() | st.integers(0, 2**31),
    only_if_cached=st.booleans(),
)
facts = st.builds(RequestFacts, st.booleans())
outcomes = st.builds(
    Outcome,
    status=st.sampled_from([100, 200, 200, 200, 201, 204, 206, 302, 400, 429, 500]),
    complete=st.booleans(),
    storable_finish=st.booleans(),
    size=st.integers(0, 2000),
)


@pytest.mark.parametrize(
    ("use_cache", "cache_control", "facts", "verdict"),
    [
        ("auto", None, DETERMINISTIC, Try()),
        ("auto", None, RANDOM, Skip("not-deterministic", storable=False)),
        ("always", None, RANDOM, Try()),
        ("never", None, DETERMINISTIC, Skip("never", storable=False)),
        ("always", "no-store", DETERMINISTIC, Skip("no-store", storable=False)),
        ("always", "no-store, no-cache", DETERMINISTIC, Skip("no-store", storable=False)),
        ("always", "no-cache", RANDOM, Skip("no-cache", storable=True)),
        ("auto", "no-cache", RANDOM, Skip("not-deterministic", storable=False)),
        ("never", "no-cache", DETERMINISTIC, Skip("never", storable=False)),
        ("auto", "max-age=0, only-if-cached", DETERMINISTIC, Try()),
    ],
)
def test_which_requests_look_into_the_cache(
    use_cache: str, cache_control: str | None, facts: RequestFacts, verdict: Try | Skip
) -> None:
    assert POLICY.lookup(parse_directives(use_cache, None, cache_control), facts) == verdict


@pytest.mark.parametrize(
    ("directives", "seconds_later", "verdict"),
    [
        (CacheDirectives(), 0, Fresh(age=0, remaining=100)),
        (CacheDirectives(), 99, Fresh(age=99, remaining=1)),
        (CacheDirectives(), 100, Expired("expired")),
        (CacheDirectives(), 101, Expired("expired")),
        (CacheDirectives(), -5, Fresh(age=0, remaining=105)),
        (CacheDirectives(), -MAX_SKEW, Fresh(age=0, remaining=100 + MAX_SKEW)),
        (CacheDirectives(), -MAX_SKEW - 1, Expired("expired")),
        (CacheDirectives(max_age=10), 10, Fresh(age=10, remaining=90)),
        (CacheDirectives(max_age=10), 11, Expired("max-age")),
        (CacheDirectives(max_age=0), 0, Fresh(age=0, remaining=100)),
        (CacheDirectives(min_fresh=40), 60, Fresh(age=60, remaining=40)),
        (CacheDirectives(min_fresh=40), 61, Expired("min-fresh")),
        (CacheDirectives(max_age=1000, min_fresh=0), 100, Expired("expired")),
    ],
)
def test_which_entries_may_answer(directives: CacheDirectives, seconds_later: int, verdict: Fresh | Expired) -> None:
    assert POLICY.reuse(ENTRY, directives, NOW + seconds_later) == verdict


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (DONE, Store(ttl=60)),
        (Outcome(201, complete=True, storable_finish=True, size=0), Store(ttl=60)),
        (Outcome(204, complete=True, storable_finish=True, size=0), Discard("status")),
        (Outcome(206, complete=True, storable_finish=True, size=1), Discard("status")),
        (Outcome(429, complete=True, storable_finish=True, size=1), Discard("status")),
        (Outcome(200, complete=False, storable_finish=True, size=1), Discard("incomplete")),
        (Outcome(200, complete=True, storable_finish=False, size=1), Discard("finish")),
        (Outcome(200, complete=True, storable_finish=True, size=1001), Discard("too-large")),
    ],
)
def test_which_answers_may_be_kept(outcome: Outcome, verdict: Store | Discard) -> None:
    assert POLICY.store(CacheDirectives(ttl=60), DETERMINISTIC, outcome) == verdict


def test_a_504_instead_of_an_upstream_call_only_for_only_if_cached() -> None:
    assert POLICY.may_forward(CacheDirectives())
    assert not POLICY.may_forward(CacheDirectives(only_if_cached=True))


@given(directives, facts, outcomes)
def test_nothing_is_kept_that_must_not_be(asked: CacheDirectives, facts: RequestFacts, outcome: Outcome) -> None:
    verdict = POLICY.store(asked, facts, outcome)
    allowed = (
        asked.mode != "never"
        and not asked.no_store
        and (asked.mode == "always" or facts.deterministic)
        and outcome.status in (200, 201)
        and outcome.complete
        and outcome.storable_finish
        and outcome.size <= 1000
    )
    assert isinstance(verdict, Store) == allowed
    if isinstance(verdict, Store):
        assert verdict.ttl == asked.ttl


@given(directives, facts, outcomes)
def test_what_is_kept_was_looked_up_or_skipped_as_storable(
    asked: CacheDirectives, facts: RequestFacts, outcome: Outcome
) -> None:
    looked_up = POLICY.lookup(asked, facts)
    storable = isinstance(looked_up, Try) or looked_up.storable
    if isinstance(POLICY.store(asked, facts, outcome), Store):
        assert storable
    elif outcome == DONE:
        assert not storable


@given(directives, st.integers(-1000, 10**6), st.integers(1, 604_800))
def test_a_reused_entry_has_time_left_and_meets_what_was_asked(asked: CacheDirectives, later: int, ttl: int) -> None:
    verdict = POLICY.reuse(CacheEntry(b"", NOW, NOW + ttl), asked, NOW + later)
    if isinstance(verdict, Fresh):
        assert verdict.remaining == ttl - later > 0
        assert verdict.age == max(0, later)
        assert later >= -MAX_SKEW
        assert asked.max_age is None or verdict.age <= asked.max_age
        assert asked.min_fresh is None or verdict.remaining >= asked.min_fresh
    else:
        assert later >= ttl or later < -MAX_SKEW or asked.max_age is not None or asked.min_fresh is not None
