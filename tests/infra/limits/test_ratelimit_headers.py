"""The rate limit headers, as OpenAI's clients read them."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.control.records import Limits
from infra.limits.ratelimit_headers import duration, headers, usd
from infra.limits.windows import Bound, Need, bounds
from tests.infra.limits.stores import NOW

UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (-3, "0s"),
        (0.0001, "1ms"),
        (0.12, "120ms"),
        (0.25, "250ms"),
        (0.864, "864ms"),
        (1, "1s"),
        (1.167, "1.167s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (60, "1m0s"),
        (79.156, "1m19.156s"),
        (360, "6m0s"),
        (3461.658, "57m41.658s"),
        (3600, "1h0m0s"),
        (86_399.5, "23h59m59.5s"),
    ],
)
def test_a_time_is_written_as_go_writes_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(st.floats(0, 10**6))
def test_a_time_is_never_too_short_and_at_most_a_millisecond_too_long(seconds: float) -> None:
    read = sum(float(number) * UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[hms])", duration(seconds)))
    assert seconds - 1e-6 <= read <= seconds + 0.001 + 1e-6


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [(0, "0"), (1, "0.000000001"), (12_500_000_000, "12.5"), (3 * 10**9, "3"), (10**10, "10"), (100, "0.0000001")],
)
def test_money_is_an_exact_decimal_number(nano_usd: int, text: str) -> None:
    assert usd(nano_usd) == text


@given(st.integers(0, 10**18))
def test_no_nano_dollar_is_lost_in_writing(nano_usd: int) -> None:
    assert Decimal(usd(nano_usd)) * 10**9 == nano_usd


def _standing(limits: Limits, *values: int) -> list[tuple[Bound, int]]:
    return list(zip(bounds(limits, Need(0, 0), NOW + 54.0), values, strict=True))


def test_what_is_left_is_told_of_each_limit_that_is_set() -> None:
    limits = Limits(60, 150_000, 5, 10**9, 20 * 10**9)
    assert headers(_standing(limits, 1, 16, 2, 250_000_000, 19 * 10**9), NOW + 54.0) == {
        "x-ratelimit-limit-requests": "60",
        "x-ratelimit-remaining-requests": "59",
        "x-ratelimit-reset-requests": "6s",
        "x-ratelimit-limit-tokens": "150000",
        "x-ratelimit-remaining-tokens": "149984",
        "x-ratelimit-reset-tokens": "6s",
        "x-sabir-budget-remaining-usd": "0.75",
    }


def test_nothing_is_told_of_what_is_not_limited() -> None:
    assert headers([], NOW) == {}
    assert headers(_standing(Limits(parallel_requests=5), 1), NOW) == {}
    assert set(headers(_standing(Limits(nano_usd_per_month=5), 1), NOW)) == {"x-sabir-budget-remaining-usd"}


def test_of_two_scopes_the_one_with_less_left_speaks_for_each_limit_by_itself() -> None:
    key = _standing(Limits(requests_per_minute=10, tokens_per_minute=1000, nano_usd_per_day=500), 3, 100, 100)
    org = _standing(Limits(requests_per_minute=100, tokens_per_minute=5000, nano_usd_per_month=900), 95, 100, 700)
    told = headers(key + org, NOW)
    assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == ("100", "5")
    assert (told["x-ratelimit-limit-tokens"], told["x-ratelimit-remaining-tokens"]) == ("1000", "900")
    assert told["x-sabir-budget-remaining-usd"] == "0.0000002"
    assert headers(org + key, NOW) == told


def test_nothing_left_is_zero_even_where_more_was_used() -> None:
    told = headers(_standing(Limits(tokens_per_minute=10, nano_usd_per_day=5), 17, 9), NOW)
    assert told["x-ratelimit-remaining-tokens"] == "0"
    assert told["x-sabir-budget-remaining-usd"] == "0"
