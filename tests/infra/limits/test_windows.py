"""Which counters a request is charged to at which moment, and what a refusal means."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.control.records import Limits
from infra.limits.counters import Charge
from infra.limits.windows import RETRY_PARALLEL, Bound, LimitName, Need, Refusal, bounds, hit_bounds, refusal, window_of
from tests.infra.limits.stores import NOW

ALL = Limits(
    requests_per_minute=10,
    tokens_per_minute=1000,
    parallel_requests=3,
    nano_usd_per_day=10**9,
    nano_usd_per_month=10**10,
)


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_each_limit_charges_the_counter_of_its_window() -> None:
    now = _at("2026-11-23T12:34:56.789")
    minute, next_minute = int(now // 60), int(_at("2026-11-23T12:35:00"))
    assert [bound.charge for bound in bounds(ALL, Need(tokens=70, nano_usd=5), now)] == [
        Charge(f"requests/{minute}", 1, 10, next_minute),
        Charge(f"tokens/{minute}", 70, 1000, next_minute),
        Charge("parallel", 1, 3, None),
        Charge("nano_usd/day/2026-11-23", 5, 10**9, int(_at("2026-11-24T00:00:00"))),
        Charge("nano_usd/month/2026-11", 5, 10**10, int(_at("2026-12-01T00:00:00"))),
    ]


def test_what_is_not_limited_is_not_charged() -> None:
    assert bounds(Limits(), Need(70, 5), NOW) == ()
    assert [bound.limit for bound in bounds(Limits(parallel_requests=0), Need(70, 5), NOW)] == ["parallel_requests"]


def test_a_cache_hit_is_charged_as_a_request_and_nothing_else() -> None:
    assert [bound.limit for bound in hit_bounds(ALL, NOW)] == ["requests_per_minute"]
    assert hit_bounds(Limits(tokens_per_minute=1, parallel_requests=1, nano_usd_per_day=1), NOW) == ()


@pytest.mark.parametrize(
    ("before", "after", "limit"),
    [
        ("2026-11-23T12:34:59.999", "2026-11-23T12:35:00", "requests_per_minute"),
        ("2026-11-23T12:34:59.999", "2026-11-23T12:35:00", "tokens_per_minute"),
        ("2026-11-23T23:59:59.999", "2026-11-24T00:00:00", "nano_usd_per_day"),
        ("2028-02-28T23:59:59.999", "2028-02-29T00:00:00", "nano_usd_per_day"),
        ("2026-11-30T23:59:59.999", "2026-12-01T00:00:00", "nano_usd_per_month"),
        ("2026-12-31T23:59:59.999", "2027-01-01T00:00:00", "nano_usd_per_month"),
        ("2028-02-29T23:59:59.999", "2028-03-01T00:00:00", "nano_usd_per_month"),
    ],
)
def test_a_window_ends_where_the_next_one_begins(before: str, after: str, limit: str) -> None:
    bound = _bound(limit, _at(before))
    assert bound.until == _at(after)
    assert _bound(limit, _at(after)).counter != bound.counter


@given(st.floats(0, 4e9), st.sampled_from(["requests_per_minute", "nano_usd_per_day", "nano_usd_per_month"]))
def test_a_moment_lies_before_the_end_of_its_window_and_shares_its_counter_up_to_there(now: float, limit: str) -> None:
    bound = _bound(limit, now)
    assert bound.until is not None
    assert now < bound.until
    assert _bound(limit, bound.until - 0.5).counter == bound.counter
    assert _bound(limit, bound.until).counter != bound.counter


def test_the_parallel_requests_have_no_window() -> None:
    assert window_of("parallel_requests", NOW) == ("parallel", None)


def test_settling_keeps_the_request_frees_its_place_and_books_what_was_used() -> None:
    used = {bound.limit: bound.used(Need(tokens=11, nano_usd=22)) for bound in bounds(ALL, Need(70, 5), NOW)}
    assert used == {
        "requests_per_minute": 1,
        "tokens_per_minute": 11,
        "parallel_requests": 0,
        "nano_usd_per_day": 22,
        "nano_usd_per_month": 22,
    }


@pytest.mark.parametrize(
    ("limit", "wait"),
    [
        ("requests_per_minute", 60 - 12.25),
        ("tokens_per_minute", 60 - 12.25),
        ("parallel_requests", RETRY_PARALLEL),
        ("nano_usd_per_day", 57_600 - 12.25),
        ("nano_usd_per_month", 57_600 + 16 * 86_400 - 12.25),
    ],
)
def test_a_refusal_names_its_limit_and_the_rest_of_its_window(limit: LimitName, wait: float) -> None:
    now = NOW + 12.25
    asked = bounds(ALL, Need(70, 5), now)
    values = {bound.counter: bound.ceiling if bound.limit == limit else 0 for bound in asked}
    assert refusal(asked, values, now) == Refusal(limit, wait)


def test_of_several_limits_the_one_to_wait_for_longest_is_named() -> None:
    asked = bounds(ALL, Need(70, 5), NOW)
    assert refusal(asked, {bound.counter: bound.ceiling for bound in asked}, NOW).limit == "nano_usd_per_month"
    values = {bound.counter: 0 if bound.limit.startswith("nano") else bound.ceiling for bound in asked}
    assert refusal(asked, values, NOW).retry_after == 60
    assert refusal(asked, values, NOW + 59.5) == Refusal("parallel_requests", RETRY_PARALLEL)


def test_what_needs_more_than_the_whole_limit_never_fits() -> None:
    asked = bounds(ALL, Need(tokens=1001, nano_usd=5), NOW)
    values = dict.fromkeys((bound.counter for bound in asked), 0)
    assert refusal(asked, values, NOW) == Refusal("tokens_per_minute", None)
    assert bounds(ALL, Need(tokens=1000, nano_usd=5), NOW)[1].fits_an_empty_counter


def test_where_what_was_in_the_way_has_gone_the_nearest_limit_is_named_for_a_moment() -> None:
    asked = bounds(ALL, Need(70, 5), NOW)
    values = {bound.counter: 2 if bound.limit == "parallel_requests" else 0 for bound in asked}
    assert refusal(asked, values, NOW) == Refusal("parallel_requests", RETRY_PARALLEL)


def test_nothing_is_left_of_a_limit_that_was_exceeded() -> None:
    bound = bounds(ALL, Need(70, 5), NOW)[1]
    assert [bound.remaining(value) for value in (0, 999, 1000, 1400)] == [1000, 1, 0, 0]


def _bound(limit: str, now: float) -> Bound:
    return next(bound for bound in bounds(ALL, Need(0, 0), now) if bound.limit == limit)
