"""`retry-after` as RFC 9110 §10.2.3 has it: seconds, or a date in one of three spellings."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.routing.retry_after import _DATE, seconds

SPELLED = 784_111_777.0  # Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110 §5.6.7


@pytest.mark.parametrize(("said", "expected"), [("0", 0.0), ("30", 30.0), (" 7 ", 7.0), ("1.5", 1.5)])
def test_seconds_are_counted_from_the_answer(said: str, expected: float) -> None:
    assert seconds(said, 1_700_000_000.0) == expected


@pytest.mark.parametrize(
    "said",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
    ids=["imf-fixdate", "rfc850", "asctime"],
)
def test_a_date_in_each_spelling_is_the_same_moment(said: str) -> None:
    assert seconds(said, SPELLED - 12.5) == 12.5


def test_a_date_that_has_passed_is_now() -> None:
    assert seconds("Sun, 06 Nov 1994 08:49:37 GMT", SPELLED + 1) == 0.0


@pytest.mark.parametrize(
    "said",
    [None, "", "soon", "-1", "1e3", "inf", "٣", "9999999999", "1;2", "Sun, 06 Nov 19940 08:49:37 GMT",
     "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 99 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT",
     "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST", "Sun, 06 Nov 1994 08:49:37"],
)  # fmt: skip
def test_what_is_neither_says_nothing(said: str | None) -> None:
    assert seconds(said, 0.0) is None


@given(st.text() | st.from_regex(_DATE, fullmatch=True), st.floats(0, 4e9))
def test_whatever_a_provider_says_is_a_wait_or_nothing(said: str, now: float) -> None:
    wait = seconds(said, now)
    assert wait is None or 0 <= wait < float("inf")


@given(st.integers(0, 32_503_679_999))
def test_every_date_that_a_server_writes_until_the_year_2999_is_read(epoch: int) -> None:
    assert seconds(formatdate(epoch, usegmt=True), 0.0) == epoch
